"""What a page offers for download: CSV files, archives, notebooks without addresses of the site."""

import csv
import io
import json
import zipfile
from dataclasses import asdict

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kwslib.results.charts.tables import LINK, MIME, Table
from kwslib.results.renderer import csv_names, drawn
from kwslib.site import downloads

SPEC = {
    "data": {"values": [{"x": 1, "y": 2.5}, {"x": 2, "y": 3.5}]},
    "mark": "point",
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
    "description": "Two points",
    "config": {},
}
TABLE = Table(["x", "y"], [[1, 2.5], [2, 3.5]])


@pytest.fixture(scope="module")
def notebook():
    told = {"chart": "chart-1", "description": "Two points", "tables": [asdict(TABLE)] * 2}
    data = {"text/html": drawn(SPEC)["text/html"], MIME: told}
    output = new_output("display_data", data=data)
    return new_notebook(cells=[new_markdown_cell("text"), new_code_cell("1", outputs=[output])])


def html_of(notebook):
    return notebook.cells[1].outputs[0].data["text/html"]


def test_every_table_becomes_a_csv_file_in_the_order_of_the_page(notebook):
    ((description, files),) = downloads.charts_of(notebook)
    assert description == "Two points"
    assert files == {"chart-1.csv": TABLE.csv(), "chart-1-2.csv": TABLE.csv()}
    assert list(csv.reader(io.StringIO(files["chart-1.csv"])))[1] == ["1", "2.5"]


def test_links_lead_to_the_files_from_where_the_page_stands(notebook):
    assert LINK in html_of(notebook)
    for page, folder in (("index", "_data/"), ("book/1_sound", "../_data/")):
        shown = html_of(downloads.for_page(notebook, page))
        assert f'href="{folder}chart-' in shown and LINK not in shown


def test_a_downloaded_notebook_keeps_the_table_but_no_link_to_the_site(notebook):
    given = downloads.for_download(notebook)
    nbformat.validate(given)
    assert "kws-csv" not in html_of(given) and LINK not in html_of(given)
    assert "<td" in html_of(given) and MIME not in given.cells[1].outputs[0].data
    assert MIME in notebook.cells[1].outputs[0].data


def test_the_archive_of_a_page_holds_its_tables_and_values(notebook, tmp_path):
    (tmp_path / "chart-old.csv").write_text("old")
    (tmp_path / "old.zip").write_text("old")
    downloads.write_data(tmp_path, {"book/1_sound": (notebook, {"loudness": "4 dB"})})
    assert {path.name for path in tmp_path.iterdir()} == {
        "chart-1.csv", "chart-1-2.csv", "1_sound.zip"
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "1_sound.zip") as archive:
        assert archive.namelist() == ["01.csv", "01b.csv", "README.txt", "values.json"]
        assert json.loads(archive.read("values.json")) == {"loudness": "4 dB"}
        assert b"01.csv: Two points" in archive.read("README.txt")
        assert archive.read("01.csv").decode() == TABLE.csv()


def test_equal_data_make_equal_archives(notebook, tmp_path):
    for name in ("one", "two"):
        downloads.write_data(tmp_path / name, {"page": (notebook, {})})
    archives = [(tmp_path / name / "page.zip").read_bytes() for name in ("one", "two")]
    assert archives[0] == archives[1]


def test_names_of_files_are_as_many_as_tables():
    assert csv_names("chart-1", 0) == []
    assert csv_names("chart-1", 3) == ["chart-1.csv", "chart-1-2.csv", "chart-1-3.csv"]
