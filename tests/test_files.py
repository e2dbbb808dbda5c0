import hashlib
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwslib.errors import InputError
from kwslib.files import (
    cache_folder,
    keep_newest,
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
        assert temporary.parent == path.parent, "on the same file system"
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
