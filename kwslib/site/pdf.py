"""The whole report as one PDF file: its pages printed by Chromium, and joined."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from kwslib.files import write_beside
from kwslib.site.chromium import print_page

NAME = "report.pdf"
"""Its name in the site."""

PDF_VARIABLE = "KWS_PDF"
"""Tells Sphinx the name of the file that pages are to link; empty if there will be none."""


def print_report(
    site: Path, pages: Mapping[str, str], out: Path, say: Callable[[str], None]
) -> None:
    """Print pages of a site and join them.

    Links between the pages lead to their places in the file.

    Args:
        site: folder of the built site.
        pages: titles by name, in the order of the report.
        out: the file.
        say: takes a line for each page.

    Raises:
        InputError: there is no browser.
    """
    with tempfile.TemporaryDirectory(prefix="kws-pdf-") as name:
        printed = []
        for number, page in enumerate(pages):
            say(f"printing {page.rpartition('/')[2]}")
            printed.append(Path(name) / f"{number}.pdf")
            print_page(site / f"{page}.html", printed[-1])
        writer = joined(printed, list(pages.values()))
        starts = _starts(printed)
        places = {
            (site / f"{page}.html").resolve(): start
            for page, start in zip(pages, starts, strict=True)
        }
        _lead_inside(writer, places)
        with write_beside(out) as half:
            writer.write(half)


def joined(files: Sequence[Path], titles: Sequence[str]) -> PdfWriter:
    """Files one after the other, each with an entry in the outline."""
    writer = PdfWriter()
    for path, title in zip(files, titles, strict=True):
        writer.append(path, outline_item=title)
    writer.add_metadata({"/Title": titles[0]})
    writer.compress_identical_objects()
    return writer


def _starts(files: Sequence[Path]) -> list[int]:
    """The first page of each file among the pages of all."""
    starts = [0]
    for path in files:
        starts.append(starts[-1] + len(PdfReader(path).pages))
    return starts[:-1]


def _lead_inside(writer: PdfWriter, places: Mapping[Path, int]) -> None:
    """Make links to other pages of the site links within the file, and drop those to its files.

    Their addresses are those of this machine, which mean nothing elsewhere.
    """
    for page in writer.pages:
        kept = ArrayObject()
        for reference in page.get("/Annots") or ():
            link = reference.get_object()
            address = str(link.get("/A", {}).get("/URI", ""))
            if address.startswith("file:"):
                place = places.get(Path(unquote(urlsplit(address).path)).resolve())
                if place is None:
                    continue
                target = ArrayObject([writer.pages[place].indirect_reference, NameObject("/Fit")])
                link[NameObject("/A")] = DictionaryObject(
                    {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): target}
                )
            kept.append(reference)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept
