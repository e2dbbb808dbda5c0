"""Do the links of the built site lead somewhere?

``python -m kwslib.site.link_check`` looks at those within the site ``_build/html``, and with
``--external`` at those to other sites instead.
"""

import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from kwslib.errors import InputError, mistakes_in_a_line
from kwslib.site.build import find_root
from kwslib.site.lighten import pages_of

EXTERNAL_OPTION = "--external"

_ATTRIBUTES = {"a": "href", "link": "href", "img": "src", "script": "src", "audio": "src"}
_TIMEOUT_S = 30
_TRIES = 2
# answers of servers that are there, but speak to people's browsers only
_REFUSE_PROGRAMS = {401, 403, 405, 406, 418, 429}


class _Page(HTMLParser):
    """Collects the addresses that a page links to, and the places in it that have names."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what one tag says."""
        given = {name: value for name, value in attrs if value}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        address = given.get(_ATTRIBUTES.get(tag, ""))
        # an address of the site itself may not be there yet
        if address and given.get("rel") != "canonical":
            self.links.append(address)


def read_pages(site: Path) -> dict[Path, _Page]:
    """The pages of a site."""
    pages = {path: _Page() for path in pages_of(site)}
    for path, page in pages.items():
        page.feed(path.read_text(encoding="utf-8"))
    return pages


def broken_inside(site: Path) -> list[str]:
    """Links within a site that lead nowhere, a line for each."""
    pages = read_pages(site.resolve())
    return [
        f"{path.relative_to(site.resolve())}: {link}"
        for path, page in pages.items()
        for link in dict.fromkeys(page.links)
        if not urlsplit(link).scheme and not _leads_somewhere(link, path, pages)
    ]


def _leads_somewhere(link: str, path: Path, pages: dict[Path, _Page]) -> bool:
    address, place = urldefrag(link)
    target = (path.parent / unquote(urlsplit(address).path)).resolve() if address else path
    if not place or target not in pages:
        return target.is_file()
    return unquote(place) in pages[target].places


def external(site: Path) -> dict[str, list[str]]:
    """Addresses of other sites, each with the pages that link to it."""
    found = defaultdict(list)
    for path, page in read_pages(site).items():
        for link in dict.fromkeys(page.links):
            if urlsplit(link).scheme in ("http", "https"):
                found[urldefrag(link)[0]].append(path.relative_to(site).as_posix())
    return dict(found)


def broken_outside(site: Path) -> Iterator[str]:
    """Links to other sites that answer with an error, or not at all, a line for each."""
    for address, pages in external(site).items():
        if problem := _problem(address):
            yield f"{address}: {problem} (in {', '.join(pages)})"


def _problem(address: str) -> str:
    """What is wrong with an address, empty if nothing is."""
    problem = ""
    for _ in range(_TRIES):
        request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            if error.code in _REFUSE_PROGRAMS:
                return ""
            problem = f"answers {error.code}"
        except OSError as error:
            problem = str(error)
    return problem


def main(site: Path, arguments: Iterable[str]) -> int:
    """Print what is broken; return 1 if anything is.

    Raises:
        InputError: there is no site.
    """
    if not (site / "index.html").exists():
        raise InputError(f"{site}: there is no site; 'make report' builds it")
    broken = broken_outside(site) if EXTERNAL_OPTION in arguments else broken_inside(site)
    found = False
    for line in broken:
        found = True
        print(line, flush=True)
    return int(found)


if __name__ == "__main__":
    with mistakes_in_a_line():
        sys.exit(main(find_root() / "_build" / "html", sys.argv[1:]))
