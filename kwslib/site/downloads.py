"""What a page has to download: the executed notebook, and the data of its charts."""

import copy
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat

from kwslib.files import write_beside, write_text
from kwslib.results.charts.tables import LINK, MIME, Table
from kwslib.results.provenance import FIELDS_MIME
from kwslib.results.renderer import csv_names

FOLDER = "_data"
"""Where in the site the files lie."""

_CSV_LINK = re.compile(rf'<p><a class="kws-csv" href="{LINK}[^"]*"[^>]*>[^<]*</a></p>')
# the time of every file in an archive, so that equal contents make equal archives
_EPOCH = (1980, 1, 1, 0, 0, 0)


def charts_of(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, dict[str, str]]]:
    """What each of a notebook's charts shows, and the CSV files of its tables by name, in the order
    of the page.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if told := output.get("data", {}).get(MIME):
                texts = [Table(**table).csv() for table in told["tables"]]
                names = csv_names(told["chart"], len(texts))
                yield told["description"], dict(zip(names, texts, strict=True))


def for_page(notebook: nbformat.NotebookNode, page: str) -> nbformat.NotebookNode:
    """A notebook whose charts link to their files from where the page stands."""
    folder = f"{'../' * page.count('/')}{FOLDER}/"
    return _changed(notebook, lambda text: text.replace(LINK, folder))


def for_download(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook that does not need the site."""
    return _changed(notebook, lambda text: _CSV_LINK.sub("", text))


def _changed(notebook: nbformat.NotebookNode, change: Any) -> nbformat.NotebookNode:
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = change(cell.source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for kind in (MIME, FIELDS_MIME):
                data.pop(kind, None)
            if "text/html" in data:
                data["text/html"] = change(data["text/html"])
    return notebook


def archive_name(page: str) -> str:
    """The archive of a page's data."""
    return f"{page.rpartition('/')[2]}.zip"


def write_data(
    folder: Path, pages: Mapping[str, tuple[nbformat.NotebookNode, Mapping[str, str]]]
) -> None:
    """Write the CSV file of every chart, and an archive for every page; what is old goes.

    Args:
        folder: for the files.
        pages: by name, the executed notebook and the values of the text.
    """
    wanted: set[str] = set()
    for page, (notebook, values) in pages.items():
        charts = list(charts_of(notebook))
        files = {name: text for _, tables in charts for name, text in tables.items()}
        for name, text in files.items():
            write_text(folder / name, text)
        with write_beside(folder / archive_name(page)) as half:
            half.write_bytes(_archive(charts, values))
        wanted |= {*files, archive_name(page)}
    for path in (*folder.glob("*.csv"), *folder.glob("*.zip")):
        if path.name not in wanted:
            path.unlink()


def _archive(charts: list[tuple[str, dict[str, str]]], values: Any) -> bytes:
    """A zip file: tables numbered in the order of the page, and the values of the text."""
    contents = {"values.json": json.dumps(values, indent=1, ensure_ascii=False) + "\n"}
    listed = []
    for number, (description, tables) in enumerate(charts, 1):
        for part, text in enumerate(tables.values()):
            name = f"{number:02d}{chr(97 + part) if part else ''}.csv"
            contents[name] = text
            listed.append(f"{name}: {description}")
    contents["README.txt"] = "\n".join(
        [*listed, "values.json: the values of the text, by expression", ""]
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
