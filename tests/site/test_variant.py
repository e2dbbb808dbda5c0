"""Pages that are another chapter run with other parameters."""

import pytest

from kwslib.errors import InputError
from kwslib.site import parameters, prose, run_page, variant
from kwslib.site.book import Book
from kwslib.site.build import build_chapter, build_site
from kwslib.site.execute import run_book
from kwslib.site.settings import Settings

LOUDER = """\
---
kws:
  chapter: 1_sound
  parameters:
    level: 8
---

# Louder than {glue:text}`loudness`?

As {doc}`1_sound`, but louder.
"""


@pytest.fixture
def variant_book(root):
    """The small book with a page that is its first chapter, louder."""
    (root / "book" / "louder.md").write_text(LOUDER)
    toc = root / "_toc.yml"
    toc.write_text(
        toc.read_text().replace("  - file: book/run", "  - file: book/louder\n  - file: book/run")
    )
    return root


def write(root, old, new):
    (root / "book" / "louder.md").write_text(LOUDER.replace(old, new))


def test_it_is_a_chapter_of_its_own_that_no_number_means(variant_book):
    book = Book.open(variant_book)
    assert [chapter.name for chapter in book.chapters] == ["sound", "size", "louder"]
    assert book.chapter("1").name == "sound"
    assert book.chapter("louder").base == book.chapter("sound")


def test_its_notebook_is_the_chapters_under_its_own_title(variant_book):
    base, _, louder = Book.open(variant_book).chapters
    own, theirs = louder.notebook(), base.notebook()
    assert own.cells[0].source.startswith("# Louder than")
    assert [c.source for c in own.cells if c.cell_type == "code"] == [
        c.source for c in theirs.cells if c.cell_type == "code"
    ]
    assert "# Sound" not in louder.source() and "The loudness is" in own.cells[1].source


def test_it_runs_with_its_parameters_and_says_so(variant_book):
    sound, _, louder = run_book(Book.open(variant_book), Settings())
    numbers = prose.all_numbers([sound, louder])
    assert (numbers["sound.loudness"], numbers["louder.loudness"]) == ("1.5 dB", "4 dB")
    assert sound.key != louder.key
    page = prose.page_notebook(louder)
    assert page.cells[0].source.startswith("# Louder than 4 dB?")
    assert "{doc}`1_sound`, run again with `level = 8`" in page.cells[0].source
    injected = [c for c in page.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert [cell.source.splitlines()[-1] for cell in injected] == ["level = 8"]
    assert len(page.metadata.source_map) == len(page.cells)


def test_it_runs_again_when_the_text_of_either_changes(variant_book):
    run_book(Book.open(variant_book), Settings())
    write(variant_book, "but louder", "only louder")
    assert [each.fresh for each in run_book(Book.open(variant_book), Settings())] == [
        False,
        False,
        True,
    ]
    path = variant_book / "book" / "1_sound.md"
    path.write_text(path.read_text().replace("The loudness is", "Its loudness is"))
    fresh = [each.fresh for each in run_book(Book.open(variant_book), Settings())]
    assert fresh == [True, False, True]


def test_it_follows_its_chapter_but_in_what_it_sets_itself(variant_book):
    book = Book.open(variant_book)
    asked = {"sound.level": 1, "sound.gain": 2}
    assert parameters.resolve(book, asked)["louder"] == {"gain": 2.0}
    asked |= {"louder.gain": 3, "louder.level": 9}
    chosen = parameters.resolve(book, asked)
    assert chosen["sound"] == {"level": 1, "gain": 2.0}
    assert chosen["louder"] == {"gain": 3.0, "level": 9}


def test_the_page_on_the_run_lists_it(variant_book):
    text = run_page.markdown(Settings(), run_book(Book.open(variant_book), Settings()))
    assert "louder, another run of 1_sound" in text
    assert "| `louder.level` | `8` | as declared |" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1_sound\n  p", "1_noise\n  p", r"louder\.md: there is no chapter '1_noise' beside it"),
        ("1_sound\n  p", "run\n  p", "there is no chapter 'run'"),
        ("level: 8", "volume: 8", "'louder' has no 'volume'; it has level, gain, loud, words"),
        ("level: 8", "data: x", "has no 'data'"),
        ("level: 8", "level: loud", "'level in louder.md': 'loud' is not a whole number"),
        ("level: 8", "level: [8]", "is not a number, true, false or text"),
        ("    level: 8\n", "", "parameters must be lines like"),
        ("  chapter: 1_sound\n", "", "name a chapter and its parameters"),
        ("# Louder than", "Louder than", "must begin with a title"),
        ("kws:", "kws: [", "cannot be read as YAML"),
    ],
)
def test_a_head_that_is_wrong_is_one_line(variant_book, old, new, message):
    write(variant_book, old, new)
    with pytest.raises(InputError, match=message) as caught:
        run_book(Book.open(variant_book), Settings())
    assert "\n" not in str(caught.value)


def test_targets_of_links_stay_the_chapters_alone():
    chapter = "---\na: b\n---\n\n# Base\n\n(here)=\n## Part\n\n$$\nx\n$$ (sum)\n\n:name: picture\n"
    text = variant.compose("# Own", chapter)
    assert "(here)=" not in text and "(sum)" not in text and ":name:" not in text
    assert text.startswith("---\na: b\n---\n") and "## Part" in text and "# Base" not in text


def test_other_pages_have_no_such_head(tmp_path):
    for text in ("# Title\n", "---\na: b\n---\n# Title\n", "---\n- a\n---\n"):
        assert variant.head_of(text, tmp_path) is None


def test_a_site_of_it_and_of_it_alone(variant_book, capfd):
    says = [].append
    built = build_site(variant_book, Settings(parameters={"sound.gain": 2}), says)
    page = (built.site / "book" / "louder.html").read_text(encoding="utf-8")
    assert "The loudness is 16 dB." in page and '_sources/book/louder.ipynb"' in page
    assert 'href="1_sound.html"' in page
    alone = build_chapter(variant_book, Settings(parameters={"sound.gain": 2}), says, "louder")
    assert [each.chapter.name for each in alone.chapters] == ["louder"]
    assert not alone.chapters[0].fresh, "the whole report ran it with the same parameters"
    page = alone.page.read_text(encoding="utf-8")
    assert "The loudness is 16 dB." in page
    # the chapter it links to is no part of this site: its title stands there, without a warning
    assert "<em>Sound</em>" in page and 'href="1_sound.html"' not in page
    assert "WARNING" not in capfd.readouterr().err
