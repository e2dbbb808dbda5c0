import pytest

from kwslib import files
from kwslib.site import cache
from kwslib.site.book import Book, as_notebook

LIBRARY_FILES = {
    "features/logmel.py": True,
    "results/page.py": True,
    "studies/bench/core.py": False,
    "cli/main.py": False,
    "live/try_page.py": False,
    "site/build.py": False,
}
"""And whether a chapter runs them."""


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


def key(chapter, values=None, data="", root=None, notebook=None):
    return cache.key(notebook or chapter.notebook(), values or {}, data, root)


def test_equal_inputs_give_the_same_key(chapter, root):
    assert key(chapter, {"level": 3}, "", root) == key(chapter, {"level": 3}, "", root)


def changed(chapter, old, new):
    source = chapter.source()
    assert old in source
    return as_notebook(source.replace(old, new), chapter.path)


@pytest.mark.parametrize(
    ("old", "new", "matters"),
    [
        ("The loudness is", "How loud:", False),
        ("A bar of", "One bar of", False),
        ("alt: One bar", "alt: A single bar", False),
        ("tags: [remove-input]", "tags: [hide-input]", False),
        ("above zero.]", "positive.]", False),
        ("{eval}`loudness`", "{eval}`loudness + '!'`", True),
        ("level > 5\n\nA loud", "level > 6\n\nA loud", True),
        ("level * gain > 0", "level * gain > 1", True),
        ("gain = 0.5", "gain = 0.25", True),
    ],
)
def test_code_expressions_claims_and_conditions_matter_and_words_do_not(
    chapter, root, old, new, matters
):
    before = key(chapter, root=root)
    after = key(chapter, root=root, notebook=changed(chapter, old, new))
    assert (before != after) == matters


def test_parameters_data_and_measurements_change_the_key(chapter, root):
    keys = {key(chapter, {"level": value}, "", root) for value in (3, 4, "3")}
    keys.add(key(chapter, {"level": 3}, "other data", root))
    (root / "measurements").mkdir()
    (root / "measurements" / "run.json").write_text("[]")
    keys.add(key(chapter, {"level": 3}, "", root))
    assert len(keys) == 5


def test_the_content_of_a_file_that_a_parameter_names_changes_the_key(chapter, root):
    clip = root / "mine.wav"
    clip.write_bytes(b"one")
    before = key(chapter, {"clip": str(clip)}, "", root)
    clip.write_bytes(b"two")
    assert key(chapter, {"clip": str(clip)}, "", root) != before


@pytest.mark.parametrize(("name", "matters"), LIBRARY_FILES.items())
def test_only_library_code_that_a_chapter_runs_matters(library, name, matters):
    before = cache.library_hash()
    (library / name).write_text("a = 2\n")
    cache.library_hash.cache_clear()
    assert (cache.library_hash() != before) == matters


def test_a_build_keeps_to_the_library_that_its_run_began_with(library, monkeypatch):
    monkeypatch.setenv(cache.LIBRARY_VARIABLE, "handed over")
    assert cache.library_hash() == "handed over"


def test_a_package_version_changes_the_key(chapter, root, monkeypatch):
    before = key(chapter, root=root)
    monkeypatch.setattr(cache, "versions", lambda: {"numpy": "99"})
    assert key(chapter, root=root) != before


def run_of(number):
    return cache.Run([[{"number": number}]], {"a": {"status": "ok"}}, 1.5, "2026", "1")


def test_what_was_stored_is_loaded_and_the_oldest_are_dropped(tmp_path):
    assert cache.load(tmp_path / "absent.json") is None
    paths = [tmp_path / "executed" / f"{number}.json" for number in range(cache.KEPT_RUNS + 2)]
    for number, path in enumerate(paths):
        cache.store(path, run_of(number))
    assert cache.load(paths[-1]) == run_of(len(paths) - 1)
    assert len(list(paths[0].parent.iterdir())) == cache.KEPT_RUNS
