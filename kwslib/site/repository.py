"""The address of the repository, where it is known."""

import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from kwslib.records import git

BRANCH = "main"

_BINDER = "https://mybinder.org/v2"
_PROVIDERS = {"github.com": "gh", "gitlab.com": "gl"}
_REMOTE = re.compile(
    r"(?:git@|https?://(?:[^@/]+@)?)(github\.com|gitlab\.com)[:/](.+?)(?:\.git)?/?$"
)


def address(root: Path) -> str:
    """The web address of the repository of ``root``, or empty.

    ``GITHUB_REPOSITORY`` (``owner/name``) comes first, then the remote called ``origin``; an
    address that is neither on GitHub nor on GitLab has no page that a button could open.
    """
    name = os.environ.get("GITHUB_REPOSITORY")
    if name:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    match = _REMOTE.match(git(root, "remote", "get-url", "origin") or "")
    return f"https://{match[1]}/{match[2]}" if match else ""


def binder(repository: str, notebook: str) -> str:
    """Where Binder opens a notebook of a repository, empty where it knows no such host.

    Args:
        repository: as :func:`address` tells it.
        notebook: path in the repository; the script ``postBuild`` makes it of a chapter.
    """
    parts = urlsplit(repository)
    provider = _PROVIDERS.get(parts.netloc)
    if provider is None:
        return ""
    name = parts.path.strip("/")
    # Binder takes the whole name of a GitLab project as one part of the path
    name = name if provider == "gh" else quote(name, safe="")
    return f"{_BINDER}/{provider}/{name}/{BRANCH}?urlpath=lab/tree/{quote(notebook)}"
