"""Words that sound alike, words that differ in a sound, and names that English does not say."""

import pytest

from kwslib.data.homophones import check_distinct, homophones_of, keeps_homophones
from kwslib.data.spoken import WORDS
from kwslib.data.task import TEN_WORDS
from kwslib.errors import InputError

ALIKE = [("write", "right"), ("know", "no"), ("ate", "eight"), ("for", "four"), ("won", "one"),
         ("to", "two"), ("sheela", "sheila"), ("sicks", "six"), ("knight", "night")]  # fmt: skip
DIFFERENT = [("three", "tree"), ("off", "on"), ("bed", "bird"), ("no", "go"), ("four", "forward"),
             ("one", "on"), ("five", "nine")]  # fmt: skip


@pytest.mark.parametrize(("keyword", "word"), ALIKE)
def test_words_that_sound_alike_are_known_both_ways_and_refused_together(keyword, word):
    assert homophones_of([keyword], [word, "happy", keyword]) == {word: keyword}
    assert homophones_of([word], ["happy", keyword, word]) == {keyword: word}
    with pytest.raises(InputError) as error:
        check_distinct(["happy", keyword, "dog", word])
    assert str(error.value).startswith(f"keywords '{keyword}' and '{word}': sound alike")
    assert "leave one out" in str(error.value)


@pytest.mark.parametrize(("keyword", "word"), DIFFERENT)
def test_words_that_differ_in_a_sound_stay(keyword, word):
    assert homophones_of([keyword], [word]) == {}
    check_distinct([keyword, word])


def test_no_two_words_of_speech_commands_sound_alike():
    check_distinct(WORDS)
    for keywords in (("yes", "no"), TEN_WORDS, WORDS[:7]):
        assert homophones_of(keywords, WORDS) == {}


def test_each_homophone_is_known_by_its_keyword():
    words = ["two", "too", "2", "four", "fore", "tree", "to"]
    assert homophones_of(["for", "to"], words) == {
        "2": "to", "fore": "for", "four": "for", "too": "to", "two": "to",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["RIGHT", "Write", "rite", "write!", "_right_"])
def test_case_and_signs_make_no_difference(name):
    assert homophones_of(["write"], [name]) == {name: "write"}


@pytest.mark.parametrize("name", ["right on", "write_it", "right2", "no write"])
def test_a_name_of_several_words_sounds_like_none_of_them(name):
    assert homophones_of(["write", "no"], [name]) == {}


@pytest.mark.parametrize("name", ["", "'", "...", "_", "нет", "日本", "हाँ", "💡", "a\udcff"])
def test_what_english_does_not_pronounce_sounds_like_nothing(name, capfd):
    assert homophones_of(["no", "a"], [name]) == {}
    assert homophones_of([name], ["no", "'", "''", "да"]) == {}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("training", "kept"),
    [
        ({"task": {"keep_homophones": True}}, True),
        ({"task": {"keep_homophones": False}}, False),
        ({"task": {"keywords": ["yes"]}}, False),
        ({"task": None}, False),
        ({"task": "write"}, False),
        ({}, False),
        (None, False),
        ("trained", False),
    ],
)
def test_a_file_that_does_not_say_so_keeps_none(training, kept):
    assert keeps_homophones(training) is kept
