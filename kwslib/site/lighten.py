"""Built pages made lighter: what many bytes of a page are, its reader may never need.

Sounds and pictures inside a page become files that are loaded when they are wanted; the theme's
script with all two thousand icons is left out, since :mod:`kwslib.site.icons` brings those that
the pages show; the index of the search is left to the page that shows what was found. A page that
was lightened before stays as it is.
"""

import base64
import hashlib
import re
from collections.abc import Collection
from pathlib import Path

from kwslib.files import write_beside, write_text
from kwslib.site.downloads import FOLDER

_LARGE = 2000
_KINDS = {"audio/flac": "flac", "image/png": "png"}
_DATA = re.compile(rf"data:(audio/flac|image/png);base64,([A-Za-z0-9+/=]{{{_LARGE},}})")
_ALL_ICONS = re.compile(r'\s*<script defer src="[^"]*scripts/fontawesome\.js[^"]*"></script>')
_SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools\.js|language_data\.js|searchindex\.js)[^"]*"></script>'
)
_FINDS = 'id="search-results"'
_WRAPPED = re.compile(r'<span class="pre">([^<]*)</span>')
_FILE = re.compile(rf"{FOLDER}/([0-9a-f]{{16}}\.(?:flac|png))")


def pages_of(site: Path) -> list[Path]:
    """The HTML files of a built site that are its pages, and not its theme's."""
    found = sorted(site.rglob("*.html"))
    return [path for path in found if "_static" not in path.relative_to(site).parts]


def remove_old_pages(site: Path, pages: Collection[str]) -> None:
    """Remove pages and sources of an earlier build that are not among ``pages``.

    Sphinx writes into the folder of the last build, and leaves there what it no longer makes.
    """
    for source in (site / "_sources").rglob("*.*"):
        page = source.relative_to(site / "_sources").with_suffix("").as_posix()
        if page not in pages:
            source.unlink()
            (site / f"{page}.html").unlink(missing_ok=True)


def lighten(site: Path) -> None:
    """Lighten every page below ``site``; files that no page needs any longer go."""
    needed: set[str] = set()
    for path in pages_of(site):
        text = path.read_text(encoding="utf-8")
        lighter = lightened(text, site, path)
        if lighter != text:
            write_text(path, lighter)
        needed |= set(_FILE.findall(lighter))
    for path in (site / FOLDER).glob("*"):
        if path.suffix[1:] in _KINDS.values() and path.name not in needed:
            path.unlink()


def lightened(text: str, site: Path, path: Path) -> str:
    """The text of a page at ``path`` of the site, whose sounds and pictures are written."""
    above = "../" * (len(path.relative_to(site).parts) - 1)

    def as_file(match: re.Match[str]) -> str:
        data = base64.b64decode(match[2])
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{_KINDS[match[1]]}"
        if not (site / FOLDER / name).exists():
            with write_beside(site / FOLDER / name) as half:
                half.write_bytes(data)
        return f"{above}{FOLDER}/{name}"

    text = _DATA.sub(as_file, text)
    # a browser reads all of a short sound for its length
    text = text.replace('<audio controls preload="metadata"', '<audio controls preload="none"')
    text = _ALL_ICONS.sub("", text)
    if _FINDS not in text:
        text = _SEARCH.sub("", text)
    return _WRAPPED.sub(r"\1", text)
