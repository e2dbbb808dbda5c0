"""Chapter 3 on disturbed clips and other speech, read from files."""

import json
import re
from dataclasses import asdict

import pytest
import vl_convert
from specifications import rows_of

from kwslib.data.disturb import Disturbance
from kwslib.records import Record, write_records
from kwslib.results import disturbances
from kwslib.results.renderer import with_filters
from kwslib.studies.robustness import Transfer


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
    assert list(disturbances.load_sweep("shift", folder=folder)) == ["tiny_conv", "funnel_small"]
    (records,) = disturbances.load_sweep("snr", folder=folder).values()
    assert {record.metric for record in records} == {"accuracy"} and len(records) == 7
    assert disturbances.load_sweep("level", "ten_words", folder) == {}


def test_losses_are_points_from_the_undisturbed_clips():
    found = sweeps()
    assert disturbances.loss_by(found["shift"], "shift_ms") == pytest.approx(
        {-200: 20.0, -100: 0.5, 0: 0.0, 100: 0.9}
    )
    assert disturbances.loss_by(found["level"], "level_db")[10.0] == pytest.approx(0.1)
    assert disturbances.loss_in_noise(found["snr"], 0.0) == pytest.approx(
        {disturbances.RECORDED: 15.0, disturbances.SYNTHETIC: 30.0}
    )


def test_noise_is_drawn_as_mean_worst_and_best_of_its_kind(folder):
    spec = disturbances.plot_noise(disturbances.load_sweep("snr", folder=folder)).to_dict()
    rows = {(row["noises"], row["snr_db"]): row for row in rows_of(spec)}
    recorded = rows[disturbances.RECORDED, 0.0]
    assert recorded["accuracy"] == pytest.approx(0.75)
    assert (recorded["worst"], recorded["best"]) == (0.7, 0.8)
    assert rows[disturbances.SYNTHETIC, 10.0]["accuracy"] == 0.8


def test_a_disturbance_is_drawn_with_intervals(folder):
    sweep = disturbances.load_sweep("level", folder=folder)
    spec = disturbances.plot_disturbance(sweep, "level_db", "gain in dB").to_dict()
    rows = rows_of(spec)
    assert [row["level_db"] for row in rows] == [-20.0, 0.0, 10.0]
    assert all(row["low"] < row["accuracy"] < row["high"] for row in rows)
    assert {row["network"] for row in rows} == {"tiny conv"}


def test_transfer_is_a_mean_over_seeds(folder):
    sweep = disturbances.load_sweep("transfer", folder=folder)
    assert disturbances.transfer_accuracy(sweep["tiny_conv"], "embedded", "real") == pytest.approx(
        0.505
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", disturbances.tabulate_transfer(sweep))
    assert [cell for cell in cells if "%" in cell] == [
        f"{share}&nbsp;%" for share in ("92.5", "70.5", "50.5", "98.5")
    ]


def charts(folder):
    return [
        disturbances.plot_noise(disturbances.load_sweep("snr", folder=folder)),
        disturbances.plot_disturbance(
            disturbances.load_sweep("shift", folder=folder), "shift_ms", "shift"
        ),
    ]


def test_charts_draw_and_describe_themselves(folder):
    for chart in charts(folder):
        spec = chart.to_dict()
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
        assert "tiny conv" in spec["description"] and len(spec["description"]) > 40


def test_a_legend_filters(folder):
    for chart in charts(folder):
        spec = with_filters(chart.to_dict())
        plots = spec.get("vconcat", [spec])
        assert [json.dumps(plot).count('"bind": "legend"') for plot in plots] == [1] * len(plots)
        assert '"value": 0.1' in json.dumps(spec)  # what is faded
