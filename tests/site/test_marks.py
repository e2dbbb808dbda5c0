import nbformat
import pytest

from kwslib.site.book import as_notebook
from kwslib.site.marks import MarkError, is_covered, marks_of, operands, without_blocks


def notebook_of(tmp_path, head, body):
    return as_notebook(head + body, tmp_path / "page.md")


@pytest.fixture
def marks(tmp_path, site_head):
    return lambda body: marks_of(notebook_of(tmp_path, site_head, body))


@pytest.mark.parametrize(
    "text",
    [
        "A {eval}`x` here.",
        "# Title {eval}`x`",
        "- item\n  - *deep {eval}`x`*",
        "| a |\n| --- |\n| {eval}`x` |",
        "[link {eval}`x`](https://example.org)",
        "[claimed {eval}`x`]{.claim #one}",
        ":::{note}\n{eval}`x`\n:::",
        "::::{dropdown} Title\n:::{note}\n{eval}`x`\n:::\n::::",
        "```{admonition} Title\n:class: note\n{eval}`x`\n```",
        "term\n: {eval}`x`",
    ],
)
def test_an_expression_is_found_wherever_it_is_shown(marks, text):
    assert [each.text for each in marks(text).expressions] == ["x"]


@pytest.mark.parametrize(
    "text", ["```\n{eval} `x`\n```", "Write `{eval}` in front.", "$$\n\\text{eval}\n$$"]
)
def test_what_only_looks_like_one_is_none(marks, text):
    assert marks(text).expressions == ()


@pytest.mark.parametrize(
    "text",
    [
        "one\n\n| a | b |\n| --- | --- |\n| {eval}`x | y` | 1 |",
        "one\n\n$${eval}`x`$$",
        "one\n\n``{eval}`x` ``",
    ],
)
def test_an_expression_that_would_not_be_shown_as_one_is_refused_with_its_line(marks, text):
    with pytest.raises(MarkError, match=r"^\d+: \{eval\}`x.*is not read as an expression"):
        marks(text)


def test_lines_are_those_of_the_source(tmp_path, site_head):
    body = "# A\n\nfirst {eval}`a`\n\n```{code-cell} ipython3\nx = 1\n```\n\n\nsecond {eval}`b`\n"
    source = site_head + body
    found = marks_of(notebook_of(tmp_path, site_head, body))
    lines = source.splitlines()
    for each in found.expressions:
        assert f"{{eval}}`{each.text}`" in lines[each.line - 1]


def test_a_claim_has_its_label_and_sentence(marks):
    (claim,) = marks(
        "Before. [It *is* so, {eval}`x` and {cite:p}`a`.]{.claim #it-is} After."
    ).claims
    assert claim.label == "it-is"
    assert claim.sentence.startswith("It ") and claim.sentence.endswith("{cite:p}`a`.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]{.claim #One}", "small letters"),
        ("[a]{.claim}", "small letters"),
        ("[a]{.claim #one}\n\n[b]{.claim #one}", "two claims are called one"),
        ("% if x\n\ntext", "has no end"),
        ("text\n\n% end if", "has not begun"),
        ("% if x\n\n% if y\n\n% end if\n\n% end if", "begins in the one of"),
    ],
)
def test_wrong_marks_are_named(marks, text, message):
    with pytest.raises(MarkError, match=message):
        marks(text)


BLOCKS = """\
before

% if x > 3

inside

```{code-cell} ipython3
y = 1
```

still inside

% end if

after
"""


def test_an_absent_block_is_blanked_and_its_cells_go(tmp_path, site_head):
    notebook = notebook_of(tmp_path, site_head, BLOCKS)
    marks = marks_of(notebook)
    (block,) = marks.blocks
    assert (block.condition, block.code) == ("x > 3", "bool(x > 3)")
    whole = without_blocks(nbformat.from_dict(notebook), marks, [])
    assert "inside" in whole.cells[0].source and "% if" not in whole.cells[0].source
    assert len(whole.cells) == 3
    bare = without_blocks(nbformat.from_dict(notebook), marks, [block])
    text = "\n".join(cell.source for cell in bare.cells)
    assert "inside" not in text and "before" in text and "after" in text
    assert [cell.cell_type for cell in bare.cells] == ["markdown", "markdown"]


def test_the_lines_of_a_block_are_known(tmp_path, site_head):
    notebook = notebook_of(tmp_path, site_head, BLOCKS)
    marks = marks_of(notebook)
    lines = (site_head + BLOCKS).splitlines()
    for text, expected in (("before", False), ("inside", True), ("after", False)):
        assert is_covered(lines.index(text) + 1, marks.blocks) == expected


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("a > 1", ["a"]),
        ("low(a) > b and not c", ["low(a)", "b", "c"]),
        ("0 < x[1] < 3 or y", ["x[1]", "y"]),
        ("all(v > 0 for v in xs)", ["all((v > 0 for v in xs))"]),
    ],
)
def test_operands_are_what_is_compared(condition, parts):
    assert operands(condition) == parts
