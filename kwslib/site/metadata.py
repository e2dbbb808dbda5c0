"""What a page tells search engines, and those who link to it: title, description, picture, address.

Addresses must be whole ones there, so those are left out unless the site's own is known.

Two extensions do a part of this. sphinx-sitemap lists the pages that a build has written, which are
those that changed, and stops a build that knows no address. sphinxext-opengraph describes a page by
all its text, tables and captions too, and writes addresses that are not whole.
"""

import html
import os
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from kwslib.files import write_text

ADDRESS_VARIABLE = "KWS_SITE_URL"
"""Names the address at which the site will stand, such as ``https://example.org/report/``."""

PICTURE = "social.png"
"""Of the static files: what a link to the site shows, 1200 x 630 pixels."""

SITEMAP = "sitemap.xml"

_LONGEST = 160


def address() -> str:
    """Where the site will stand, with a slash at the end; empty where that is not known."""
    given = os.environ.get(ADDRESS_VARIABLE, "").strip()
    return f"{given.rstrip('/')}/" if given else ""


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the description of a page, and how a link to it looks, into its head."""
    if doctree is None:
        return
    if page == app.config.root_doc:
        # its own title and the site's say the same
        context["title"], context["docstitle"] = app.config.html_title, ""
    title = html.unescape(re.sub("<[^>]*>", "", context["title"]))
    description = description_of(doctree)
    facts = {
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": description,
    }
    base = address()
    if base:
        facts["og:url"] = f"{base}{page}.html"
        if (Path(app.srcdir) / "book" / "_static" / PICTURE).exists():
            facts |= {
                "og:image": f"{base}_static/{PICTURE}",
                "og:image:width": "1200",
                "og:image:height": "630",
                "og:image:alt": "Keyword spotting on a microcontroller: the report's front page",
            }
    tags = [f'<meta name="description" content="{html.escape(description)}">']
    tags += [
        f'<meta property="{name}" content="{html.escape(fact)}">' for name, fact in facts.items()
    ]
    tags.append(
        f'<meta name="twitter:card" content="{"summary_large_image" if base else "summary"}">'
    )
    context["metatags"] = "\n".join([*tags, context.get("metatags", "")])


def description_of(doctree: nodes.document) -> str:
    """The first sentences of a page, as many as a search engine shows."""
    section = next(iter(doctree.findall(nodes.section)), doctree)
    paragraphs = section.findall(nodes.paragraph)
    text = " ".join(each.astext() for each in paragraphs if isinstance(each.parent, nodes.section))
    short = textwrap.shorten(text, _LONGEST, break_on_hyphens=False, placeholder=" …")
    return re.sub("[,;:]+ …$", " …", short)


def write_sitemap(site: Path, pages: Iterable[str]) -> None:
    """List the pages of a site by their addresses, where those are known."""
    base = address()
    if base:
        places = "".join(
            f"<url><loc>{html.escape(base)}{page}.html</loc></url>\n" for page in sorted(pages)
        )
        write_text(
            site / SITEMAP,
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            f"{places}</urlset>\n",
        )
