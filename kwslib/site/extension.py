"""The part of the report that lives in Sphinx.

Before Sphinx reads a page, every chapter has been executed (or taken from an earlier build),
so a chapter that fails stops the build while the old pages still stand. Sphinx then gets each
page as a notebook: a chapter with its outputs, a plain page as one Markdown cell.
"""

import importlib.metadata
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import vl_convert
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import docname_join
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

from kwslib.errors import InputError
from kwslib.files import sha256_of_sources, sha256_of_text, write_text
from kwslib.folders import cache_folder
from kwslib.site import (
    api_page,
    claims,
    downloads,
    figures,
    icons,
    mathematics,
    metadata,
    repository,
    run_page,
)
from kwslib.site.book import Book, as_notebook, title_of
from kwslib.site.execute import ChapterError, run_book
from kwslib.site.lighten import lighten, pages_of, remove_old_pages
from kwslib.site.marks import ROLE
from kwslib.site.pages import Page, eval_role, shown_values, value_text
from kwslib.site.pdf import PDF_VARIABLE
from kwslib.site.plain import (
    Plain,
    PlainError,
    citations_of,
    number_of,
    section_title_of,
)
from kwslib.site.settings import Settings

if TYPE_CHECKING:
    from kwslib.live.try_page import LivePage

STATIC = Path(__file__).parent / "static"
VEGA_NAME = f"vega-{importlib.metadata.version('vl-convert-python')}.js"
"""The Vega bundle, named by its version so that a browser may keep it."""

VEGA_SNIPPET = "window.vegaEmbed = vegaEmbed;"

TRY_PAGE = "book/try"
"""The page on which the firmware runs in the browser."""

_log = getLogger(__name__)


class ReportError(SphinxError):
    """Stops the build with one line instead of a traceback."""

    category = "Report"


class Report:
    """A run of the report inside one build of the site."""

    settings: Settings
    book: Book
    pages: dict[str, Page]
    live: "LivePage | None" = None

    def execute(self, app: Sphinx) -> None:
        """Run the chapters, before anything is read or written."""
        app.config.html_static_path.append(str(STATIC))
        root = Path(app.srcdir)
        toc = app.config["external_toc_path"]
        try:
            self.settings = Settings.from_environment()
            self.book = Book.open(root, root / toc)
            executed = run_book(self.book, self.settings, _log.info)
            self.pages = {each.chapter.page: Page.of(each) for each in executed}
            if TRY_PAGE in self.book.pages:
                from kwslib.live.try_page import LivePage

                self.live = LivePage.prepare()
        except (ChapterError, InputError, ValueError) as error:
            raise ReportError(str(error)) from error

    def outdated(
        self, app: Sphinx, env: BuildEnvironment, added: set[str], *_: set[str]
    ) -> list[str]:
        """Pages whose content changed though their source file did not."""
        before = getattr(env, "kws_states", {})
        code = sha256_of_sources("results", "site", "live")
        states = {
            name: sha256_of_text(code, page.executed.key, repr(page.claims), page.executed.run.when)
            for name, page in self.pages.items()
        }
        states |= {page: code for page in env.found_docs if page not in states}
        env.kws_states = states  # type: ignore[attr-defined]
        changed = {page for page, state in states.items() if before.get(page) != state}
        return sorted(changed & env.all_docs.keys())

    def supply(self, app: Sphinx, page: str, source: list[str]) -> None:
        """Give Sphinx the page as a notebook instead of the text of its file."""
        known = self.pages.get(page)
        path = Path(app.env.doc2path(page))
        notebook = known.notebook if known else as_notebook(source[0], path)
        source[0] = nbformat.writes(downloads.for_page(notebook, page))

    def prepare(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Tell the theme's download button that the executed notebook is there; give the page on
        which the firmware runs its script, and forbid it connections.
        """
        if page in self.pages and doctree is not None:
            context["ipynb_source"] = f"{page}.ipynb"
        if page == TRY_PAGE and self.live:
            from kwslib.live.try_page import POLICY

            policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            context["metatags"] = policy + context.get("metatags", "")
            app.add_css_file("try.css")
            app.add_js_file(self.live.script_name, loading_method="defer")

    def finish(self, app: Sphinx, exception: Exception | None) -> None:
        """Write what stands beside the pages, once figures have their numbers, and leave out of the
        pages what is not needed at once.
        """
        if exception is not None or app.builder.format != "html":
            return
        site = Path(app.outdir)
        remove_old_pages(site, app.env.found_docs)
        write_vega(site / "_static" / VEGA_NAME)
        if self.live:
            self.live.write(site / "_static")
        for name, page in self.pages.items():
            try:
                plain = self._plain(app.env, page).notebook(downloads.for_download(page.notebook))
            except PlainError as error:
                raise ReportError(f"{name}: {error}") from error
            write_text(site / "_sources" / f"{name}.ipynb", nbformat.writes(plain))
        data = {
            name: (page.notebook, shown_values(page.executed)) for name, page in self.pages.items()
        }
        downloads.write_data(site / downloads.FOLDER, data)
        metadata.write_sitemap(site, app.env.found_docs)
        lighten(site)
        icons.write_icons(site / "_static", pages_of(site))

    def _plain(self, env: BuildEnvironment, page: Page) -> Plain:
        """How the marks of a page are written out."""

        def title(name: str) -> str:
            path = self.book.path(docname_join(page.executed.chapter.page, name))
            return f"*{title_of(path.read_text(encoding='utf-8'))}*"

        return Plain(
            roles={
                "eval": lambda text: value_text(page.executed.run.values, text),
                "doc": title,
                "numref": lambda name: number_of(env, name),
                "ref": lambda name: section_title_of(env, name),
                "cite:p": lambda keys: f"[{citations_of(env, keys)}]",
                "cite:t": lambda keys: citations_of(env, keys),
                "cite": lambda keys: f"[{citations_of(env, keys)}]",
            },
            open_claims=frozenset(each.label for each in page.claims.values() if not each.holds),
            fields={name: each.fields for name, each in page.figures.items()},
            number=lambda name: number_of(env, name),
        )

    def add_buttons(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Add to the theme's download button the archive of the page's data and, where one is made,
        the whole report as a PDF file; and a button that opens the chapter on Binder, where the
        repository is known to it.
        """
        if doctree is None:
            return
        buttons = context.get("header_buttons", [])
        is_chapter = page in self.pages
        for menu in (each for each in buttons if each.get("label") == "download-buttons"):
            if is_chapter:
                folder = context["pathto"](downloads.FOLDER, 1)
                menu["buttons"].insert(
                    1,
                    {
                        "type": "link",
                        "url": f"{folder}/{downloads.archive_name(page)}",
                        "text": ".zip",
                        "tooltip": "Download the data of the charts and the values of the text",
                        "icon": "fas fa-table",
                        "label": "download-data-button",
                    },
                )
            if app.config.kws_pdf:
                menu["buttons"].append(
                    {
                        "type": "link",
                        "url": context["pathto"](app.config.kws_pdf, 1),
                        "text": "all as .pdf",
                        "tooltip": "Download the whole report as a PDF file",
                        "icon": "fas fa-book",
                        "label": "download-report-button",
                    }
                )
        url = is_chapter and repository.binder(
            repository.address(Path(app.srcdir)), f"{page}.ipynb"
        )
        if url:
            buttons.insert(
                0,
                {
                    "type": "link",
                    "url": url,
                    "tooltip": "Run this chapter on Binder",
                    "icon": "fas fa-rocket",
                    "label": "launch-binder-button",
                },
            )


def name_absent_page(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, inside: nodes.Element
) -> nodes.Node | None:
    """The title of a page instead of a link to it, where a site of one chapter lacks the page."""
    if (node.get("refdomain"), node.get("reftype")) != ("std", "doc"):
        return None
    book = Book.open(Path(app.srcdir))
    page = docname_join(node["refdoc"], node["reftarget"])
    if page not in book.pages:
        return None
    if node["refexplicit"]:
        return inside
    title = title_of(book.path(page).read_text(encoding="utf-8"))
    return nodes.emphasis(title, title)


class RunDirective(SphinxDirective):
    """``{kws-run}``: how this run was made."""

    def run(self) -> list[nodes.Node]:
        """The facts of the run, which change with every run."""
        self.env.note_reread()
        report: Report = self.env.app.kws_report  # type: ignore[attr-defined]
        chapters = [page.executed for page in report.pages.values()]
        return _parsed(self, run_page.markdown(report.settings, chapters))


class ApiDirective(SphinxDirective):
    """``{kws-api}``: the library's modules that the argument names, or those left over."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A section a module."""
        return _parsed(self, api_page.markdown(*self.arguments))


def _parsed(directive: SphinxDirective, markdown: str) -> list[nodes.Node]:
    """Markdown that is made while the site is built."""
    container = nodes.container()
    content = StringList(markdown.splitlines(), source=directive.name)
    directive.state.nested_parse(content, 0, container, match_titles=True)
    return list(container.children)


class TryDirective(SphinxDirective):
    """``{kws-try}``: a part of the page on which the firmware runs in the browser."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The part that the argument names, which changes with networks and clips."""
        self.env.note_reread()
        live: LivePage | None = self.env.app.kws_report.live  # type: ignore[attr-defined]
        return [nodes.raw("", live.html(self.arguments[0]), format="html")] if live else []


def unlist_citations(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take a role from the bibliography that no entry in it plays its part in."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div role="list" class="citation-list">', '<div class="citation-list">'
        )


def tell_addresses(app: Sphinx, config: Config) -> None:
    """Let Sphinx write the address that each page really has into it, and show the theme's
    repository buttons, where site and repository have an address that is known.
    """
    config.html_baseurl = metadata.address() or config.html_baseurl
    address = repository.address(Path(app.srcdir))
    if address:
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": repository.BRANCH,
            "use_repository_button": True,
            "use_issues_button": True,
            "use_source_button": True,
        }


def write_vega(path: Path) -> None:
    """Write the Vega bundle that makes charts interactive.

    Its top-level names would collide with those of Sphinx's own scripts, hence the function.
    Bundling takes seconds, so the bundle of each release is kept.
    """
    if path.exists():
        return
    kept = cache_folder("vega") / f"{sha256_of_text(VEGA_SNIPPET)[:16]}-{path.name}"
    if not kept.exists():
        write_text(kept, f"(function () {{\n{vl_convert.javascript_bundle(VEGA_SNIPPET)}\n}})();\n")
    write_text(path, kept.read_text(encoding="utf-8"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the report to a build."""
    report = Report()
    app.kws_report = report  # type: ignore[attr-defined]
    app.connect("config-inited", tell_addresses, priority=100)
    app.connect("builder-inited", report.execute)
    app.connect("env-get-outdated", report.outdated)
    app.connect("source-read", report.supply)
    app.connect("missing-reference", name_absent_page)
    app.connect("html-page-context", report.prepare, priority=100)
    app.connect("html-page-context", metadata.describe)
    app.connect("html-page-context", unlist_citations)
    app.connect("html-page-context", report.add_buttons, priority=900)
    app.connect("build-finished", report.finish, priority=900)
    # pages are written anew when it changes
    app.add_config_value("kws_pdf", os.environ.get(PDF_VARIABLE, ""), "html", str)
    mathematics.add_renderer(app)
    app.add_role(ROLE, eval_role, override=True)  # myst-nb's own asks a kernel
    app.add_transform(claims.ShowClaims)
    figures.add_figures(app)
    app.add_directive("kws-run", RunDirective)
    app.add_directive("kws-api", ApiDirective)
    app.add_directive("kws-try", TryDirective)
    app.add_css_file("report.css")
    app.add_css_file(icons.SHEET, priority=900)
    app.add_js_file("charts.js", loading_method="defer", **{"data-vega": VEGA_NAME})  # type: ignore[arg-type]
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
