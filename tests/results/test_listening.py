"""Chapter 3 on continuous audio: a stream heard now, and one that is read from files."""

import re
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from specifications import rows_of

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.disturb import Disturbance
from kwslib.data.task import Task
from kwslib.models.checkpoint import load
from kwslib.records import Record, write_records
from kwslib.results import listening
from kwslib.studies.robustness import Transfer


@pytest.fixture(scope="module")
def heard():
    """A minute that a published network hears now."""
    pair = load("tiny_conv-yes_no")[0], Dataset(open_source(None), Task())
    return listening.listen_now(SimpleNamespace(live=pair, run="this run"), minutes=1)


@pytest.fixture(scope="module")
def streams(heard, tmp_path_factory):
    """The same as the records of two networks, one of which makes more false accepts."""
    layout = tmp_path_factory.mktemp("measurements")
    folder = layout / "streaming"
    folder.mkdir()
    records = heard.records({"name": "embedded speech", "hash": "h"})
    write_records(folder / "funnel_small-yes_no.json", records)
    for record in records:
        if record.metric == "false_accepts":
            object.__setattr__(record, "value", record.value + 60)
    write_records(folder / "tiny_conv-yes_no.json", records)
    write_records(folder / "tiny_conv-yes_no_left.json", records)
    return listening.load_streams(folder=layout)


def test_a_run_without_a_network_hears_nothing():
    assert listening.listen_now(SimpleNamespace(live=None)) is None


def test_streams_of_the_task_most_false_accepts_first(streams):
    assert list(streams) == ["tiny_conv", "funnel_small"]
    assert listening.load_streams("ten_words") == {}


def test_values_are_those_of_the_stream(streams, heard):
    outcome = heard.worked.outcome
    assert listening.value_of(streams["funnel_small"], "misses") == outcome.misses
    kinds = outcome.by_kind
    if outcome.false_accepts:
        share = listening.share_at_words(streams["funnel_small"])
        assert share == kinds["word"] / len(outcome.false_accepts)


def test_the_curve_has_every_threshold_and_its_operating_point(streams, heard):
    for chart, networks in (
        (listening.plot_misses(streams), 2),
        (listening.plot_misses_now(heard), 1),
    ):
        spec = chart.to_dict()
        lines, points = spec["layer"][0]["data"]["values"], spec["layer"][3]["data"]["values"]
        assert len(lines) == networks * len(heard.points) and len(points) == networks
        assert points[0]["threshold"] == heard.worked.threshold
        assert points[0]["low"] <= points[0]["false_accepts"] <= points[0]["high"]
        assert "1 min" in str(spec["usermeta"]) or "hours" in str(spec["usermeta"])


def test_the_table_has_the_settings_and_both_rates(streams, heard):
    table = listening.tabulate_streams(streams)
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    assert "tiny conv" in rows[1] and "funnel small" in rows[2]
    outcome = heard.worked.outcome
    assert f"{100 * outcome.misses:.1f}&nbsp;%" in rows[2]
    assert f"{outcome.false_accepts_an_hour:.1f} (" in rows[2]
    assert f"{20 * heard.streaming.hops}" in rows[2]


def test_latencies_ascend(streams):
    rows = listening.plot_latency(streams).to_dict()["data"]["values"]
    shares = [row["share"] for row in rows if row["network"] == "tiny conv"]
    assert shares == sorted(shares) and shares[-1] == 1.0


def accuracy(value, **subject):
    data = {"name": "speech", "clips": 100}
    interval = (value - 0.01, value + 0.01)
    return Record("accuracy", value, "fraction", "measured", subject, data, interval=interval)


def sweeps():
    clean = accuracy(0.9, **asdict(Disturbance()))
    noises = {"hum": (0.85, 0.8), "hiss": (0.83, 0.7), "synthetic_babble": (0.8, 0.6)}
    noisy = [
        accuracy(value, **asdict(Disturbance(noise=noise, snr_db=snr)))
        for noise, values in noises.items()
        for snr, value in zip((10.0, 0.0), values, strict=True)
    ]
    shifts = {-200: 0.7, -100: 0.895, 0: 0.9, 100: 0.891}
    levels = {-20.0: 0.5, 0.0: 0.9, 10.0: 0.899}
    pairs = {("real", "real"): 0.92, ("real", "embedded"): 0.7,
             ("embedded", "real"): 0.5, ("embedded", "embedded"): 0.98}  # fmt: skip
    return {
        "snr": [clean, *noisy],
        "shift": [accuracy(v, **asdict(Disturbance(shift_ms=ms))) for ms, v in shifts.items()],
        "level": [accuracy(v, **asdict(Disturbance(level_db=db))) for db, v in levels.items()],
        "transfer": [
            accuracy(value + 0.01 * seed, **asdict(Transfer(*pair, seed)))
            for pair, value in pairs.items()
            for seed in (0, 1)
        ],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    layout = tmp_path_factory.mktemp("measurements")
    folder = layout / "robustness"
    folder.mkdir()
    for kind, records in sweeps().items():
        others = [Record("per_label", {}, "", "measured")]
        write_records(folder / f"{kind}-tiny_conv-yes_no.json", [*records, *others])
        write_records(folder / f"{kind}-tiny_conv-yes_no_left.json", records)
    better = [accuracy(0.99, **asdict(Disturbance()))]
    write_records(folder / "shift-funnel_small-yes_no.json", better)
    return layout


def test_sweeps_of_the_task_by_network_the_most_accurate_last(folder):
    assert list(listening.load_sweep("shift", folder=folder)) == ["tiny_conv", "funnel_small"]
    (records,) = listening.load_sweep("snr", folder=folder).values()
    assert {record.metric for record in records} == {"accuracy"} and len(records) == 7
    assert listening.load_sweep("level", "ten_words", folder) == {}


def test_losses_are_points_from_the_undisturbed_clips():
    found = sweeps()
    assert listening.loss_by(found["shift"], "shift_ms") == pytest.approx(
        {-200: 20.0, -100: 0.5, 0: 0.0, 100: 0.9}
    )
    assert listening.loss_by(found["level"], "level_db")[10.0] == pytest.approx(0.1)
    assert listening.loss_in_noise(found["snr"], 0.0) == pytest.approx(
        {listening.RECORDED: 15.0, listening.SYNTHETIC: 30.0}
    )


def test_noise_is_drawn_as_mean_worst_and_best_of_its_kind(folder):
    spec = listening.plot_noise(listening.load_sweep("snr", folder=folder)).to_dict()
    rows = {(row["noises"], row["snr_db"]): row for row in rows_of(spec)}
    recorded = rows[listening.RECORDED, 0.0]
    assert recorded["accuracy"] == pytest.approx(0.75)
    assert (recorded["worst"], recorded["best"]) == (0.7, 0.8)
    assert rows[listening.SYNTHETIC, 10.0]["accuracy"] == 0.8


def test_a_disturbance_is_drawn_with_intervals(folder):
    sweep = listening.load_sweep("level", folder=folder)
    spec = listening.plot_disturbance(sweep, "level_db", "gain in dB").to_dict()
    rows = rows_of(spec)
    assert [row["level_db"] for row in rows] == [-20.0, 0.0, 10.0]
    assert all(row["low"] < row["accuracy"] < row["high"] for row in rows)
    assert {row["network"] for row in rows} == {"tiny conv"}


def test_transfer_is_a_mean_over_seeds(folder):
    sweep = listening.load_sweep("transfer", folder=folder)
    assert listening.transfer_accuracy(sweep["tiny_conv"], "embedded", "real") == pytest.approx(
        0.505
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", listening.tabulate_transfer(sweep))
    assert [cell for cell in cells if "%" in cell] == [
        f"{share}&nbsp;%" for share in ("92.5", "70.5", "50.5", "98.5")
    ]
