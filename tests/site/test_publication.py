"""A site is put into a folder; what else is there stays, or the folder is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kwslib.errors import InputError
from kwslib.folders import PART, lock_folder
from kwslib.site import publication
from kwslib.site.publication import MANIFEST, claimed_folder


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def put_site(site, folder, adopt=False):
    with claimed_folder(folder, adopt) as target:
        publication.put_site(site, target, adopt)


def refused(folder, message):
    """Before anything is made, and with nothing changed."""
    before = sorted(folder.rglob("*")) if folder.is_dir() else []
    with pytest.raises(InputError, match=message), claimed_folder(folder):
        pytest.fail("taken")
    assert (sorted(folder.rglob("*")) if folder.is_dir() else []) == before


def content(folder):
    """Names and texts of all files, but for what every site has."""
    files = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in found.items() if name not in (MANIFEST, ".nojekyll")}


OLD = {"index.html": "old", "_static/a.js": "old", "book/gone.html": "old", ".buildinfo": "x"}
NEW = {"index.html": "new", "_static/a.js": "new", "book/fresh/b.html": "new", ".buildinfo": "x"}
CHECKOUT = {".git/HEAD": "ref: refs/heads/gh-pages", "CNAME": "kws.example", "book/mine.txt": "my"}


@pytest.fixture
def old(tmp_path):
    return write(tmp_path / "old", OLD)


@pytest.fixture
def new(tmp_path):
    return write(tmp_path / "new", NEW)


@pytest.fixture
def out(tmp_path, old):
    """A folder with a site of ours, as if it were a checkout of what was published."""
    put_site(old, tmp_path / "out")
    return write(tmp_path / "out", CHECKOUT)


def test_the_files_of_the_last_site_are_replaced_and_everything_else_stays(out, new):
    put_site(new, out)
    assert content(out) == {**NEW, **CHECKOUT}
    assert (out / ".nojekyll").read_text() == ""
    assert not [path for path in out.rglob("*") if path.name.startswith((PART, ".kws-lock"))]


def test_the_manifest_lists_what_the_site_consists_of(out, new):
    put_site(new, out)
    assert json.loads((out / MANIFEST).read_text())["files"] == sorted([*NEW, ".nojekyll"])


def test_the_same_site_again_changes_nothing(out, old):
    before = {**content(out)}
    put_site(old, out)
    put_site(old, out)
    assert content(out) == before


@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": "mine"},
        {".buildinfo": "of another Sphinx", "index.html": "x", ".git/HEAD": "x", "CNAME": "x"},
        {".buildinfo": "alone"},
        {".nojekyll": ""},
        {"deep/er/file": "mine"},
        {f"{PART}0/index.html": "half", "notes.txt": "mine"},
    ],
)
def test_a_folder_of_something_else_is_refused_and_left_as_it_is(tmp_path, files):
    folder = write(tmp_path / "theirs", files)
    refused(folder, "holds something other than a site")
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {*files}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".git/HEAD": "x"},
        {".git": "gitdir: elsewhere", ".github/a.yml": "x", ".gitignore": "x", "CNAME": "x"},
    ],
)
def test_a_new_an_empty_folder_and_an_empty_checkout_are_taken(tmp_path, new, files):
    write(tmp_path / "empty", files)
    (tmp_path / "empty").mkdir(exist_ok=True)
    for folder in (tmp_path / "empty", tmp_path / "not" / "there"):
        put_site(new, folder)
        assert NEW.items() <= content(folder).items()
    assert files.items() <= content(tmp_path / "empty").items()


def test_a_folder_without_a_manifest_is_adopted_where_that_is_asked_for(tmp_path, old, new):
    """What is called as files of the site is theirs from now on; nothing else is removed."""
    out = write(tmp_path / "out", {**OLD, "mine.txt": "my"})
    put_site(old, out, adopt=True)
    assert content(out) == {**OLD, "mine.txt": "my"}
    (out / MANIFEST).unlink()
    put_site(new, out, adopt=True)
    assert content(out) == {**OLD, **NEW, "mine.txt": "my"}
    put_site(old, out, adopt=True)
    left = {**OLD, "mine.txt": "my"}
    assert content(out) == left


def test_what_the_manifest_does_not_list_is_not_adopted(out, new):
    write(out, {"book/fresh/b.html": "mine"})
    with pytest.raises(InputError, match="of another origin"):
        put_site(new, out, adopt=True)
    assert (out / "book/fresh/b.html").read_text() == "mine"


def test_a_symbolic_link_stays_one(tmp_path, out, new):
    link = tmp_path / "link"
    link.symlink_to(out, target_is_directory=True)
    for _ in range(2):
        put_site(new, link)
        assert link.is_symlink() and content(out) == {**NEW, **CHECKOUT}
    absent = tmp_path / "link to nothing yet"
    absent.symlink_to(tmp_path / "later")
    put_site(new, absent)
    assert absent.is_symlink() and content(tmp_path / "later") == NEW


def test_the_working_folder_is_a_folder(tmp_path, old, new, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for site in (old, new):
        put_site(site, Path())
    assert content(tmp_path / "here") == NEW


def test_the_folder_itself_is_never_moved(tmp_path, out, new):
    """Which a mount point cannot be."""
    before = out.stat().st_ino
    put_site(new, out)
    assert out.stat().st_ino == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_mount_point(tmp_path, old, new):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        for site in (old, new):
            put_site(site, mounted)
        assert content(mounted) == NEW
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "file", tmp_path / "pipe", tmp_path / "loop", Path("/dev/null")):
        refused(path, str(path))


@pytest.mark.parametrize(
    "theirs",
    [
        {"book/fresh": "a file where the site has a folder"},
        {"book/fresh/b.html": "another text under a new name of the site"},
        {"book/fresh/b.html/inside": "a folder where the site has a file"},
    ],
)
def test_a_file_of_another_origin_is_not_written_over(out, new, theirs):
    write(out, theirs)
    before = content(out)
    with pytest.raises(InputError, match="of another origin"):
        put_site(new, out)
    assert content(out) == before


def test_nothing_is_written_through_a_link_within_the_folder(tmp_path, out, new):
    elsewhere = write(tmp_path / "elsewhere", {"a.js": "mine"})
    (out / "_static" / "a.js").unlink()
    (out / "_static").rmdir()
    (out / "_static").symlink_to(elsewhere)
    with pytest.raises(InputError, match="_static is of another origin"):
        put_site(new, out)
    assert content(elsewhere) == {"a.js": "mine"}


def test_a_file_that_is_the_same_becomes_the_sites(out, new):
    write(out, {"book/fresh/b.html": "new"})
    put_site(new, out)
    assert content(out) == {**NEW, **CHECKOUT}


def test_files_and_folders_of_the_site_may_change_places(tmp_path, old):
    out = tmp_path / "out"
    put_site(old, out)
    put_site(write(tmp_path / "a", {"index.html/deep": "1", "_static": "2"}), out)
    assert content(out) == {"index.html/deep": "1", "_static": "2"}


@pytest.mark.parametrize("names", [["../outside"], ["/etc/passwd"], ["a/../../b"], [""], [3], "x"])
def test_a_manifest_cannot_reach_out_of_its_folder(tmp_path, out, new, names):
    (tmp_path / "outside").write_text("mine")
    (out / MANIFEST).write_text(json.dumps({"files": names}))
    if names == "x":
        (out / MANIFEST).write_text("no JSON")
    refused(out, "holds no JSON" if names == "x" else "does not list the files of a site")
    assert (tmp_path / "outside").read_text() == "mine"


KILLED = """
import os, sys
from pathlib import Path
from kwslib.site import publication
write = publication._write_manifest
def stop_at(target, files):
    write(target, files)
    calls.append(1)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
calls = []
publication._write_manifest = stop_at
with publication.claimed_folder(Path(sys.argv[2])) as target:
    publication.put_site(Path(sys.argv[1]), target)
"""


@pytest.mark.parametrize("at", [1, 2])
def test_a_copy_that_was_killed_is_finished_by_the_next(tmp_path, out, new, at):
    subprocess.run([sys.executable, "-c", KILLED, str(new), str(out), str(at)], check=False)
    put_site(new, out)
    assert content(out) == {**NEW, **CHECKOUT}
    assert not [path for path in out.iterdir() if path.name.startswith((PART, ".kws-lock"))]


def test_a_first_copy_that_was_killed_leaves_a_folder_that_is_taken(tmp_path, new):
    write(tmp_path / "out", {f"{PART}0/index.html": "half", ".kws-lock": "1"})
    put_site(new, tmp_path / "out")
    assert content(tmp_path / "out") == NEW


def test_two_at_once_are_one_too_many(out, new):
    before = content(out)
    with lock_folder(out), pytest.raises(InputError, match=f"process {os.getpid()} is writing"):
        put_site(new, out)
    assert content(out) == before


def test_what_fails_leaves_no_new_folder(tmp_path, out):
    for folder in (tmp_path / "fresh", out):
        before = folder.exists() and content(folder)
        with pytest.raises(ZeroDivisionError), claimed_folder(folder):
            raise ZeroDivisionError
        assert (folder.exists() and content(folder)) == before
