"""The built site, served from this machine, in headless Chromium.

``KWS_SITE`` names a site that is built already; otherwise the demo report is built, which
takes only as long as what changed since its last build.
"""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    # A page asks for more files at once than the five that may wait by default.
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Nothing: a page that is closed early leaves half-sent files behind."""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Folder of the site's pages."""
    if named := os.environ.get("KWS_SITE"):
        return Path(named).resolve()
    out = tmp_path_factory.mktemp("site") / "html"
    start = "from kwslib.cli import main; main()"
    command = [sys.executable, "-c", start, "report", "--profile", "demo", "--json"]
    done = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["site"])


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served, with a slash at the end."""
    handler = functools.partial(_Quiet, directory=str(site))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one the tests are skipped, but not under ``CI=true``."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        reason = "no Chromium here; 'make browser' installs it where apt-get can"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


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
