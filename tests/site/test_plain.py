import nbformat
import pytest

from kwslib.site.plain import Plain, PlainError

ROLES = {
    "eval": lambda text: f"<{text}>",
    "doc": lambda name: {"3_training": "*Training*"}[name],
    "numref": lambda name: f"Figure of {name}",
    "cite:p": lambda keys: f"[{keys.upper()}]",
}
PLAIN = Plain(ROLES, frozenset({"open"}), {"fig-a": {"data": "speech"}}, lambda name: "Figure 1.1")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("A {eval}`x:.1f` b", "A <x:.1f> b"),
        ("See {doc}`the third <3_training>`, {doc}`3_training`", "See the third, *Training*"),
        ("See {numref}`fig-a` {cite:p}`one,two`.", "See Figure of fig-a [ONE,TWO]."),
        ("[It is {eval}`x`.]{.claim #held} More", "It is <x>. More"),
        ("[It is [so](a.md).]{.claim #open} More", "It is [so](a.md). (*not so in this run*) More"),
        ("`code {eval}` stays", "`code {eval}` stays"),
        ("% a comment\ntext", "text"),
        ("a\n\n```{kws-try} preview\n```\n\nb", "a\n\nb"),
        ("(label)=\n# Title", "# Title"),
        ("```python\n{eval}`x`\n```", "```python\n{eval}`x`\n```"),
        ("$$\nx^2\n$$", "$$\nx^2\n$$"),
        (":::{dropdown} What is\n:open:\n\nA {eval}`x`\n:::", "> **What is**\n>\n> A <x>"),
        ("```{note}\ntext\n```\nend", "> **Note**\n>\n> text\nend"),
        ("::::{note}\n:::{tip}\nin\n:::\n::::", "> **Note**\n>\n> > **Tip**\n> >\n> > in"),
    ],
)
def test_marks_are_written_out(text, plain):
    assert PLAIN.markdown(text).strip() == plain


@pytest.mark.parametrize("text", ["{unknown}`x`", ":::{unknown}\nx\n:::"])
def test_what_is_not_known_is_refused(text):
    with pytest.raises(PlainError, match="unknown: has no plain form"):
        PLAIN.markdown(text)


def test_captions_stand_below_their_figures_and_what_was_printed_goes():
    figure = {"figure": {"name": "fig-a", "caption": "Of {eval}`x`."}}
    cell = nbformat.v4.new_code_cell(
        "plot()", metadata={"mystnb": figure, "tags": ["remove-input"]}
    )
    cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text="50%|###")]
    made = PLAIN.notebook(nbformat.v4.new_notebook(cells=[cell]))
    nbformat.validate(made)
    assert made.cells[1].source == "*Figure 1.1.* Of <x>. (data: speech)"
    assert made.cells[0].outputs == []
    assert made.cells[0].metadata["jupyter"] == {"source_hidden": True}
