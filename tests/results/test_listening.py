"""Chapter 3 on listening: what it shows with and without records, and that nothing is missing."""

import re
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.disturb import Disturbance
from kwslib.data.task import Task
from kwslib.measurements import Record, write_records
from kwslib.models.checkpoint import load
from kwslib.results import listening, listening_figures
from kwslib.results import listening_prose as prose
from kwslib.studies.robustness import Transfer

CHAPTER = Path(__file__).parents[2] / "book" / "3_training.md"
NETWORK = "tiny_conv-yes_no"
FIGURES = ("curve", "latency", "noise", "shift", "level", "transfer")


def findings(live):
    """Of a network that listens, or of one that was only read about."""
    study = SimpleNamespace(labels=["_silence_", "_unknown_", "yes", "no"])
    pair = (load(NETWORK)[0], Dataset(open_source(None), Task())) if live else None
    return SimpleNamespace(study=study, live=pair, run="this run")


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A minute heard now, and nothing committed."""
    empty = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listening, "LIVE_MINUTES", 1)
        return listening.listening(findings(live=True), empty, empty)


def accuracy(value, **subject):
    return Record(
        "accuracy", value, "fraction", "measured", {"network": NETWORK, **subject},
        {"name": "speech"}, interval=(value - 0.01, value + 0.01),
    )  # fmt: skip


def sweeps():
    """Records of every sweep, with numbers that can be told apart."""
    clean = accuracy(0.9, **asdict(Disturbance()))
    noisy = [
        accuracy(value, **asdict(Disturbance(noise=noise, snr_db=snr)))
        for noise, values in {
            "hum": (0.85, 0.8),
            "hiss": (0.83, 0.7),
            "synthetic_babble": (0.8, 0.6),
        }.items()
        for snr, value in zip((10.0, 0.0), values, strict=True)
    ]
    shifts = {-200: 0.7, -100: 0.895, 0: 0.9, 100: 0.891, 200: 0.6}
    levels = {-20.0: 0.5, 0.0: 0.9, 10.0: 0.899}
    transfer = [
        accuracy(value, **asdict(Transfer(trained, tested, seed)))
        for trained, tested, value in (
            ("real", "real", 0.92), ("real", "embedded", 0.7),
            ("embedded", "real", 0.5), ("embedded", "embedded", 0.99),
        )
        for seed in (0, 1)
    ]  # fmt: skip
    return {
        "snr": [clean, *noisy],
        "shift": [accuracy(v, **asdict(Disturbance(shift_ms=ms))) for ms, v in shifts.items()],
        "level": [accuracy(v, **asdict(Disturbance(level_db=db))) for db, v in levels.items()],
        "transfer": transfer,
    }


@pytest.fixture(scope="module")
def committed(live, tmp_path_factory):
    """Read from files, and nothing heard now."""
    folder = tmp_path_factory.mktemp("committed")
    records = live.live.records({"name": "embedded speech", "hash": "h"})
    write_records(folder / "streaming" / f"{NETWORK}.json", records)
    write_records(folder / "streaming" / "tiny_conv-yes_no_left.json", records)
    for kind, found in sweeps().items():
        write_records(folder / "robustness" / f"{kind}-{NETWORK}.json", found)
    return listening.listening(findings(live=False), folder / "streaming", folder / "robustness")


@pytest.fixture(params=["live", "committed"])
def found(request):
    return request.getfixturevalue(request.param)


def test_the_text_asks_for_nothing_that_is_missing(found):
    text = CHAPTER.read_text(encoding="utf-8")
    asked = set(re.findall(r"\{glue:text\}`(listening_[^`]+)`", text))
    published = prose.numbers(found)
    assert asked == set(published)
    assert not re.search(r"\bnan\b|None", " ".join(published.values()))


def test_only_what_is_of_this_task_is_read(committed):
    assert list(committed.committed) == [NETWORK]
    assert committed.live is None


def test_figures_are_charts_or_say_how_to_fill_their_place(live, committed):
    bare = replace(live, live=None)
    for name in FIGURES:
        figure = getattr(listening_figures, name)
        assert "kws " in str(figure(bare))
        assert "kws " not in str(figure(committed))
    assert "of keywords" not in str(listening_figures.curve(live))
    assert "missed" in listening_figures.curve(live).to_dict()["description"]


def test_what_is_heard_now_is_told(live):
    text = prose.numbers(live)["listening_live_sentence"]
    assert "embedded speech with 10 keywords" in text
    (point,) = prose.point_rows(live)
    assert point["network"] == "this run"
    assert len(prose.curve_rows(live)) == 255
    assert prose.numbers(live)["listening_committed_sentence"].startswith("No stream of these")


def test_the_committed_is_told_with_its_intervals(live, committed):
    text = prose.numbers(committed)["listening_committed_sentence"]
    outcome = live.live.worked.outcome
    assert f"{100 * outcome.misses:.1f} % of the keywords (95 % interval" in text
    assert f"{outcome.false_accepts_an_hour:.2f} false accepts an hour" in text
    point = live.live.operating
    assert point is not None
    assert f"{point.outcome.false_accepts_an_hour:.2f} an hour (" in text
    assert f"{100 * point.outcome.misses:.1f} % of misses, the threshold {point.threshold}" in text
    shares = [row["share"] for row in prose.latency_rows(committed)]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_curve_without_an_operating_point_is_told_without_one(live, committed):
    records = [
        replace(each, value=None) if each.metric == "stream_operating_point" else each
        for each in live.live.records({"name": "embedded speech", "hash": "h"})
    ]
    text = prose.numbers(replace(committed, committed={NETWORK: records}))
    assert "Its curve" not in text["listening_committed_sentence"]


def test_noise_by_kind(committed):
    rows = {(r["noises"], r["snr_db"]): r for r in prose.noise_rows(committed)}
    assert rows["recorded noises", 0.0]["accuracy"] == pytest.approx(0.75)
    assert rows["recorded noises", 0.0]["worst"] == 0.7
    assert rows["computed noises", 10.0]["best"] == 0.8
    text = prose.numbers(committed)["listening_noise_sentence"]
    assert f"{NETWORK} loses 15.0 points in recorded noises" in text
    assert "30.0 points in computed noises" in text


def test_what_stays_within_a_point(committed):
    told = prose.numbers(committed)
    assert "from −100 to +100 ms" in told["listening_shift_sentence"]
    assert "from 0 to +10 dB" in told["listening_level_sentence"]


def test_transfer_is_a_mean_over_seeds(committed):
    rows = prose.transfer_rows(committed)
    assert [row["accuracy"] for row in rows] == ["92.0 %", "70.0 %", "50.0 %", "99.0 %"]
    assert {row["seeds"] for row in rows} == {"2"}
    text = prose.numbers(committed)["listening_transfer_sentence"]
    assert "trained on embedded speech gets 50.0 % of real speech right" in text
