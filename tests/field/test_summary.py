import pytest

from kwslib.board.client import default_streaming
from kwslib.field.book import Book, sitting
from kwslib.field.summary import (
    condition_rows,
    false_accept_rows,
    numbers,
    original,
    published,
    read_study,
    word_rows,
)
from kwslib.field.trials import Trial

LABELS = ("_silence_", "_unknown_", "yes", "no")
PUBLISHED = ("tiny_conv-yes_no", "tiny_conv-yes_no_left")


@pytest.fixture
def study(tmp_path):
    """Makes a study of trials; ``labels`` are the network's."""

    def study(*trials, labels=LABELS):
        path = tmp_path / "trials.json"
        shared = sitting(
            "n-yes_no", "ab" * 32, labels, default_streaming(len(labels)), "emulator", "m", {}
        )
        book = Book(path, shared)
        for trial in trials:
            book.add(trial)
        return read_study(path)

    return study


def said(word, *detected, **facts):
    return [
        Trial(word, f"{word}/{i}", 30.0, each, -40 if each else None, **facts)
        for i, each in enumerate(detected)
    ]


def test_the_originals_counts_are_those_of_its_report():
    assert (original("yes").count, original("yes").trials) == (8, 10)
    assert (original("no").count, original("no").trials) == (9, 10)


def test_sentences_count_what_the_trials_hold(study):
    told = numbers(
        study(
            *said("no", "no", None, noise="none"),
            *said("yes", *["yes"] * 3, "no", noise="pink", snr_db=10, clip="yes"),
            *said("_none_", "yes", None, kind="sss"),
            *said("_none_", "yes", "yes", kind="shh"),
            *said("_unknown_", None, None, kind="dog", clip="no"),
        )
    )
    assert told["field_trials"] == "12"
    assert told["field_spoken"] == "6"
    assert told["field_words_sentence"] == (
        "The network detected yes in 3 of 4 trials (75 %, 95 % interval 30 to 95 %) and "
        "no in 1 of 2 trials (50 %, 95 % interval 9 to 91 %)."
    )
    assert (
        "yes in 8 of 10 trials (80 %, 95 % interval 49 to 94 %)" in told["field_original_sentence"]
    )
    assert "right yes in 4 of 4 recordings" in told["field_clips_sentence"]
    assert "leaves alone 0 of 2 other words" in told["field_clips_sentence"]
    assert "40 ms before the end of the word" in told["field_delay_sentence"]
    assert told["field_noise_sentence"].endswith("quiet 50 %, 10 dB 75 %.")
    assert "In 2 minutes" in told["field_sounds_sentence"]
    assert "3 of 4 recordings" in told["field_sounds_sentence"]
    assert "0 of 2 recordings" in told["field_others_sentence"]
    assert "1 of 2 recordings here" in told["field_hiss_sentence"]
    assert "“shh”, 2 of 2" in told["field_hiss_sentence"]
    assert "this speaker" in told["field_limits"]


@pytest.mark.parametrize(
    ("trials", "names"),
    [
        (said("yes", "yes"), ["clips", "noise", "sounds", "others", "hiss"]),
        (said("_none_", None, kind="hum"), ["words", "original", "delay", "others", "hiss"]),
    ],
)
def test_without_trials_of_a_kind_its_sentence_is_empty(study, trials, names):
    told = numbers(study(*trials))
    assert [told[f"field_{name}_sentence"] for name in names] == [""] * len(names)


def test_a_network_of_other_words_is_not_put_beside_the_originals(study):
    other = study(*said("yes", "yes"), labels=(*LABELS, "left"))
    assert numbers(other)["field_original_sentence"] == ""
    assert [row["run"] for row in word_rows(other)] == ["published run"]


def test_rows_follow_the_networks_order_of_words(study):
    found = study(
        *said("no", "no", noise="none"),
        *said("yes", "no", noise="none"),
        *said("yes", "yes", noise="pink", snr_db=5),
    )
    rows = word_rows(found, "this run")
    assert [(row["word"], row["run"], row["count"], row["trials"]) for row in rows] == [
        ("yes", "this run", 1, 2),
        ("yes", "original report", 8, 10),
        ("no", "this run", 1, 1),
        ("no", "original report", 9, 10),
    ]
    assert [(row["condition"], row["word"], row["share"]) for row in condition_rows(found)] == [
        ("quiet", "yes", 0.0),
        ("quiet", "no", 1.0),
        ("5 dB", "yes", 1.0),
    ]


def test_sounds_that_are_taken_for_words_most_often_come_first(study):
    found = study(
        *said("_none_", None, "yes", kind="sss"), *said("_none_", "no", "yes", kind="shh")
    )
    rows = false_accept_rows(found)
    assert [(row["kind"], row["detected"]) for row in rows] == [
        ("shh", {"no": 1, "yes": 1}),
        ("sss", {"yes": 1}),
    ]


@pytest.mark.parametrize("network", PUBLISHED)
def test_published_tests_are_of_the_published_networks_and_large_enough(network):
    from kwslib.files import sha256_of_file
    from kwslib.models.checkpoint import PUBLISHED as NETWORKS

    found = published(network)
    (record,) = found.records
    assert found.network == network
    assert record.subject["sha256"] == sha256_of_file(NETWORKS / f"{network}.tflite")
    assert record.method == "emulated"
    assert all(len(trials) >= 40 for trials in found.by_keyword().values())
    assert set(found.by_keyword()) == set(found.keywords)
    assert all(value for name, value in numbers(found).items() if "original" not in name)
