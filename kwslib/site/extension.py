"""The part of the report that lives in Sphinx.

Before Sphinx reads a page, every chapter has been executed (or taken from an earlier build),
so a chapter that fails stops the build while the old pages still stand. Sphinx then gets each
page as a notebook: a chapter with its outputs, a plain page as one Markdown cell.
"""

import importlib.metadata
import os
from collections.abc import Mapping
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
from kwslib.site.lighten import lighten, pages_of
from kwslib.site.marks import ROLE
from kwslib.site.pages import Page, shown_values
from kwslib.site.pdf import PDF_VARIABLE
from kwslib.site.plain import Plain, PlainError
from kwslib.site.references import citations_of, number_of, section_title_of
from kwslib.site.roles import eval_role, value_text
from kwslib.site.settings import Settings

if TYPE_CHECKING:
    from kwslib.live.page import LivePage

STATIC = Path(__file__).parent / "static"
VEGA_NAME = f"vega-{importlib.metadata.version('vl-convert-python')}.js"
"""The Vega bundle, named by its version so that a browser may keep it."""

VEGA_SNIPPET = "window.vegaEmbed = vegaEmbed;"

RUN_DIRECTIVE, API_DIRECTIVE, TRY_DIRECTIVE = "kws-run", "kws-api", "kws-try"

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
        root = Path(app.srcdir)
        toc = app.config["external_toc_path"]
        try:
            self.settings = Settings.from_environment()
            self.book = Book.open(root, root / toc)
            executed = run_book(self.book, self.settings, _log.info)
            self.pages = {each.chapter.page: Page.of(each) for each in executed}
            if TRY_PAGE in self.book.pages:
                from kwslib.live.page import LivePage

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
        if self.live:
            live = sha256_of_text(code, self.live.key)
            states |= dict.fromkeys(getattr(env, "kws_try_pages", {TRY_PAGE}), live)
        env.kws_states = states  # type: ignore[attr-defined]
        changed = {page for page, state in states.items() if before.get(page) != state}
        return sorted((changed | getattr(env, "kws_run_pages", set())) & env.all_docs.keys())

    def supply(self, app: Sphinx, page: str, source: list[str]) -> None:
        """Give Sphinx the page as a notebook instead of the text of its file."""
        if page in self.pages:
            notebook = self.pages[page].notebook
        else:
            notebook = as_notebook(source[0], Path(app.env.doc2path(page)))
        source[0] = nbformat.writes(downloads.for_page(notebook, page))

    def offer_notebook(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Tell the theme's download button that the executed notebook is there."""
        if page in self.pages and doctree is not None:
            context["ipynb_source"] = f"{page}.ipynb"

    def write_notebooks(self, app: Sphinx, exception: Exception | None) -> None:
        """Write the executed notebooks in plain Markdown, once figures have their numbers."""
        if exception is not None or app.builder.format != "html":
            return
        for name, page in self.pages.items():
            try:
                plain = self._plain(app.env, page).notebook(downloads.for_download(page.notebook))
            except PlainError as error:
                raise ReportError(f"{name}: {error}") from error
            path = Path(app.outdir) / "_sources" / f"{name}.ipynb"
            write_text(path, nbformat.writes(plain))

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
            fields={each.name: each.fields for each in page.figures.values()},
            number=lambda name: number_of(env, name),
        )

    def offer_data(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Add the archive of the page's data to the theme's download button."""
        if page not in self.pages or doctree is None:
            return
        folder = context["pathto"](downloads.FOLDER, 1)
        button = {
            "type": "link",
            "url": f"{folder}/{downloads.archive_name(page)}",
            "text": ".zip",
            "tooltip": "Download the data of the charts and the values of the text",
            "icon": "fas fa-table",
            "label": "download-data-button",
        }
        for buttons in _download_buttons(context):
            buttons.insert(1, button)

    def offer_whole(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Add the whole report as a PDF file, where one is made, to the theme's download button."""
        if not app.config.kws_pdf or doctree is None:
            return
        button = {
            "type": "link",
            "url": context["pathto"](app.config.kws_pdf, 1),
            "text": "all as .pdf",
            "tooltip": "Download the whole report as a PDF file",
            "icon": "fas fa-book",
            "label": "download-report-button",
        }
        for buttons in _download_buttons(context):
            buttons.append(button)

    def offer_launch(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Add a button that opens the chapter on Binder, where the repository is known to it."""
        if page not in self.pages or doctree is None:
            return
        url = repository.binder(repository.address(Path(app.srcdir)), f"{page}.ipynb")
        if url and "header_buttons" in context:
            context["header_buttons"].insert(
                0,
                {
                    "type": "link",
                    "url": url,
                    "tooltip": "Run this chapter on Binder",
                    "icon": "fas fa-rocket",
                    "label": "launch-binder-button",
                },
            )

    def write_data(self, app: Sphinx, exception: Exception | None) -> None:
        """Write the data of every chapter's charts."""
        if exception is None and app.builder.format == "html":
            values = {name: shown_values(page.executed) for name, page in self.pages.items()}
            notebooks = {name: page.notebook for name, page in self.pages.items()}
            downloads.write_data(Path(app.outdir) / downloads.FOLDER, notebooks, values)

    def bring_firmware(
        self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
    ) -> None:
        """Give the page on which the firmware runs its script, and forbid it connections."""
        if page == TRY_PAGE and self.live:
            from kwslib.live.page import POLICY

            context["metatags"] = (
                f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
                + context.get("metatags", "")
            )
            app.add_css_file("try.css")
            app.add_js_file(self.live.script_name, loading_method="defer")

    def write_firmware(self, app: Sphinx, exception: Exception | None) -> None:
        """Write what that page loads."""
        if exception is None and app.builder.format == "html" and self.live:
            self.live.write(Path(app.outdir) / "_static")


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


class _Generated(SphinxDirective):
    """Inserts Markdown that is made while the site is built."""

    def markdown(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        container = nodes.container()
        content = StringList(self.markdown().splitlines(), source=self.name)
        self.state.nested_parse(content, 0, container, match_titles=True)
        return list(container.children)


class RunDirective(_Generated):
    """``{kws-run}``: how this run was made."""

    def markdown(self) -> str:
        """The facts of the run, and a mark on the page that they change with every run."""
        pages: set[str] = getattr(self.env, "kws_run_pages", set())
        self.env.kws_run_pages = pages | {self.env.docname}  # type: ignore[attr-defined]
        report: Report = self.env.app.kws_report  # type: ignore[attr-defined]
        return run_page.markdown(report.settings, [page.executed for page in report.pages.values()])


class ApiDirective(_Generated):
    """``{kws-api}``: the library's modules that the argument names, or those left over."""

    optional_arguments = 1

    def markdown(self) -> str:
        """A section a module."""
        return api_page.markdown(*self.arguments)


class TryDirective(SphinxDirective):
    """``{kws-try}``: a part of the page on which the firmware runs in the browser."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The part that the argument names, and a mark on the page, which changes with it."""
        pages: set[str] = getattr(self.env, "kws_try_pages", {TRY_PAGE})
        self.env.kws_try_pages = pages | {self.env.docname}  # type: ignore[attr-defined]
        live: LivePage | None = self.env.app.kws_report.live  # type: ignore[attr-defined]
        return [nodes.raw("", live.html(self.arguments[0]), format="html")] if live else []


def _download_buttons(context: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    """The buttons below the theme's download button, where the page has one."""
    groups = context.get("header_buttons", ())
    return [group["buttons"] for group in groups if group.get("label") == "download-buttons"]


def unlist_citations(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take a role from the bibliography that no entry in it plays its part in."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div role="list" class="citation-list">', '<div class="citation-list">'
        )


def link_repository(app: Sphinx, config: Config) -> None:
    """Show the theme's repository buttons where the repository's address is known."""
    address = repository.address(Path(app.srcdir))
    if address:
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": repository.BRANCH,
            "use_repository_button": True,
            "use_issues_button": True,
            "use_source_button": True,
        }


def add_assets(app: Sphinx) -> None:
    """Let Sphinx copy our scripts and styles into the site."""
    app.config.html_static_path.append(str(STATIC))


def write_vega(app: Sphinx, exception: Exception | None) -> None:
    """Write the Vega bundle that makes charts interactive.

    Its top-level names would collide with those of Sphinx's own scripts, hence the function.
    """
    path = Path(app.outdir) / "_static" / VEGA_NAME
    if exception is None and app.builder.format == "html" and not path.exists():
        write_text(path, f"(function () {{\n{vl_convert.javascript_bundle(VEGA_SNIPPET)}\n}})();\n")


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Leave out of the pages what is not needed at once, and bring the icons that they show."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    lighten(site)
    icons.write_icons(site / "_static", pages_of(site))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the report to a build."""
    report = Report()
    app.kws_report = report  # type: ignore[attr-defined]
    app.connect("config-inited", link_repository, priority=100)
    app.connect("config-inited", metadata.tell_address)
    app.connect("builder-inited", add_assets)
    app.connect("builder-inited", report.execute)
    app.connect("env-get-outdated", report.outdated)
    app.connect("source-read", report.supply)
    app.connect("missing-reference", name_absent_page)
    app.connect("html-page-context", report.offer_notebook, priority=100)
    app.connect("html-page-context", report.offer_data, priority=900)
    app.connect("html-page-context", report.offer_whole, priority=901)
    app.connect("html-page-context", report.offer_launch, priority=902)
    app.connect("html-page-context", report.bring_firmware)
    app.connect("html-page-context", metadata.describe)
    app.connect("html-page-context", unlist_citations)
    app.connect("build-finished", write_vega)
    app.connect("build-finished", report.write_firmware)
    app.connect("build-finished", report.write_notebooks)
    app.connect("build-finished", report.write_data)
    app.connect("build-finished", metadata.write_sitemap)
    app.connect("build-finished", finish, priority=900)
    # pages are written anew when it changes
    app.add_config_value("kws_pdf", os.environ.get(PDF_VARIABLE, ""), "html", str)
    mathematics.add_renderer(app)
    app.add_role(ROLE, eval_role, override=True)  # myst-nb's own asks a kernel
    app.add_transform(claims.ShowClaims)
    figures.add_figures(app)
    app.add_directive(RUN_DIRECTIVE, RunDirective)
    app.add_directive(API_DIRECTIVE, ApiDirective)
    app.add_directive(TRY_DIRECTIVE, TryDirective)
    app.add_css_file("report.css")
    app.add_css_file(icons.SHEET, priority=900)
    attributes: dict[str, Any] = {"data-vega": VEGA_NAME}
    app.add_js_file("charts.js", loading_method="defer", **attributes)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
