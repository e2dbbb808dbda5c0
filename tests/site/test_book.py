from types import SimpleNamespace

import pytest
from docutils import nodes
from sphinx.addnodes import pending_xref

from kwslib.errors import InputError
from kwslib.site.book import Book, as_notebook, title_of
from kwslib.site.extension import name_absent_page


def test_chapters_are_the_pages_with_code_in_reading_order(root):
    book = Book.open(root)
    assert book.pages == ("book/index", "book/1_sound", "book/2_size", "book/run")
    assert [chapter.name for chapter in book.chapters] == ["sound", "size"]


@pytest.mark.parametrize("asked", ["1", "sound", "1_sound"])
def test_a_chapter_is_found_by_number_name_and_stem(root, asked):
    assert Book.open(root).chapter(asked).page == "book/1_sound"


def test_an_unknown_chapter_is_refused_naming_the_others(root):
    with pytest.raises(InputError, match=r"no chapter '7'.*sound, size"):
        Book.open(root).chapter("7")


def test_nested_tables_of_contents_are_read(root):
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n"
        "- chapters:\n  - file: book/1_sound\n    sections:\n    - file: book/2_size\n"
    )
    assert Book.open(root).pages == ("book/index", "book/1_sound", "book/2_size")


def test_a_listed_page_that_does_not_exist_is_refused(root):
    (root / "book" / "run.md").unlink()
    with pytest.raises(InputError, match="book/run"):
        Book.open(root)


def test_plain_markdown_becomes_one_cell(root):
    notebook = as_notebook("# Title\n\ntext\n", root / "page.md")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown"]


@pytest.mark.parametrize(
    ("text", "title"),
    [("# One\n\n## Two\n", "One"), ("---\na: b\n---\n\n#  One \n", "One"), ("no title\n", "")],
)
def test_the_title_of_a_page(text, title):
    assert title_of(text) == title


def test_a_link_to_a_page_that_is_not_built_becomes_its_title(root):
    app = SimpleNamespace(srcdir=root)

    def link(target, explicit=False):
        facts = {"refdomain": "std", "reftype": "doc", "refdoc": "book/2_size"}
        node = pending_xref("", reftarget=target, refexplicit=explicit, **facts)
        return name_absent_page(app, None, node, nodes.inline("", "here"))

    assert link("1_sound").astext() == "Sound"
    assert link("1_sound", explicit=True).astext() == "here"
    assert link("7_missing") is None
