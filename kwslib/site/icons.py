"""The icons that the pages show, as a small font: the theme's own has two thousand.

The theme draws icons with Font Awesome, whose fonts and script together are 700 kB. Here the
glyphs that occur are taken out of its font, and a style sheet says that they come first.
"""

import base64
import io
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from kwslib.files import sha256_of_text, write_text

SHEET = "icons.css"

_STYLES = ("styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css")
_FONTS = {
    ("Font Awesome 6 Free", 900): "vendor/fontawesome/webfonts/fa-solid-900.ttf",
    ("Font Awesome 6 Free", 400): "vendor/fontawesome/webfonts/fa-regular-400.ttf",
    ("Font Awesome 6 Brands", 400): "vendor/fontawesome/webfonts/fa-brands-400.ttf",
}
_IN_PAGES = re.compile(r'class="[^"]*\bfa[srb]?\b[^"]*"|class="[^"]*\bfa-[^"]*"')
_NAME = re.compile(r"\bfa-([a-z0-9-]+)")
_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+(?:::?before)?,?)+)\{(?:--fa|content):"(\\?[^"]+)"')
_VARIABLE = re.compile(r'--pst-(?:icon|breadcrumb)[a-z-]*:"(\\?[^"]+)"')
_CONTENT = re.compile(r'(?<![^{}])([^{}]*)\{[^{}]*content:"(\\f[0-9a-f]+)"')


def write_icons(static: Path, pages: Iterable[Path]) -> None:
    """Write the style sheet with the icons of some pages, if it is not there already.

    Args:
        static: the site's folder of static files, with the theme's among them.
        pages: HTML files.
    """
    styles = "".join((static / name).read_text(encoding="utf-8") for name in _STYLES)
    texts = [path.read_text(encoding="utf-8") for path in pages]
    points = sorted(code_points(styles, texts))
    head = f"/* {sha256_of_text(repr(points), str(len(styles)))[:16]} */\n"
    sheet = static / SHEET
    if not (sheet.exists() and sheet.read_text(encoding="utf-8").startswith(head)):
        fonts = {look: _subset(static / font, points) for look, font in _FONTS.items()}
        rules = (
            f'@font-face{{font-family:"{family}";font-style:normal;font-weight:{weight};'
            "font-display:block;src:url(data:font/woff;base64,"
            f"{base64.b64encode(font).decode()}) format('woff')}}\n"
            for (family, weight), font in fonts.items()
        )
        write_text(sheet, head + "".join(rules))


def code_points(styles: str, pages: Iterable[str]) -> set[int]:
    """Where in the fonts the icons lie that pages and the theme itself show."""
    by_name = {
        name: _point(text)
        for selectors, text in _RULE.findall(styles)
        for name in _NAME.findall(selectors)
    }
    shown = {
        by_name[name]
        for page in pages
        for marked in _IN_PAGES.findall(page)
        for name in _NAME.findall(marked)
        if name in by_name
    }
    variables = {_point(text) for text in _VARIABLE.findall(styles)}
    contents = _CONTENT.findall(styles)
    return shown | variables | {_point(text) for own, text in contents if ".fa-" not in own}


def _point(text: str) -> int:
    """A sign as a style sheet writes it: by itself, or as a backslash and its number."""
    return int(text[1:], 16) if text.startswith("\\") and len(text) > 2 else ord(text[-1])


def _subset(font: Path, points: Iterable[int]) -> bytes:
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table that it cuts
    options = Options(flavor="woff", hinting=False, desubroutinize=True, notdef_outline=False)
    with TTFont(font, lazy=True) as whole:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=list(points))
        subsetter.subset(whole)
        whole.flavor = "woff"
        stream = io.BytesIO()
        whole.save(stream)
    return stream.getvalue()
