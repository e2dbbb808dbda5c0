import errno
import hashlib
import io
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.files import (
    PART,
    cache_folder,
    check_writable,
    is_stream,
    keep_newest,
    lock_file,
    lock_folder,
    read_bounded,
    sha256_of_file,
    sha256_of_files,
    sha256_of_sources,
    sha256_of_text,
    write_beside,
    write_json,
    write_text,
)


def test_the_body_writes_a_file_that_takes_the_name(tmp_path):
    path = tmp_path / "new" / "folder" / "a.txt"
    with write_beside(path) as temporary:
        assert temporary.parent.parent == path.parent, "on the same file system"
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failing_body_leaves_the_old_file_and_no_rubbish(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with write_beside(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_file_until_the_body_has_ended(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with path.open() as reader, write_beside(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_a_place_that_cannot_be_written_is_an_input_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.txt", tmp_path / "folder"):
        with pytest.raises(InputError, match=path.name) as error:
            write_text(path, "y")
        assert "\n" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_json_comes_back_and_keeps_its_letters(tmp_path):
    value = {"größe": [1, 2.5, None], "kws": {"a": True}}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert "größe" in text
    assert text.endswith("}\n")


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


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 5_000
    (tmp_path / "a").write_bytes(content)
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_lists_of_texts_without_nul_hash_alike_only_if_they_are_alike(one, other):
    one = [text.replace("\0", "") for text in one]
    other = [text.replace("\0", "") for text in other]
    assert (sha256_of_text(*one) == sha256_of_text(*other)) == (one == other)
    assert sha256_of_text("ab", "c") != sha256_of_text("a", "bc")


def test_the_hash_of_sources_is_that_of_the_named_stages_alone():
    whole = sha256_of_sources()
    features = sha256_of_sources("features")
    assert len({whole, features, sha256_of_sources("config.py", "features")}) == 3
    assert features == sha256_of_sources("features")
    assert sha256_of_sources("features", "config.py") == sha256_of_sources("config.py", "features")


def test_the_hash_of_sources_leaves_out_what_it_is_told_to():
    both = sha256_of_sources("config.py", "features")
    assert sha256_of_sources("config.py", "features", without=["features"]) != both
    assert sha256_of_sources("config.py", "features", without=["features"]) == sha256_of_sources(
        "config.py"
    )
    assert sha256_of_sources(without=["features/logmel.py"]) != sha256_of_sources()


@pytest.mark.parametrize("missing", ["smoothin.py", "feature", "features/nothing.py", "py.typed/x"])
def test_the_hash_of_sources_refuses_what_is_not_there(missing):
    with pytest.raises(ValueError, match=f"{missing}: there is no such module or package"):
        sha256_of_sources("config.py", missing)
    with pytest.raises(ValueError, match=f"{missing}: there is no such module or package"):
        sha256_of_sources(without=[missing])


def test_the_hash_of_files_depends_on_names_and_contents_alone(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    one, other = tmp_path / "a", tmp_path / "b"
    before = sha256_of_files(tmp_path, [one, other])
    assert before == sha256_of_files(tmp_path, [other, one])
    one.write_text("changed")
    after = sha256_of_files(tmp_path, [one, other])
    one.rename(tmp_path / "c")
    assert len({before, after, sha256_of_files(tmp_path, [tmp_path / "c", other])}) == 3


def test_the_files_touched_last_are_kept(tmp_path):
    for i, name in enumerate(["old", "new", "newer", ".on its way"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (i, i))
    os.utime(tmp_path / "old", (10, 10))
    keep_newest(tmp_path, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "newer", ".on its way"}


# ---------------------------------------------------------------- what is no file to be replaced


def test_a_device_is_written_and_not_replaced(tmp_path):
    write_text("/dev/null", "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(InputError, match=r"/dev/full: cannot be written \(No space left"):
        write_text("/dev/full", "x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    link = tmp_path / "link.json"
    link.symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"link.json: cannot be written"):
        write_json(link, {})
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link]


def test_a_pipe_gets_what_was_written(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        write_text(pipe, "through the pipe")
        assert read.result(60) == "through the pipe"
    assert pipe.is_fifo()


def test_a_socket_gets_what_was_written(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        write_text(tmp_path / "socket", "through the socket")
        with listening.accept()[0] as connection:
            assert connection.recv(100) == b"through the socket"
    with pytest.raises(InputError, match="socket: cannot be written"):
        write_text(tmp_path / "socket", "nobody listens")
    assert (tmp_path / "socket").is_socket()


def test_a_symbolic_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    target, link = tmp_path / "a" / "target.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    link.symlink_to(target)
    for text in ("made", "replaced"):  # the first time it points to nothing
        with write_beside(link) as temporary:
            assert temporary.parent.parent == target.parent, "on the target's file system"
            temporary.write_text(text)
        assert link.is_symlink() and not target.is_symlink() and target.read_text() == text
    over = tmp_path / "over.txt"
    over.symlink_to(link)
    write_text(over, "over two links")
    assert (over.is_symlink(), link.is_symlink(), target.read_text()) == (
        True,
        True,
        "over two links",
    )


@pytest.mark.parametrize("make", ["loop", "folder"])
def test_a_link_to_itself_or_to_a_folder_is_an_input_error(tmp_path, make):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").symlink_to(tmp_path)
    with pytest.raises(InputError, match=f"{make}: cannot be written"):
        write_text(tmp_path / make, "x")
    assert (tmp_path / make).is_symlink()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "out.txt"])
def test_standard_output_is_written_on_and_not_replaced(tmp_path, name):
    """As a file too, in which what is printed before and after stays."""
    code = (
        "import sys; from kwslib.files import write_text\n"
        "print('before', flush=True); write_text(sys.argv[1], 'the file\\n'); print('after')"
    )
    out = tmp_path / "out.txt"
    with out.open("w") as stream:
        command = [sys.executable, "-c", code, name]
        subprocess.run(command, stdout=stream, cwd=tmp_path, env=importing(), check=True)
    assert out.read_text() == "before\nthe file\nafter\n"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_an_open_file_is_written_on_under_the_name_of_its_descriptor(tmp_path, name):
    with (tmp_path / "out.txt").open("wb", buffering=0) as out:
        (tmp_path / "link").symlink_to(f"/dev/fd/{out.fileno()}")
        path = tmp_path / name.format(out.fileno())
        assert is_stream(path)
        out.write(b"before\n")
        write_text(path, "the file\n")
        out.write(b"after\n")
    assert (tmp_path / "out.txt").read_text() == "before\nthe file\nafter\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "out.txt"]


def test_files_and_folders_are_no_streams(tmp_path):
    """Nor is a file that this process reads, nor a folder that it has open."""
    (tmp_path / "a").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with (tmp_path / "a").open():
            for name in ("a", "absent", "", "loop", f"/dev/fd/{folder}"):
                assert not is_stream(tmp_path / name)
    finally:
        os.close(folder)


def importing():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def test_permissions_of_a_file_that_is_replaced_stay(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(InputError, match=r"a.txt: cannot be written \(Permission denied"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"


# ---------------------------------------------------------------- locks


HOLDER = """
import sys
from kwslib.files import lock_file, lock_folder, write_beside
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
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=importing(),
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
        "import os, sys; from pathlib import Path; from kwslib.files import *\n"
        "with lock_folder(sys.argv[1]), write_beside(Path(sys.argv[1], 'sub', 'a.txt')) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=importing(), check=False)
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


# ---------------------------------------------------------------- lengths that nobody told


def test_a_file_is_read_to_its_end_whatever_it_is(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read_bounded(tmp_path / "a", 100) == b"x" * 100
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_bytes, b"y" * 100_000)
        assert read_bounded(pipe, 100_000) == b"y" * 100_000
        written.result(60)
    assert read_bounded("/dev/null", 10) == b""


@pytest.mark.parametrize("endless", ["/dev/zero", "/dev/urandom"])
def test_what_never_ends_is_refused(endless):
    with pytest.raises(InputError, match=f"{endless}: is larger than 1,000 bytes; take less"):
        read_bounded(endless, 1000, "take less")


def test_what_cannot_be_read_is_an_input_error(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 101)
    with pytest.raises(InputError, match=r"large: is larger than 100 bytes; name another"):
        read_bounded(tmp_path / "large", 100)
    with pytest.raises(InputError, match="absent: no such file; make it"):
        read_bounded(tmp_path / "absent", 100, "make it")
    for path in (tmp_path, "a\0b", tmp_path / "large" / "deep"):
        with pytest.raises(InputError, match=r"cannot be read|no such file"):
            read_bounded(path, 100)


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), OSError(errno.EFBIG, "big"), RuntimeError("torch says")],
)
def test_a_full_disk_is_one_line_whatever_a_library_says_of_it(tmp_path, monkeypatch, error):
    path = tmp_path / "out.bin"
    path.write_bytes(b"before")
    if not isinstance(error, OSError):
        usage = shutil.disk_usage(tmp_path)._replace(free=100)
        monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    line = r"out\.bin: cannot be written \(no space is left\); free some"
    with pytest.raises(InputError, match=line), write_beside(path):
        raise error
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError("other"), FileNotFoundError(2, "gone")])
def test_another_error_is_no_full_disk(tmp_path, error):
    with pytest.raises(type(error)), write_beside(tmp_path / "out.bin"):
        raise error


def test_what_cannot_be_written_is_refused_before_and_nothing_is_made(tmp_path, monkeypatch):
    file, loop = tmp_path / "file", tmp_path / "loop"
    file.write_bytes(b"")
    loop.symlink_to(loop)
    refused = [
        (file / "x" / "y.json", False), (tmp_path, False), (loop, False), (file, True),
        (file / "sub", True), (tmp_path / ("n" * 300), False), (Path("/proc/none/x"), False),
    ]  # fmt: skip
    for path, folder in refused:
        with pytest.raises(InputError, match=f"^{re.escape(str(path))}: cannot be written"):
            check_writable(path, folder=folder)
    for path, folder in [(file, False), (tmp_path / "a" / "b.json", False), (tmp_path, True)]:
        check_writable(path, folder=folder)
    check_writable("/dev/null")
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(InputError, match="No space left"):
        check_writable(file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_another_user_is_refused_before(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        check_writable(tmp_path / "x")


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


def test_names_that_are_no_utf8_are_hashed_and_written_as_json_has_them(tmp_path):
    name = os.fsdecode(b"a\xff")
    assert sha256_of_text(name) != sha256_of_text("a")
    write_json(tmp_path / "x.json", [name])
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == [name]
