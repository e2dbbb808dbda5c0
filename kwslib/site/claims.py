"""Sentences of the text that depend on numbers: decided before a page is written, and shown."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from typing_extensions import override

from kwslib.files import write_json
from kwslib.site.engine import claim_codes, claims_in
from kwslib.site.execute import ChapterError, ExecutedChapter
from kwslib.site.marks import Block, MarkedClaim, first_line, is_covered, operands

CLASS = "claim"
"""Of a sentence: ``[Eight bits lose nothing.]{.claim #eight-bits}``."""


@dataclass(frozen=True)
class Claim(MarkedClaim):
    """A marked sentence with what this run says of it.

    Attributes:
        condition: on which it is true.
        over: ``"records"`` or ``"run"``: what decides.
        holds: whether it is true.
        found: the values of what the condition compares, by their Python.
    """

    condition: str
    over: str
    holds: bool
    found: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.condition} does not hold: {self.values}"

    @property
    def values(self) -> str:
        """What the condition compares, readable."""
        return ", ".join(f"{part} = {value}" for part, value in self.found.items())


def absent_blocks(executed: ExecutedChapter) -> list[Block]:
    """The blocks of a chapter whose conditions do not hold in this run.

    Raises:
        ChapterError: a condition cannot be evaluated.
    """
    what = "the condition of the block, {}, cannot be evaluated"
    return [
        block
        for block in executed.marks.blocks
        if not executed.value(block.code, block.line, what.format(block.condition))
    ]


def decide(executed: ExecutedChapter) -> tuple[list[Block], list[Claim]]:
    """The blocks that a run leaves out, and its claims.

    Raises:
        ChapterError: an expression, a condition or a claim fails, or a sentence is wrong.
    """
    absent = absent_blocks(executed)
    marks, notebook = executed.marks, executed.notebook
    for each in marks.expressions:
        if not is_covered(each.line, absent):
            executed.value(each.code, each.line, f"{{eval}}`{each.text}`")
    stated = {
        claim["label"]: claim
        for number, cell in enumerate(notebook.cells)
        if not is_covered(first_line(notebook, number), absent)
        for claim in claims_in(cell)
    }
    marked = [each for each in marks.claims if not is_covered(each.line, absent)]
    for label in stated.keys() - {claim.label for claim in marked}:
        raise ChapterError(
            f"{executed.chapter.path}: claim {label} is stated, but no sentence is marked "
            f"{{.{CLASS} #{label}}}"
        )
    claims = [_decided(executed, each, stated.get(each.label)) for each in marked]
    _check(executed, claims)
    return absent, claims


def _decided(
    executed: ExecutedChapter, marked: MarkedClaim, stated: Mapping[str, str] | None
) -> Claim:
    """A claim of the text with what this run says of it."""
    if stated is None:
        raise ChapterError(
            f"{executed.place(marked.line)}: the sentence is marked as claim {marked.label}, "
            f'which no cell states; write claim("{marked.label}", ...)'
        )
    condition = stated["condition"]
    what = f"the claim's condition, {condition}, cannot be decided"
    holds, *values = (executed.value(code, marked.line, what) for code in claim_codes(condition))
    found = dict(zip(operands(condition), map(str.strip, values), strict=True))
    return Claim(
        **asdict(marked), condition=condition, over=stated["over"], holds=holds, found=found
    )


def _check(executed: ExecutedChapter, claims: Iterable[Claim]) -> None:
    """Stop the build for sentences that are wrong where their author spoke of these numbers.

    Claims over records hold in every build but one with a reader's parameters; those over a run
    were made for the profile ``full``.
    """
    full = executed.values["profile"] == "full"
    wrong = [each for each in claims if not each.holds and (each.over == "records" or full)]
    if wrong and not executed.asked:
        raise ChapterError(
            "\n".join(
                f"{executed.place(each.line)}: not true: {each.sentence}\n  {each}"
                for each in wrong
            )
        )


RECORD = Path("book", "claims.json")
"""In the repository: what the claims found in the last run of ``full`` that was recorded."""


def record_claims(root: Path, claims: Mapping[str, Sequence[Claim]], run: str) -> Path:
    """Write what each claim found, for the tests to decide claims over a run without one.

    Args:
        root: the repository.
        claims: by chapter.
        run: on what data, when and by which code.
    """
    found = {
        chapter: {
            each.label: {"condition": each.condition, "over": each.over, "found": each.found}
            for each in own
        }
        for chapter, own in claims.items()
        if own
    }
    write_json(root / RECORD, {"run": run, "claims": found})
    return root / RECORD


def holds_with(condition: str, found: Mapping[str, str]) -> bool:
    """Whether a condition is true of recorded values of what it compares.

    Raises:
        KeyError: a value is not recorded.

    >>> holds_with("low(a) > 0 and not b < 3", {"low(a)": "0.5", "b": "4"})
    True
    """
    parts = operands(condition)

    class Recorded(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            part = ast.unparse(node) if isinstance(node, ast.expr) else ""
            if part not in parts:
                return self.generic_visit(node)
            return ast.parse(repr(_literal(found[part])), mode="eval").body

    tree: ast.Expression = Recorded().visit(ast.parse(condition, mode="eval"))
    code = compile(ast.fix_missing_locations(tree), condition, "eval")
    return bool(eval(code, {"__builtins__": {}}))  # noqa: S307  # of our own chapters


def _literal(text: str) -> Any:
    """A recorded value; what is no number, truth value or list is text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class ShowClaims(SphinxTransform):
    """Marks the sentences that do not hold in this run, and counts all at the foot."""

    default_priority = 410

    @override
    def apply(self, **kwargs: Any) -> None:
        page = self.app.kws_report.pages.get(self.env.docname)  # type: ignore[attr-defined]
        claims: Mapping[str, Claim] = page.claims if page else {}
        if not claims:
            return
        for node in list(self.document.findall(nodes.inline)):
            claim = claims.get(node["ids"][0]) if CLASS in node["classes"] and node["ids"] else None
            if claim and not claim.holds:
                node["classes"].append("kws-open")
                text = f"Not so in this run: {claim.values}"
                margin = nodes.sidebar(
                    "", nodes.paragraph("", text), classes=["margin", "kws-open"]
                )
                parent = node.parent.parent
                parent.insert(parent.index(node.parent), margin)
        held = sum(claim.holds for claim in claims.values())
        text = f"Claims on this page: {len(claims)}. True in this run: {held}."
        foot = nodes.paragraph("", text, classes=["kws-claims"])
        sections = list(self.document.findall(nodes.section))
        (sections[-1] if sections else self.document).append(foot)
