"""What the page is made of, made once and kept in the cache."""

from collections.abc import Callable

from kwslib.files import write_beside
from kwslib.folders import cache_folder, keep_newest

_KEPT = 40


def kept(folder: str, name: str, make: Callable[[], bytes]) -> bytes:
    """The content of a file of the cache, which is made if it is not there.

    Args:
        folder: of files of one kind; the newest of them are kept.
        name: of the file, changed by every change in what it is made of.
        make: gives the content.
    """
    path = cache_folder(folder) / name
    if not path.exists():
        with write_beside(path) as half:
            half.write_bytes(make())
        keep_newest(path.parent, _KEPT)
    return path.read_bytes()
