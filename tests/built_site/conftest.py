"""The built site, served from this machine, in headless Chromium.

``KWS_SITE`` names a site that is built already; otherwise the demo report is built, which
takes only as long as what changed since its last build.
"""

import os
import subprocess
import sys
from pathlib import Path

import browsers
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def site(once):
    """Folder of the site's pages, built once a run."""
    if named := os.environ.get("KWS_SITE"):
        return Path(named).resolve()
    return once("site", build_demo) / "html"


def build_demo(folder):
    start = "from kwslib.cli import main; main()"
    command = [sys.executable, "-c", start, "report", "--profile", "demo"]
    done = subprocess.run(
        [*command, "--out", str(folder / "html")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served, with a slash at the end."""
    with browsers.served(site) as address:
        yield address


@pytest.fixture
def open_page(browser, address):
    """Opens a page of the site; keywords are those of a browser context."""
    contexts = []

    def open_page(name, watch=lambda page: None, **settings):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        watch(page)
        page.goto(f"{address}{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def read_page(browser, address):
    """Opens a page of the site, once for all tests that only look at it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = {}

    def read_page(name):
        if name not in opened:
            opened[name] = context.new_page()
            opened[name].set_default_timeout(60_000)
            opened[name].goto(f"{address}{name}.html")
        return opened[name]

    yield read_page
    context.close()
