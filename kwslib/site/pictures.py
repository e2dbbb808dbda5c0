"""Pictures of the built site, for the README and for those who link to it.

``python -m kwslib.site.pictures`` makes them anew from ``_build/html``.
"""

import json
import re
from pathlib import Path
from typing import Any

import vl_convert
from PIL import Image

from kwslib.errors import InputError, mistakes_in_a_line
from kwslib.site.build import find_root
from kwslib.site.chromium import picture
from kwslib.site.metadata import PICTURE

# a page, and what the description of the chart that is taken of it begins with
_CHART = ("book/index", "Flash and RAM")

_COLOURS = 256


def main(site: Path, folder: Path) -> None:
    """Write the pictures of a site into a folder.

    Raises:
        InputError: there is no site, or no browser.
    """
    front = site / "book" / "index.html"
    if not front.exists():
        raise InputError(f"{site}: there is no site; 'make report PROFILE=full' builds it")
    picture(front, folder / PICTURE, 1200, 630)
    _shrink(folder / PICTURE)
    chart = chart_of(site, *_CHART)
    (folder / "chart.png").write_bytes(vl_convert.vegalite_to_png(chart, scale=1.5))
    _shrink(folder / "chart.png")


def chart_of(site: Path, page: str, beginning: str) -> dict[str, Any]:
    """The specification of a page's chart, in colours for a white ground.

    Args:
        site: folder of the built site.
        page: its name.
        beginning: of the chart's description.

    Raises:
        InputError: the page has no such chart.
    """
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    found = re.findall(
        r'class="kws-chart".*?<script type="application/json">(.*?)</script>', text, re.S
    )
    for source in found:
        spec = json.loads(source.replace(r"<\/", "</").replace("currentColor", "#202020"))
        if spec.get("description", "").startswith(beginning):
            look = {"background": "white", "padding": 12}
            return {**spec, "config": {**spec.get("config", {}), **look}}
    raise InputError(f"{page} has {len(found)} charts, none on {beginning!r}")


def _shrink(path: Path) -> None:
    """A palette is enough for flat pictures, and a third of the bytes."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    root = find_root()
    with mistakes_in_a_line():
        main(root / "_build" / "html", root / "book" / "_static")
