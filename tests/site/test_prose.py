import nbformat
import pytest

from kwslib.site import prose
from kwslib.site.book import Book
from kwslib.site.execute import run_book
from kwslib.site.settings import Settings


@pytest.fixture(scope="module")
def chapters(tmp_path_factory, make_book):
    root = make_book(tmp_path_factory.mktemp("book"))
    return run_book(Book.open(root), Settings(parameters={"sound.level": 8}))


def test_numbers_stand_in_prose_and_tables_of_the_page(chapters):
    notebook = prose.page_notebook(chapters[0])
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "The loudness is 4 dB." in text
    assert "| loudness | 4 dB |" in text
    assert "{glue:text}" not in text


def test_all_numbers_are_named_by_their_chapter(chapters):
    numbers = prose.all_numbers(chapters)
    assert numbers["sound.loudness"] == "4 dB"
    assert numbers["size.answer"] == "42"
    assert numbers["sound.picture"].startswith('<div class="kws-chart"')


def test_code_is_folded_but_for_the_parameters(chapters):
    notebook = prose.page_notebook(chapters[0])
    code = [cell.metadata.tags for cell in notebook.cells if cell.cell_type == "code"]
    assert code == [
        ["parameters"],
        ["injected-parameters"],
        ["hide-input"],
        ["picture", "hide-input"],
    ]


def test_every_cell_keeps_a_line_number(chapters):
    notebook = prose.page_notebook(chapters[0])
    lines = notebook.metadata.source_map
    assert len(lines) == len(notebook.cells)
    assert lines == sorted(lines)


def test_the_page_is_a_valid_notebook_and_leaves_the_kept_run_alone(chapters):
    before = nbformat.writes(chapters[0].notebook)
    nbformat.validate(prose.page_notebook(chapters[0]))
    assert nbformat.writes(chapters[0].notebook) == before


def test_a_missing_number_is_named_with_those_there_are():
    with pytest.raises(prose.MissingNumberError, match=r"page asks for the number 'b'.*: a"):
        prose.fill("{glue:text}`b`", {"a": "1"}, "page")


def test_a_number_is_plain_text_whatever_markdown_makes_of_it():
    filled = prose.fill("{glue:text}`labels`", {"labels": "_silence_, *yes* | $2"}, "page")
    assert filled == r"\_silence\_, \*yes\* \| \$2"


def test_a_picture_stays_html():
    assert prose.fill("{glue:text}`size.picture`", {"size.picture": "<svg>"}, "index") == "<svg>"


def test_a_number_and_its_unit_stay_on_one_line():
    numbers = {"share": "3.1 % of 256 kB in 20 ms", "count": "12 samples, 3 speakers"}
    filled = prose.fill("{glue:text}`share` and {glue:text}`count`", numbers, "here")
    assert filled == "3.1\u00a0% of 256\u00a0kB in 20\u00a0ms and 12 samples, 3 speakers"
