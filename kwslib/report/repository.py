"""The address of the repository, where it is known."""

import os
import re
import subprocess
from pathlib import Path

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
    if not (root / ".git").exists():
        return ""
    git = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        remote = subprocess.run(git, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    match = _REMOTE.match(remote.stdout.strip())
    return f"https://{match[1]}/{match[2]}" if match else ""
