import random
from fractions import Fraction
from math import ceil

import pytest
from fake_speech import which_set
from hypothesis import given
from hypothesis import strategies as st

from kwslib.data.task import (
    SPLITS,
    TEN_WORDS,
    Task,
    in_hash_order,
    sha1_hex,
    speaker_of,
    spelled_as,
    split_of,
)
from kwslib.errors import InputError


def test_labels_are_silence_unknown_and_the_keywords_in_their_order():
    assert Task().labels == ("_silence_", "_unknown_", "yes", "no")
    assert Task.of("no,yes").labels == ("_silence_", "_unknown_", "no", "yes")
    assert Task.of(["stop"]).labels == ("_silence_", "_unknown_", "stop")


def test_ten_stands_for_the_ten_command_words_with_ten_percent():
    task = Task.of("ten")
    assert task.keywords == ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    assert (task.silence_percent, task.unknown_percent) == (10, 10)
    assert task.name == "ten_words"


def test_the_ten_words_in_another_order_are_still_weighed_as_ten():
    task = Task.of(TEN_WORDS[::-1])
    assert (task.silence_percent, task.unknown_percent) == (10, 10)
    assert task.name != "ten_words", "its labels stand in another order"


def test_every_other_choice_takes_a_third_of_each():
    task = Task.of(" yes , no,")
    assert task == Task(("yes", "no"), 33, 33)
    assert task.name == "yes_no"


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [(6_358, 2_099), (803, 265), (824, 272), (0, 0), (1, 1), (100, 33), (200, 66)],
)
def test_a_third_is_rounded_up_to_the_published_counts(keywords, expected):
    assert Task().silence_count(keywords) == expected
    assert Task().unknown_count(keywords) == expected


def test_ten_words_take_the_published_408_clips():
    assert Task.of("ten").silence_count(4_074) == 408
    assert Task.of("ten").unknown_count(4_074) == 408


@given(count=st.integers(0, 10**7), percent=st.integers(0, 300))
def test_shares_are_exact_ceilings(count, percent):
    task = Task(("yes",), silence_percent=percent, unknown_percent=percent)
    assert task.silence_count(count) == ceil(Fraction(count * percent, 100))


@pytest.mark.parametrize(
    ("name", "split"),
    [  # from validation_list.txt and testing_list.txt of the data set
        ("bed/026290a7_nohash_0", "validation"),
        ("bed/060cd039_nohash_0", "validation"),
        ("bed/0c40e715_nohash_0", "testing"),
        ("bed/0ea0e2f4_nohash_0", "testing"),
        ("bed/004ae714_nohash_0", "training"),
    ],
)
def test_known_clips_fall_where_the_published_lists_put_them(name, split):
    assert split_of(speaker_of(name)) == split


@given(speaker=st.from_regex(r"[0-9a-f]{8}", fullmatch=True), number=st.integers(0, 9))
def test_splits_follow_the_published_rule(speaker, number):
    name = f"yes/{speaker}_nohash_{number}"
    assert split_of(speaker_of(name)) == which_set(name + ".wav")


@given(
    speaker=st.text(alphabet="abcdef0123456789", min_size=1, max_size=10),
    validation=st.sampled_from([0, 5, 10, 33.3]),
    testing=st.sampled_from([0, 10, 50]),
)
def test_other_percentages_follow_the_published_rule_too(speaker, validation, testing):
    expected = which_set(f"{speaker}_nohash_0.wav", validation, testing)
    assert split_of(speaker, validation, testing) == expected


def test_about_a_tenth_of_the_speakers_goes_to_each_of_the_small_splits():
    splits = [split_of(f"{number:08x}") for number in range(20_000)]
    shares = {split: splits.count(split) / len(splits) for split in SPLITS}
    assert shares == pytest.approx(
        {"training": 0.8, "validation": 0.1, "testing": 0.1}, abs=0.01
    )  # more than four standard deviations


def test_a_speaker_is_what_stands_before_nohash_whatever_the_word():
    assert speaker_of("yes/004ae714_nohash_0") == "004ae714"
    assert speaker_of("no/004ae714_nohash_12") == "004ae714"


def test_sha1_is_the_standard_one():
    assert sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d"  # FIPS 180, appendix


@given(st.sets(st.text(min_size=1, max_size=12), max_size=30), st.randoms())
def test_hash_order_does_not_depend_on_the_order_given(names, shuffler):
    names = sorted(names)
    ordered = in_hash_order(names)
    shuffler.shuffle(names)
    assert in_hash_order(names) == ordered
    assert [sha1_hex(name) for name in ordered] == sorted(map(sha1_hex, names))


def test_hash_order_is_not_alphabetical_and_mixes_words():
    names = [f"{word}/{number:08x}_nohash_0" for word in ("bed", "cat") for number in range(200)]
    random.Random(1).shuffle(names)
    first = in_hash_order(names)[:200]
    assert 70 < sum(name.startswith("bed/") for name in first) < 130


@pytest.mark.parametrize(
    "keywords",
    [
        "",
        " , ",
        "yes,yes",
        "Yes,yes",
        "yes!",
        "yes no",
        "_silence_",
        "_unknown_",
        "../etc",
        "yes1",
        "ünder",
        [],
    ],
)
def test_bad_keywords_are_input_errors_of_one_line(keywords):
    with pytest.raises(InputError) as error:
        Task.of(keywords)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("keywords", ["no,know", "Yes,WRITE,right", "ten,won,tin,one"])
def test_keywords_that_sound_alike_are_refused(keywords):
    with pytest.raises(InputError, match="sound alike") as error:
        Task.of(keywords)
    pair = [word for word in keywords.lower().split(",") if word not in ("yes", "ten", "tin")]
    assert all(repr(word) in str(error.value) for word in pair)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("keywords", ["yes,no", "ten", "write"])
def test_a_task_is_stated_as_ever_unless_it_keeps_homophones(keywords):
    task, kept = Task.of(keywords), Task.of(keywords, keep_homophones=True)
    percent = 10 if keywords == "ten" else 33
    assert task.as_json() == {
        "keywords": task.keywords, "silence_percent": percent, "unknown_percent": percent,
    }  # fmt: skip
    assert kept.as_json() == {**task.as_json(), "keep_homophones": True}


@pytest.mark.parametrize("keywords", ["Yes,NO", "YES, no", "yes,No"])
def test_case_of_keywords_does_not_matter(keywords):
    assert Task.of(keywords) == Task(("yes", "no"))
    assert Task.of("TEN") == Task.of("ten")


def test_words_are_spelled_as_the_network_spells_them():
    labels = ("_silence_", "_unknown_", "yes", "Nein")
    assert [spelled_as(word, labels) for word in ("YES", "yes", "nein", "NEIN", "other")] == [
        "yes", "yes", "Nein", "Nein", "other",
    ]  # fmt: skip


def test_the_message_for_a_bad_keyword_names_it():
    with pytest.raises(InputError, match="'yes!'"):
        Task.of("no,yes!")


@pytest.mark.parametrize("percents", [(-1, 33), (33, 10**30), (10_001, 0)])
def test_more_silence_or_other_words_than_anybody_wants_are_refused(percents):
    with pytest.raises(InputError, match=r"must be 0 to 10,000 each"):
        Task(("yes",), *percents)
