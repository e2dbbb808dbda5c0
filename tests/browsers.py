"""Headless Chromium for tests, and the folder of a site served from this machine."""

import functools
import http.server
import os
import shutil
import threading
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@contextmanager
def driver():
    """What starts browsers; one at a time in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


def launch(playwright, *arguments):
    """A browser; without one the test is skipped, but not under ``CI=true``."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        reason = "no Chromium here; 'make browser' installs it where apt-get can"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    # A page asks for more files at once than the five that may wait by default.
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Nothing: a page that is closed early leaves half-sent files behind."""


@contextmanager
def served(folder):
    """Serves a folder; yields its address with a slash at the end."""
    server = _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
