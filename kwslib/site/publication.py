"""A site in a folder that may hold other things too, such as a checkout of ``gh-pages``.

A manifest in the folder lists the files of the site. The next one replaces those, and everything
else stays.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from kwslib.errors import InputError
from kwslib.files import check_writable, read_json, write_json
from kwslib.folders import OURS, lock_folder, part_folder

MANIFEST = ".kws-site.json"
"""Lists the files of the site, itself apart."""

_NO_JEKYLL = ".nojekyll"  # without it GitHub Pages leaves out what begins with an underscore
_LARGEST_MANIFEST = 2**24
_DOMAIN = "CNAME"  # in which GitHub Pages reads the site's own domain


@contextmanager
def claimed_folder(folder: Path, adopt: bool = False) -> Iterator[Path]:
    """Keep ``folder``, made if it is absent, for a site that the body makes and puts there.

    A folder that is refused is left as it is.

    Args:
        folder: of the site.
        adopt: take a folder that holds something other than a site too.

    Yields:
        the folder itself, where ``folder`` is a symbolic link.

    Raises:
        InputError: it is no folder, cannot be written to, holds something other than a site, or
            another process writes into it.
    """
    target = Path(os.path.realpath(folder))
    if target.is_symlink() or (target.exists() and not target.is_dir()):  # a link to itself
        raise InputError(f"{folder}: is no folder; name another")
    is_new = not target.exists()
    if not is_new:
        _check(target, folder, adopt)
    try:
        with lock_folder(target):
            yield target
    except BaseException:
        if is_new:
            with suppress(OSError):  # not empty, or not made
                target.rmdir()
        raise


def _check(target: Path, folder: Path, adopt: bool) -> None:
    check_writable(folder, folder=True)
    if not adopt and not (target / MANIFEST).exists() and (others := _others(target)):
        raise InputError(
            f"{folder} holds something other than a site of ours, such as {others[0]}; "
            "give an empty or new folder"
        )
    _files_of(target)


def _others(target: Path) -> list[str]:
    """What a folder holds that is not empty, nor a checkout of a branch that is."""
    names = sorted(path.name for path in target.iterdir())
    if ".git" in names:
        return [name for name in names if not name.startswith(".") and name != _DOMAIN]
    return [name for name in names if not name.startswith(OURS)]


def put_site(site: Path, target: Path, adopt: bool = False) -> None:
    """Put a copy of ``site`` into a claimed folder in the place of the one that is there.

    All of it is copied beside first; a copy that is interrupted leaves the old site, and files that
    the next call knows as the site's.

    Args:
        site: folder of the new site.
        target: the claimed folder.
        adopt: where no manifest says what the old site is, take the files that are called as
            those of the new one for it.

    Raises:
        InputError: the folder holds a file of another origin where the site has one, or it cannot
            be written to.
    """
    try:
        _replace(site, target, adopt)
    except OSError as error:
        raise InputError(f"{target}: cannot be written to ({error.strerror})") from error


def _replace(site: Path, target: Path, adopt: bool) -> None:
    fresh = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    old = {*fresh} if adopt and not (target / MANIFEST).exists() else _files_of(target)
    _check_foreign(site, target, fresh, old)
    with part_folder(target) as part:
        copy = Path(shutil.copytree(site, part / "site"))
        if _NO_JEKYLL in old or not (target / _NO_JEKYLL).exists():
            (copy / _NO_JEKYLL).touch()
            fresh.add(_NO_JEKYLL)
        _write_manifest(target, old | fresh)
        for name in old - fresh:
            _remove(target, name)
        for name in sorted(fresh):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).replace(target / name)
        _write_manifest(target, fresh)


def _check_foreign(site: Path, target: Path, fresh: Iterable[str], old: set[str]) -> None:
    """Refuse to write over, or through, what is not the site's; what is the same may stay."""
    for name in sorted(fresh):
        for parent in _parents(target, name):
            ours = parent.is_dir() or parent.relative_to(target).as_posix() in old
            if parent.is_symlink() or (parent.exists() and not ours):
                raise _foreign(target, parent)
        place = target / name
        if place.is_dir() and not place.is_symlink():
            inside = (path for path in place.rglob("*") if path.is_symlink() or not path.is_dir())
            ours = old.issuperset(path.relative_to(target).as_posix() for path in inside)
        elif place.is_file() and not place.is_symlink():
            ours = name in old or place.read_bytes() == (site / name).read_bytes()
        else:
            ours = name in old or not place.is_symlink()
        if not ours:
            raise _foreign(target, place)


def _parents(target: Path, name: str) -> list[Path]:
    """The folders in ``target`` that a file is in, the innermost first."""
    return [target / parent for parent in [*PurePosixPath(name).parents][:-1]]


def _foreign(target: Path, place: Path) -> InputError:
    return InputError(
        f"{target}: {place.relative_to(target)} is of another origin, where the site has a file of "
        "its own; move it away, or give another folder"
    )


def _remove(target: Path, name: str) -> None:
    """Remove a file of the old site, and folders that are empty then."""
    place = target / name
    parents = _parents(target, name)
    if any(parent.is_symlink() for parent in parents):
        return
    if place.is_symlink() or place.is_file():
        place.unlink()
    for parent in parents:
        if not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()


def _files_of(target: Path) -> set[str]:
    """The files of the site that is there, by the manifest.

    Raises:
        InputError: the manifest is damaged, or lists files that are not in the folder.
    """
    path = target / MANIFEST
    if not path.exists():
        return set()
    content = read_json(path, _LARGEST_MANIFEST, "give an empty or new folder")
    try:
        names = content["files"]
        if not all(_is_inside(name) for name in names):
            raise ValueError("a file outside of the folder")
        return set(names)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path}: does not list the files of a site ({error}); give an empty or new folder"
        ) from error


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.as_posix() == name and not path.is_absolute() and not {"..", ""} & {*path.parts}


def _write_manifest(target: Path, files: set[str]) -> None:
    write_json(target / MANIFEST, {"generator": "kws report", "files": sorted(files)})
