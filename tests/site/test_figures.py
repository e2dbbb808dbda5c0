from pathlib import Path

import nbformat
import pytest

from kwslib.results.provenance import FIELDS_MIME
from kwslib.site.execute import ChapterError
from kwslib.site.figures import figures_of

PATH = Path("page.md")


def cell(name="fig-a", caption="A caption.", alt="New words", outputs=1, **more):
    options = {"figure": {"name": name, "caption": caption}, "image": {"alt": alt}}
    html = '<div><svg aria-label="Old words"></svg></div>'
    output = nbformat.v4.new_output(
        "execute_result", {"text/html": html, FIELDS_MIME: {"data": "speech"}}
    )
    made = nbformat.v4.new_code_cell("plot()", metadata={"mystnb": options, **more})
    made.outputs = [nbformat.from_dict(output) for _ in range(outputs)]
    return made


def notebook(*cells):
    cells = [nbformat.v4.new_code_cell("x = 1"), *cells]
    lines = [10 * number for number in range(len(cells))]
    return nbformat.v4.new_notebook(cells=cells, metadata={"source_map": lines})


def test_figures_have_kind_fields_and_words_for_those_who_cannot_see_them():
    made = notebook(cell(), cell("tab-b", kws={"kind": "table"}))
    found = figures_of(made, PATH)
    assert [(each.kind, dict(each.fields)) for each in found.values()] == [
        ("figure", {"data": "speech"}),
        ("table", {"data": "speech"}),
    ]
    shown = made.cells[1].outputs[0].data["text/html"]
    assert 'aria-label="New words"' in shown and "Old words" not in shown


@pytest.mark.parametrize(
    ("cells", "number", "message"),
    [
        ([cell(name="")], 1, "a figure needs a name"),
        ([cell(caption="")], 1, "a figure needs a name and a caption"),
        ([cell(alt="")], 1, "fig-a needs an alternative text"),
        ([cell(outputs=0)], 1, "fig-a has 0 outputs"),
        ([cell(outputs=2)], 1, "fig-a has 2 outputs"),
        ([cell(), cell()], 2, "two figures are called fig-a"),
    ],
)
def test_a_figure_that_would_lose_its_caption_is_refused(cells, number, message):
    with pytest.raises(ChapterError, match=rf"^page\.md:{10 * number + 1}: {message}"):
        figures_of(notebook(*cells), PATH)
