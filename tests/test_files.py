import errno
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from no_files import NO_FILES, no_file

from kwslib.errors import InputError
from kwslib.files import (
    check_file,
    check_writable,
    is_stream,
    read_bounded,
    read_json,
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


# ---------------------------------------------------------------- what can be read


def test_a_file_is_read_to_its_end_and_so_is_a_pipe_that_this_process_was_given(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read_bounded(tmp_path / "a", 100) == b"x" * 100
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as pool, open(reading, "rb"):
        written = pool.submit(lambda: open(writing, "wb").write(b"y" * 100_000))  # noqa: SIM115
        assert read_bounded(f"/dev/fd/{reading}", 100_000) == b"y" * 100_000
        written.result(60)


def test_what_never_ends_is_refused():
    reading, writing = os.pipe()
    with open(reading, "rb"), open(writing, "wb") as stream:
        stream.write(b"y" * 1001)
        stream.flush()
        with pytest.raises(InputError, match=f"{reading}: is larger than 1,000 bytes; take less"):
            read_bounded(f"/dev/fd/{reading}", 1000, "take less")


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_called_what_it_is(tmp_path, kind):
    path, word = no_file(kind, tmp_path)
    line = f"{path}: is no file but a {word}; name another file"
    with pytest.raises(InputError, match=f"^{line}$"):
        read_bounded(path, 1000)
    with pytest.raises(InputError, match=f"^{line}$"):
        check_file(path, "name another file")


def test_what_cannot_be_read_is_an_input_error(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 101)
    with pytest.raises(InputError, match=r"large: is larger than 100 bytes; name another"):
        read_bounded(tmp_path / "large", 100)
    with pytest.raises(InputError, match="absent: no such file; make it"):
        read_bounded(tmp_path / "absent", 100, "make it")
    for path in ("a\0b", tmp_path / "large" / "deep", tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match=r"cannot be read|no such file"):
            read_bounded(path, 100)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 200_000, b"9" * 10_000, "\ufeff\ufeff1".encode()]
)
def test_what_holds_no_json_is_an_input_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json: holds no JSON \(.*\); mend it"):
        read_json(tmp_path / "a.json", 2**20, "mend it")


def test_json_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_bytes("\ufeff[1]".encode())
    assert read_json(tmp_path / "a.json", 100) == [1]


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


def test_names_that_are_no_utf8_are_hashed_and_written_as_json_has_them(tmp_path):
    name = os.fsdecode(b"a\xff")
    assert sha256_of_text(name) != sha256_of_text("a")
    write_json(tmp_path / "x.json", [name])
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == [name]
