from copy import deepcopy

import nbformat
import pytest

from kwslib.results.page import CLAIM_MIME
from kwslib.site.book import Book
from kwslib.site.claims import absent_blocks
from kwslib.site.engine import ValueMissingError
from kwslib.site.execute import ChapterError, run_book
from kwslib.site.pages import Page, page_notebook, shown_values, typeset, value_text
from kwslib.site.settings import Settings


@pytest.fixture(scope="module", params=[8, 3], ids=["loud", "quiet"])
def executed(request, tmp_path_factory, make_book):
    root = make_book(tmp_path_factory.mktemp("book"))
    return run_book(Book.open(root), Settings(parameters={"sound.level": request.param}))[0]


@pytest.fixture(scope="module")
def notebook(executed):
    return page_notebook(executed, absent_blocks(executed))


def is_loud(executed):
    return executed.values["level"] > 5


def test_blocks_are_there_if_their_condition_holds(executed, notebook):
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "% if" not in text and "% end if" not in text
    for part in ("A loud page", "display(bar)"):
        assert (part in text) == is_loud(executed)


def test_claims_are_no_outputs_of_the_page_and_the_run_is_left_alone(executed, notebook):
    before = nbformat.writes(executed.notebook)
    assert CLAIM_MIME in before and CLAIM_MIME not in nbformat.writes(notebook)
    nbformat.validate(page_notebook(executed, []))
    assert nbformat.writes(executed.notebook) == before


def test_a_chart_says_how_its_numbers_came_about(executed, notebook):
    shown = "".join(
        out.data["text/html"]
        for cell in notebook.cells
        for out in cell.get("outputs", ())
        if "kws-chart" in out.get("data", {}).get("text/html", "")
    )
    assert ("drawn by chapter 1_sound from embedded speech" in shown) == is_loud(executed)


def test_every_cell_keeps_a_line_number(notebook):
    lines = notebook.metadata.source_map
    assert len(lines) == len(notebook.cells) and lines == sorted(lines)


def test_values_are_told_as_they_are_shown(executed):
    shown = shown_values(executed)
    assert shown["loudness"] == f"{executed.values['level'] / 2:g}\N{NO-BREAK SPACE}dB"
    assert ("1 / loud_by:.2f" in shown) == is_loud(executed)


def test_a_page_has_its_claims_and_figures(executed):
    page = Page.of(executed)
    assert page.claims["above-zero"].holds
    assert list(page.figures) == (["fig-bar", "tab-bar"] if is_loud(executed) else [])


def test_a_figure_without_alternative_text_is_named_with_its_line(executed):
    if not is_loud(executed):
        return
    wrong = deepcopy(executed)
    figure = next(cell for cell in wrong.notebook.cells if "mystnb" in cell.metadata)
    del figure.metadata["mystnb"]["image"]
    with pytest.raises(ChapterError) as caught:
        Page.of(wrong)
    place, _, message = str(caught.value).partition(": ")
    source = wrong.chapter.source().splitlines()
    assert place.startswith(f"{wrong.chapter.path}:")
    first = int(place.rpartition(":")[2]) - 1  # of the cell, below its fence
    assert source[first - 1].startswith("```{code-cell}")
    assert message == "fig-bar needs an alternative text, image: alt:"


SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("92.8%", f"92.8{SPACE}%"),
        ("92.8 % (95 % CI 91.3–94.1 %)", f"92.8{SPACE}% (95{SPACE}% CI 91.3–94.1{SPACE}%)"),
        ("-1.5 dB", f"−1.5{SPACE}dB"),
        ("from -3 to -1", "from −3 to −1"),
        ("60.2 ms", f"60.2{SPACE}ms"),
        ("tiny_conv-yes_no", "tiny_conv-yes_no"),
        ("2026-11-30", "2026-11-30"),
        ("E2M1", "E2M1"),
    ],
)
def test_values_are_set_as_numbers_are(text, shown):
    assert typeset(text) == shown


def test_the_value_of_an_expression_or_why_there_is_none():
    values = {
        'f"""{ a}"""': {"status": "ok", "data": {"text/plain": "' -2 points'"}},
        'f"""{ b}"""': {"status": "error", "ename": "KeyError", "evalue": "'x'"},
    }
    assert value_text(values, "a") == f"−2{SPACE}points"
    with pytest.raises(ValueMissingError, match="KeyError: 'x'"):
        value_text(values, "b")
