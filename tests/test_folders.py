import errno
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from kwslib.errors import InputError
from kwslib.files import (
    lock_file,
    write_beside,
    write_text,
)
from kwslib.folders import PART, cache_folder, keep_newest, lock_folder

IMPORTING = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def test_the_cache_is_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "deep" / "cache"))
    folder = cache_folder("images", "x")
    assert folder == tmp_path / "deep" / "cache" / "images" / "x"
    assert folder.is_dir()
    assert cache_folder("images", "x") == folder


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_the_cache_is_in_the_home_folder(tmp_path, monkeypatch, value):
    monkeypatch.setenv("KWS_CACHE", value) if value is not None else monkeypatch.delenv("KWS_CACHE")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "kwslib"


def test_a_file_in_place_of_the_cache_is_an_input_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="KWS_CACHE"):
        cache_folder("images")


def test_the_files_touched_last_are_kept(tmp_path):
    for i, name in enumerate(["old", "new", "newer", ".on its way"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (i, i))
    os.utime(tmp_path / "old", (10, 10))
    keep_newest(tmp_path, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "newer", ".on its way"}


HOLDER = """
import sys
from kwslib.files import lock_file, write_beside
from kwslib.folders import lock_folder
lock = {"folder": lock_folder, "file": lock_file, "part": write_beside}[sys.argv[1]]
with lock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held(kind, path):
    """Another process that holds a lock, or writes an empty file, until it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, kind, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=IMPORTING,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("kind", "lock"), [("folder", lock_folder), ("file", lock_file)])
def test_a_second_process_is_refused_with_the_first_ones_number(tmp_path, kind, lock):
    path = tmp_path / "run"
    with held(kind, path) as process:
        for _ in range(2):
            refused = pytest.raises(InputError, match=f"run: process {process.pid} is writing")
            with refused, lock(path):
                pytest.fail("two at once")
    with lock(path):
        pass
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


class Told(io.StringIO):
    """Takes lines, and says when there is one."""

    def __init__(self):
        super().__init__()
        self.line = threading.Event()

    def write(self, text):
        super().write(text)
        self.line.set()


def test_a_lock_is_taken_over_from_a_process_that_is_done(tmp_path, monkeypatch):
    told = Told()
    monkeypatch.setattr(sys, "stderr", told)
    with held("folder", tmp_path) as process, ThreadPoolExecutor(1) as pool:

        def wait():
            with lock_folder(tmp_path, wait=True):
                return process.poll() is not None

        taken = pool.submit(wait)
        assert told.line.wait(60)
        assert f"waiting for process {process.pid}" in told.getvalue()
        process.stdin.write("\n")
        process.stdin.close()
        taken.result(60)


def test_what_a_killed_process_left_is_cleared(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from kwslib.files import write_beside; from kwslib.folders import lock_folder\n"
        "with lock_folder(sys.argv[1]), write_beside(Path(sys.argv[1], 'sub', 'a.txt')) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=IMPORTING, check=False)
    (tmp_path / "mine.txt").write_text("mine")
    assert [path.read_text() for path in tmp_path.rglob("a.txt")] == ["half"]
    with lock_folder(tmp_path):
        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        assert sorted(left) == [".kws-lock", "mine.txt"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.txt"]


def test_what_a_living_process_writes_is_not_cleared(tmp_path):
    path = tmp_path / "sub" / "a.txt"
    with held("part", path) as process:
        for folder in (tmp_path, path.parent):
            with lock_folder(folder):
                write_text(folder / "b.txt", "b")
        assert not path.exists()
        process.communicate("\n", timeout=60)
        assert process.returncode == 0
    assert path.exists()


def test_a_file_that_is_written_clears_what_was_left_in_its_folder_alone(tmp_path):
    for folder in (tmp_path, tmp_path / "sub"):
        with held("part", folder / "a.txt"):
            pass  # it is killed
    write_text(tmp_path / "b.txt", "b")
    assert all(path.name.startswith(PART) for path in (tmp_path / "sub").iterdir())
    assert len([*(tmp_path / "sub").rglob("a.txt")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.txt", "sub"]


def test_what_links_called_as_a_part_point_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    run = tmp_path / "run"
    run.mkdir()
    for number, target in enumerate((tmp_path / "mine", tmp_path / "mine" / "a.txt", "nowhere")):
        (run / f"{PART}{number}").symlink_to(target)
    with lock_folder(run):
        assert [path.name for path in run.iterdir()] == [".kws-lock"]
    assert (tmp_path / "mine" / "a.txt").read_text() == "mine"


def test_what_cannot_be_cleared_stays(tmp_path, monkeypatch):
    def refuse(*_, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / f"{PART}theirs").mkdir()
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with lock_folder(tmp_path):
        pass
    assert (tmp_path / f"{PART}theirs").is_dir()


def test_files_are_written_where_none_can_be_locked(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with write_beside(tmp_path / "a.txt") as temporary:
        write_text(tmp_path / "b.txt", "b")
        temporary.write_text("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_lock_that_cannot_be_taken_is_named(tmp_path):
    for lock, path, name in (
        (lock_folder, tmp_path, ".kws-lock"),
        (lock_file, tmp_path / "a.txt", ".kws-lock-a.txt"),
    ):
        (tmp_path / name).mkdir()  # root may open whatever belongs to others
        refused = pytest.raises(InputError, match=rf"{path}: cannot be written to \(.*/{name}: ")
        with refused, lock(path):
            pytest.fail("locked")


def test_a_file_has_one_lock_whatever_links_lead_to_it(tmp_path):
    target = tmp_path / "a" / "t.json"
    target.parent.mkdir()
    links = [tmp_path / "b.json", tmp_path / "c.json"]
    links[0].symlink_to("a/t.json")
    links[1].symlink_to(links[0])
    with held("file", links[1]) as process:
        for path in (target, *links):
            refused = pytest.raises(InputError, match=f"{path}: process {process.pid} is writing")
            with refused, lock_file(path):
                pytest.fail("two at once")
    with pytest.raises(InputError, match="a: cannot be written"), lock_file(target.parent):
        pytest.fail("no file")


@pytest.mark.parametrize("lock", [lock_folder, lock_file])
def test_a_lock_ends_with_an_error_of_the_body(tmp_path, lock):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock(tmp_path / "run"):
            raise ZeroDivisionError


def test_what_is_no_folder_cannot_be_locked(tmp_path):
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "file", tmp_path / "pipe", "/dev/null", tmp_path / "file" / "deep"):
        refused = pytest.raises(InputError, match=f"{path}: (is no folder|cannot be created)")
        with refused, lock_folder(path):
            pytest.fail("no folder")
    with lock_file("/dev/null"):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_where_there_is_no_home_one_for_temporary_files_stands_for_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("KWS_CACHE")
    for home in ("/proc/none", str(tmp_path / "none")):
        monkeypatch.setenv("HOME", home)
        cache = cache_folder("x")
        assert cache == tmp_path / f"kwslib-{os.getuid()}" / ".cache" / "kwslib" / "x"
        assert cache.is_dir() and "stands for it" in capsys.readouterr().err
        assert Path.home() == tmp_path / f"kwslib-{os.getuid()}"


def test_a_home_that_others_could_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("KWS_CACHE")
    monkeypatch.setenv("HOME", "/proc/none")
    place = tmp_path / f"kwslib-{os.getuid()}"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(InputError, match=r"cannot stand for a home folder; name one in HOME"):
        cache_folder()
    place.rmdir()
    place.symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"cannot stand for a home folder; name one in HOME"):
        cache_folder()
