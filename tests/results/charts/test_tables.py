"""The tables behind charts: what a reader who sees no chart gets, and what a program reads."""

import csv
import io
import json
from dataclasses import asdict

import altair as alt
import numpy as np

from kwslib.results.charts.tables import Table, picture_meta, taken_apart

ROWS = [
    {"run": "this run", "share": 0.25, "low": 0.1, "high": 0.5, "order": 0},
    {"run": "published run", "share": 0.5, "low": None, "high": None, "order": 1},
]


def tables(chart):
    return taken_apart(chart.to_dict())[1]


def points(rows):
    return alt.Chart(alt.Data(values=rows)).mark_point().encode(x="share:Q", y="run:N")


def test_the_rows_of_a_chart_without_what_only_places_marks():
    (table,) = tables(points(ROWS))
    assert table.columns == ["run", "share", "low", "high"]
    assert table.rows == [["this run", 0.25, 0.1, 0.5], ["published run", 0.5, None, None]]


def test_the_csv_file_reads_back():
    table = Table(("name, unit", "value"), (('a "b"', 1.5), ("c", None), (["d", "e"], 3)))
    assert list(csv.reader(io.StringIO(table.csv()))) == [
        ["name, unit", "value"],
        ['a "b"', "1.5"],
        ["c", ""],
        ["d; e", "3"],
    ]


def test_data_shared_by_layers_are_told_once_and_single_marks_not():
    line = alt.Chart(alt.Data(values=[{"share": 0.3}])).mark_rule().encode(x="share:Q")
    (table,) = tables(points(ROWS) + points(ROWS).mark_rule() + line)
    assert len(table.rows) == 2
    (alone,) = tables(line)
    assert alone.rows == [[0.3]]


def test_a_part_of_another_table_is_left_out():
    parts = [{"run": row["run"], "share": row["share"]} for row in ROWS]
    assert len(tables(points(ROWS) + points(parts))) == 1
    others = [{"run": "this run", "other": value} for value in (1, 2)]
    assert len(tables(points(ROWS) | points(others))) == 2


def test_data_that_altair_names_are_found():
    with alt.data_transformers.enable("default", consolidate_datasets=True):
        chart = alt.Chart(alt.InlineData(values=ROWS)).mark_point().encode(x="share:Q")
        spec = chart.to_dict()
    assert "datasets" in spec
    (table,) = taken_apart(spec)[1]
    assert len(table.rows) == 2


def test_a_picture_tells_every_value_and_shows_the_strongest():
    values = np.array([[1.0, 3.0], [4.0, 2.0]])
    meta = picture_meta(["100 Hz", "200 Hz"], [0.0, 0.02], values)
    chart = points(ROWS).properties(usermeta=meta)
    spec, (table,) = taken_apart(chart.to_dict())
    assert "usermeta" not in spec
    assert table.rows == [[0.0, 1.0, 3.0], [0.02, 4.0, 2.0]]
    shown = table.html("Data")
    assert "<td>200 Hz</td>" in shown and "<td>100 Hz</td>" in shown
    assert "The strongest of 2 values" in shown
    assert Table(**json.loads(json.dumps(asdict(table)))) == table


def test_a_table_is_escaped_and_can_be_reached_and_is_cut():
    shown = Table(("<name>", "number"), tuple(("<b>", 1234 + i) for i in range(45))).html("A & B")
    assert 'tabindex="0" aria-label="A &amp; B"' in shown
    assert '<th scope="col">&lt;name&gt;</th>' in shown and "&lt;b&gt;" in shown
    assert '<td class="kws-number">1,234</td>' in shown
    assert shown.count("<tr>") == 41 and "And 5 rows more" in shown
