import nbformat
import pytest

from kwslib import files
from kwslib.site import cache
from kwslib.site.book import Book

LIBRARY_FILES = ("features/logmel.py", "results/page.py", "site/build.py", "cli/main.py")


@pytest.fixture
def chapter(root):
    return Book.open(root).chapters[0]


@pytest.fixture
def library(tmp_path, monkeypatch):
    folder = tmp_path / "library"
    for name in LIBRARY_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a = 1\n")
    monkeypatch.setattr(files, "LIBRARY", folder)
    cache.library_hash.cache_clear()
    yield folder
    cache.library_hash.cache_clear()


def test_equal_inputs_give_the_same_key(chapter, root):
    first = cache.key(chapter, {"level": 3}, "", root)
    assert first == cache.key(chapter, {"level": 3}, "", root)


def test_source_parameters_data_and_measurements_change_the_key(chapter, root):
    keys = {cache.key(chapter, {"level": 3}, "", root)}
    keys.add(cache.key(chapter, {"level": 4}, "", root))
    keys.add(cache.key(chapter, {"level": "3"}, "", root))
    keys.add(cache.key(chapter, {"level": 3}, "other data", root))
    (root / "measurements").mkdir()
    (root / "measurements" / "run.json").write_text("[]")
    keys.add(cache.key(chapter, {"level": 3}, "", root))
    chapter.path.write_text(chapter.source() + "\nmore\n")
    keys.add(cache.key(chapter, {"level": 3}, "", root))
    assert len(keys) == 6


def test_the_content_of_a_file_that_a_parameter_names_changes_the_key(chapter, root):
    clip = root / "mine.wav"
    clip.write_bytes(b"one")
    before = cache.key(chapter, {"clip": str(clip)}, "", root)
    clip.write_bytes(b"two")
    assert cache.key(chapter, {"clip": str(clip)}, "", root) != before


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("features/logmel.py", True),
        ("results/page.py", True),
        ("site/build.py", False),
        ("cli/main.py", False),
    ],
)
def test_only_library_code_that_a_chapter_runs_matters(library, name, matters):
    before = cache.library_hash()
    (library / name).write_text("a = 2\n")
    cache.library_hash.cache_clear()
    assert (cache.library_hash() != before) == matters


def test_a_build_keeps_to_the_library_that_its_run_began_with(library, monkeypatch):
    monkeypatch.setenv(cache.LIBRARY_VARIABLE, "handed over")
    assert cache.library_hash() == "handed over"


def test_a_package_version_changes_the_key(chapter, root, monkeypatch):
    before = cache.key(chapter, {}, "", root)
    monkeypatch.setattr(cache, "versions", lambda: {"numpy": "99"})
    assert cache.key(chapter, {}, "", root) != before


def test_what_was_stored_is_loaded_and_the_oldest_are_dropped(chapter, root):
    executed = cache.Executed(root / "executed")
    assert executed.load(chapter, "key") is None
    for number in range(cache.KEPT_RUNS + 2):
        notebook = nbformat.v4.new_notebook(metadata={"number": number})
        executed.store(chapter, f"key{number}", notebook)
    assert executed.load(chapter, f"key{number}").metadata.number == number
    assert len(list((root / "executed" / "1_sound").iterdir())) == cache.KEPT_RUNS
