"""The chapters as they stand: how they read, and what their code, claims and figures need."""

import ast
import itertools
import json
import re
from pathlib import Path

import pytest
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import DocutilsRenderer
from myst_parser.parsers.mdit import create_md_parser

from kwslib.site.book import Book, as_notebook
from kwslib.site.claims import RECORD, holds_with
from kwslib.site.marks import caption_of, marks_of, without_blocks

BOOK = Book.open(Path(__file__).resolve().parents[2])
CHAPTERS = [chapter for chapter in BOOK.chapters if chapter.number]
PAGES = [page for page in BOOK.pages if page.startswith("book/") and "api" not in page]
NAMES = [chapter.stem for chapter in CHAPTERS]

LEAST_CODE_LINES, LEAST_CLAIMS = 40, 8
LONGEST_CODE_LINE = 79
LONG_SENTENCE, LONGEST_SENTENCE, MOST_LONG = 25, 35, 0.05

_HIDDEN = {"hide-input", "remove-input", "remove-cell", "parameters"}
_PARSER = create_md_parser(
    MdParserConfig(enable_extensions={"amsmath", "attrs_inline", "colon_fence", "dollarmath"}),
    DocutilsRenderer,
)


def visible_code(chapter):
    return [
        cell.source
        for cell in chapter.notebook().cells
        if cell.cell_type == "code" and not _HIDDEN & set(cell.metadata.get("tags", ()))
    ]


def figures(chapter):
    for cell in chapter.notebook().cells:
        options = cell.metadata.get("mystnb", {})
        if "figure" in options:
            yield cell, options


@pytest.fixture(params=CHAPTERS, ids=NAMES)
def chapter(request):
    return request.param


def test_a_chapter_has_code_that_a_student_can_read(chapter):
    lines = [line for piece in visible_code(chapter) for line in piece.splitlines()]
    assert len([line for line in lines if line.strip() and line.strip()[0] != "#"]) >= (
        LEAST_CODE_LINES
    )
    assert [line for line in lines if len(line) > LONGEST_CODE_LINE] == []
    assert any("assert " in piece for piece in visible_code(chapter))


def stated_claims(chapter):
    """Label, condition and what decides, of every claim that a cell states."""
    for cell in chapter.notebook().cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
                    label, condition = (ast.literal_eval(arg) for arg in node.args)
                    (over,) = (ast.literal_eval(each.value) for each in node.keywords)
                    yield label, condition, over


def test_claims_are_marked_and_stated(chapter):
    marked = [claim.label for claim in marks_of(chapter.notebook()).claims]
    stated = [label for label, _, _ in stated_claims(chapter)]
    assert sorted(marked) == sorted(stated)
    assert len(marked) >= LEAST_CLAIMS


def test_claims_over_a_run_hold_on_the_values_of_the_recorded_one(chapter):
    recorded = json.loads((BOOK.root / RECORD).read_text(encoding="utf-8"))["claims"][chapter.stem]
    for label, condition, over in stated_claims(chapter):
        if over == "run" and label in recorded:
            assert recorded[label]["condition"] == condition, f"{label}: record the run again"
            assert holds_with(condition, recorded[label]["found"]), label
    over_run = {label for label, _, over in stated_claims(chapter) if over == "run"}
    assert len(over_run & recorded.keys()) >= len(over_run) / 2


OTHERS = ("-1e9", "0", "1e9", "False", "[]", "other")
"""What an altered record could make of a value."""


@pytest.mark.parametrize("page", [chapter.stem for chapter in BOOK.chapters])
def test_every_claim_fails_on_altered_values(page):
    recorded = json.loads((BOOK.root / RECORD).read_text(encoding="utf-8"))["claims"].get(page, {})
    for label, claim in recorded.items():
        assert holds_with(claim["condition"], claim["found"]), label
        altered = [
            claim["found"] | {part: other}
            for part in claim["found"]
            for other in (*OTHERS, *claim["found"].values())
        ]
        assert any(fails(claim["condition"], found) for found in altered), f"{label} cannot fail"


def fails(condition, found):
    try:
        return not holds_with(condition, found)
    except TypeError:  # another type of value cannot be compared
        return False


def test_the_first_screen_has_three_findings(chapter):
    source = chapter.source()
    before_code = source[: source.index("```{code-cell}")]
    assert len(re.findall(r"^- \[.*\]\{\.claim ", before_code, re.MULTILINE)) == 3


def test_figures_have_a_caption_other_words_for_who_cannot_see_and_a_reference(chapter):
    source = chapter.source()
    for cell, options in figures(chapter):
        name, alt = options["figure"]["name"], options["image"]["alt"]
        assert caption_of(cell).strip() and alt.strip() != caption_of(cell).strip(), name
        assert f"{{numref}}`{name}`" in source, f"{name} is not referred to"
        assert name.startswith("tab-") == (cell.metadata.get("kws", {}).get("kind") == "table")


def test_names_of_figures_are_unique_in_the_book():
    names = [options["figure"]["name"] for each in BOOK.chapters for _, options in figures(each)]
    assert sorted(set(names)) == sorted(names)


REFERENCE = re.compile(r"\{(?:numref|ref)\}`([^`]+)`")


def left_of(chapter, marks, absent):
    """Names of the figures, and of what is referred to, once some blocks are absent."""
    notebook = without_blocks(chapter.notebook(), marks, absent)
    texts = [c.source if c.cell_type == "markdown" else caption_of(c) for c in notebook.cells]
    names = {
        cell.metadata["mystnb"]["figure"]["name"]
        for cell in notebook.cells
        if "figure" in cell.metadata.get("mystnb", {})
    }
    return names, set(REFERENCE.findall("\n".join(texts)))


def combinations(conditions):
    """Each way in which the parts of conditions can hold: the conditions that do not, then."""
    parts = sorted({part for condition in conditions for part in operands_of(condition)})
    for truth in itertools.product((True, False), repeat=len(parts)):
        holds = dict(zip(parts, truth, strict=True))
        yield {c for c in conditions if not holds_if(ast.parse(c, mode="eval").body, holds)}


def operands_of(condition):
    tree = ast.parse(condition, mode="eval").body
    return {ast.unparse(node) for node in leaves_of(tree)}


def leaves_of(node):
    if isinstance(node, ast.BoolOp):
        return [leaf for value in node.values for leaf in leaves_of(value)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return leaves_of(node.operand)
    return [node]


def holds_if(node, holds):
    if isinstance(node, ast.BoolOp):
        joined = all if isinstance(node.op, ast.And) else any
        return joined(holds_if(value, holds) for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not holds_if(node.operand, holds)
    return holds[ast.unparse(node)]


def test_no_text_refers_to_what_goes_with_a_block(chapter):
    marks = marks_of(chapter.notebook())
    every, _ = left_of(chapter, marks, [])
    for false in combinations({block.condition for block in marks.blocks}):
        absent = [block for block in marks.blocks if block.condition in false]
        names, referred = left_of(chapter, marks, absent)
        assert every & referred <= names, f"without {sorted(false)}"
        elsewhere = {
            name
            for page in PAGES
            if page != chapter.page
            for name in REFERENCE.findall(BOOK.path(page).read_text(encoding="utf-8"))
        }
        assert every & elsewhere <= names, f"another page refers to what goes without {false}"


def test_three_questions_end_a_chapter_with_commands_of_its_own(chapter):
    source = chapter.source()
    questions, folded, _ = source[source.index("## Questions for the reader") :].partition(
        "{dropdown}"
    )
    commands = re.findall(r"`(kws report --chapter [^`]+)`", questions)
    assert len(re.findall(r"^\d\. ", questions, re.MULTILINE)) == 3
    assert len(commands) == 3
    declared = set(re.findall(r"^(\w+) = ", parameters_of(chapter), re.MULTILINE))
    for command in commands:
        asked = re.findall(r"-p (\w+)\.(\w+)=", command)
        assert asked and all(name in declared for _, name in asked), command
        assert {page for page, _ in asked} == {chapter.name}
    assert folded


def parameters_of(chapter):
    cells = chapter.notebook().cells
    return next(c.source for c in cells if "parameters" in c.metadata.get("tags", ()))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_takes_numbers_from_python_in_another_way(page):
    text = BOOK.path(page).read_text(encoding="utf-8")
    assert "{glue:" not in text


def sentences(text):
    """The sentences of running text."""
    text = re.sub(r"^% .*$", "", text, flags=re.MULTILINE)
    for token in _PARSER.parse(text):
        if token.type == "inline" and token.level:
            plain = re.sub(r"\{[\w:]+\}`[^`]*`", "X", token.content)
            plain = re.sub(r"\$[^$]*\$|`[^`]*`", "X", plain)
            plain = re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\](\([^)]*\)|\{[^}]*\})", r"\1", plain)
            yield from re.split(r"(?<=[.!?])\s+", plain.replace("\n", " "))


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page):
    path = BOOK.path(page)
    cells = as_notebook(path.read_text(encoding="utf-8"), path).cells
    texts = [cell.source if cell.cell_type == "markdown" else caption_of(cell) for cell in cells]
    found = [sentence for text in texts for sentence in sentences(text)]
    lengths = {sentence: len(sentence.split()) for sentence in found}
    assert [s for s, length in lengths.items() if length > LONGEST_SENTENCE] == []
    long = [s for s, length in lengths.items() if length > LONG_SENTENCE]
    assert len(long) <= MOST_LONG * len(found), "\n".join(long)
