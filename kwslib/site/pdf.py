"""The whole report as one PDF file: its pages printed by Chromium, and joined."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pypdf import PdfWriter
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
    writer = PdfWriter()
    places = {}
    with tempfile.TemporaryDirectory(prefix="kws-pdf-") as name:
        for number, (page, title) in enumerate(pages.items()):
            say(f"printing {page.rpartition('/')[2]}")
            printed = Path(name) / f"{number}.pdf"
            print_page(site / f"{page}.html", printed)
            places[(site / f"{page}.html").resolve()] = len(writer.pages)
            writer.append(printed, outline_item=title)
        writer.add_metadata({"/Title": next(iter(pages.values()))})
        writer.compress_identical_objects()
        _lead_inside(writer, places)
        with write_beside(out) as half:
            writer.write(half)


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
