import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kwslib.evaluation.accuracy import (
    Evaluation,
    evaluate,
    few_clips,
    mean_interval,
    poisson_interval,
    wilson_interval,
    write_predictions,
)

LABELS = ("_silence_", "_unknown_", "yes", "no")


def from_pairs(pairs, labels=LABELS):
    """An evaluation whose clips have these true and predicted labels."""
    truth = np.array([true for true, _ in pairs])
    scores = np.full((len(pairs), len(labels)), 0.1, np.float32)
    scores[np.arange(len(pairs)), [said for _, said in pairs]] = 0.7
    names = tuple(f"word/{number}" for number in range(len(pairs)))
    return Evaluation(labels, names, truth, scores)


PAIRS = [(0, 0), (1, 2), (2, 2), (2, 2), (2, 1), (3, 3), (3, 0), (1, 1)]

pairs_strategy = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_scipys_wilson_interval(counts):
    successes, trials = counts
    reference = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx(tuple(reference), abs=1e-12)


def test_the_interval_of_a_published_example():
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_the_interval_never_leaves_zero_to_one_and_certainty_is_not_claimed():
    assert wilson_interval(0, 10)[0] == 0.0
    assert wilson_interval(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0)
    assert wilson_interval(10, 10)[0] < 1


@pytest.mark.parametrize("counts", [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_proportion_is_a_value_error(counts):
    with pytest.raises(ValueError, match="no proportion"):
        wilson_interval(*counts)


def test_a_table_worked_by_hand():
    evaluation = from_pairs(PAIRS)
    assert evaluation.correct == 5
    assert evaluation.accuracy == 5 / 8
    assert evaluation.confusion.tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 2, 0],
        [1, 0, 0, 1],
    ]
    yes = evaluation.per_label()["yes"]
    assert (yes["n"], yes["accuracy"], yes["precision"]) == (3, 2 / 3, 2 / 3)
    assert yes["interval"] == pytest.approx(
        list(stats.binomtest(2, 3).proportion_ci(method="wilson"))
    )
    silence = evaluation.per_label()["_silence_"]
    assert (silence["n"], silence["accuracy"], silence["precision"]) == (1, 1.0, 0.5)


@given(pairs_strategy)
def test_rows_are_true_and_columns_predicted_labels(pairs):
    evaluation = from_pairs(pairs)
    table = evaluation.confusion
    for true in range(4):
        for said in range(4):
            assert table[true, said] == pairs.count((true, said))
    assert evaluation.correct == np.trace(table)
    assert evaluation.accuracy == pytest.approx(np.trace(table) / len(pairs))
    assert sum(label["n"] for label in evaluation.per_label().values()) == len(pairs)


def test_a_label_without_clips_or_never_said_has_no_rate():
    scores = from_pairs([(2, 2), (2, 3)]).per_label()
    assert scores["_silence_"] == {"n": 0, "accuracy": None, "interval": None, "precision": None}
    assert scores["no"]["accuracy"] is None
    assert scores["no"]["precision"] == 0.0


def test_the_summary_is_json_of_what_the_contract_names():
    import json

    summary = json.loads(json.dumps(from_pairs(PAIRS).summary(), allow_nan=False))
    assert set(summary) == {"n", "accuracy", "interval", "labels", "per_label", "confusion"}
    assert summary["n"] == 8
    assert summary["labels"] == list(LABELS)
    low, high = summary["interval"]
    assert low < summary["accuracy"] < high


def test_the_hardest_clips_are_the_surest_mistakes_and_then_the_narrowest_hits():
    scores = np.array(
        [
            [0.9, 0.1, 0.0],  # right, easily
            [0.1, 0.8, 0.1],  # wrong by 0.7
            [0.3, 0.4, 0.3],  # wrong by 0.1
            [0.0, 0.45, 0.55],  # right by 0.1
        ]
    )
    evaluation = Evaluation(("a", "b", "c"), tuple("wxyz"), np.array([0, 0, 0, 2]), scores)
    assert evaluation.margins() == pytest.approx([0.8, -0.7, -0.1, 0.1])
    assert evaluation.hardest(3) == [1, 2, 3]
    assert evaluation.hardest(99) == [1, 2, 3, 0]
    assert scores[0, 0] == 0.9, "the scores are left as they are"


@given(pairs_strategy)
def test_a_negative_margin_is_a_wrong_clip(pairs):
    evaluation = from_pairs(pairs)
    assert ((evaluation.margins() < 0) == (evaluation.predicted != evaluation.truth)).all()


def test_margins_of_int8_outputs_do_not_wrap():
    scores = np.array([[127, -128], [-128, 127]], np.int8)
    evaluation = Evaluation(("a", "b"), ("x", "y"), np.array([0, 0]), scores)
    assert evaluation.margins().tolist() == [255, -255]


def test_among_equal_scores_the_first_label_is_predicted():
    scores = np.array([[5, 5, 1]], np.int8)
    assert Evaluation(("a", "b", "c"), ("x",), np.array([1]), scores).predicted.tolist() == [0]


def test_evaluate_scores_whatever_predicts():
    images = np.zeros((3, 49, 40), np.uint8)
    seen = []

    def predict(given):
        seen.append(given)
        return np.eye(4, dtype=np.float32)[[2, 3, 0]]

    evaluation = evaluate(predict, images, np.array([2, 3, 3]), ["a", "b", "c"], list(LABELS))
    assert seen[0] is images
    assert evaluation.correct == 2
    assert evaluation.labels == LABELS


def test_no_clips_or_scores_of_another_shape_are_value_errors():
    images = np.zeros((2, 49, 40), np.uint8)
    with pytest.raises(ValueError, match="no clip"):
        evaluate(lambda x: x, images[:0], np.array([]), [], LABELS)
    for shape in ((2, 3), (1, 4), (2,), (2, 4, 1)):
        with pytest.raises(ValueError, match="scores are"):
            evaluate(lambda x, s=shape: np.zeros(s), images, np.array([0, 1]), "ab", LABELS)


def read(path):
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def test_predictions_are_one_row_a_clip(tmp_path):
    path = tmp_path / "new folder" / "p.csv"
    evaluation = from_pairs(PAIRS)
    write_predictions(path, evaluation)
    header, *rows = read(path)
    assert header == ["clip", "label", "predicted", *LABELS]
    assert len(rows) == len(PAIRS)
    for row, (true, said), scores in zip(rows, PAIRS, evaluation.scores, strict=True):
        assert row[1:3] == [LABELS[true], LABELS[said]]
        written = np.array(row[3:], np.float32)
        np.testing.assert_array_equal(written, scores)
    assert rows[0][0] == "word/0"


def test_int8_outputs_are_written_as_integers(tmp_path):
    scores = np.array([[-128, 0, 100, 127]], np.int8)
    write_predictions(
        tmp_path / "p.csv", Evaluation(LABELS, ("yes/a_nohash_0",), np.array([2]), scores)
    )
    assert read(tmp_path / "p.csv")[1] == [
        "yes/a_nohash_0", "yes", "no", "-128", "0", "100", "127"
    ]  # fmt: skip


def test_the_default_interval_is_of_95_percent():
    z = stats.norm.ppf(0.975)
    assert wilson_interval(30, 40) == pytest.approx(wilson_interval(30, 40, z), abs=1e-14)
    assert math.isclose(z, 1.959963984540054)


def test_the_interval_of_a_mean_is_students():
    """Student's table: 2.776 for five values, 12.706 for two."""
    values = [0.90, 0.91, 0.92, 0.93, 0.94]
    margin = 2.776 * np.std(values, ddof=1) / math.sqrt(5)
    assert mean_interval(values) == pytest.approx((0.92 - margin, 0.92 + margin), abs=1e-5)
    assert mean_interval([0.4, 0.6]) == pytest.approx((0.5 - 1.2706, 0.5 + 1.2706), abs=1e-4)
    assert mean_interval([0.3, 0.3]) == (0.3, 0.3)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="needs two or more"):
        mean_interval([0.9])


@given(st.integers(0, 2_000), st.floats(0.01, 100))
def test_a_rate_at_either_end_of_its_interval_gives_as_few_or_as_many_in_2_5_percent(count, hours):
    low, high = poisson_interval(count, hours)
    assert stats.poisson.cdf(count, high * hours) == pytest.approx(0.025, rel=1e-6)
    if count:
        assert stats.poisson.sf(count - 1, low * hours) == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0
    assert low <= count / hours <= high


@pytest.mark.parametrize(("count", "hours"), [(-1, 1), (1, 0), (1, -2)])
def test_what_is_no_rate(count, hours):
    with pytest.raises(ValueError, match="are no rate"):
        poisson_interval(count, hours)


@pytest.mark.parametrize(("clips", "points"), [(1, 79), (10, 39), (48, 18), (99, 12)])
def test_words_with_few_clips_are_named_with_the_width_of_the_interval(clips, points):
    # The widths are those of scipy.stats.binomtest(...).proportion_ci(method="wilson").
    (line,) = few_clips({"yes": 100, "marvin": clips, "absent": 0})
    assert line.startswith(f"marvin: {clips} clip{'s' * (clips > 1)}; ") and line.endswith(
        f" {points} points wide"
    )
