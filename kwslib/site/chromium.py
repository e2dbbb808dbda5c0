"""Chromium without a window: pages of the built site as PDF files and pictures."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from kwslib import interrupt
from kwslib.errors import InputError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_TIMEOUT_S = 300
# time in the page, not on the clock: formulas are set and charts are alive by then
_SETTLED_MS = 20_000


def chromium() -> str:
    """The browser.

    Raises:
        InputError: there is none.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise InputError(
        f"there is no browser to print with; install one of {', '.join(NAMES)}, "
        "or 'make browser' where apt-get can"
    )


def print_page(page: Path, out: Path) -> None:
    """Print an HTML file to a PDF file.

    Raises:
        InputError: there is no browser.
        RuntimeError: it failed.
    """
    _run(page, out, "--no-pdf-header-footer", f"--print-to-pdf={out}")


def picture(page: Path, out: Path, width: int, height: int) -> None:
    """A picture of the top of an HTML file.

    Raises:
        InputError: there is no browser.
        RuntimeError: it failed.
    """
    _run(page, out, "--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={out}")


def _run(page: Path, out: Path, *arguments: str) -> None:
    with tempfile.TemporaryDirectory(prefix="kws-chromium-") as profile:
        command = [
            chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--allow-file-access-from-files",
            f"--user-data-dir={profile}", f"--virtual-time-budget={_SETTLED_MS}",
            *arguments, page.resolve().as_uri(),
        ]  # fmt: skip
        out.unlink(missing_ok=True)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = interrupt.run(command, _TIMEOUT_S, text=True, **pipes)
    if not out.exists():
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"{page.name}: the browser made nothing of it ({lines[-1]})")
