"""Sentences of the text that depend on numbers: decided before a page is written, and shown."""

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from typing_extensions import override

from kwslib.files import write_json
from kwslib.site.engine import ValueMissingError, claim_codes, claims_in, value_of
from kwslib.site.execute import ChapterError, ExecutedChapter
from kwslib.site.marks import Block, operands

CLASS = "claim"
"""Of a sentence: ``[Eight bits lose nothing.]{.claim #eight-bits}``."""


@dataclass(frozen=True)
class Claim:
    """A sentence with what this run says of it.

    Attributes:
        label: its own.
        sentence: as the text has it.
        line: of the source.
        condition: on which it is true.
        over: ``"records"`` or ``"run"``: what decides.
        holds: whether it is true.
        found: the values of what the condition compares, by their Python.
    """

    label: str
    sentence: str
    line: int
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
    found = []
    for block in executed.marks.blocks:
        try:
            if not value_of(executed.run.values, block.code):
                found.append(block)
        except ValueMissingError as error:
            raise ChapterError(
                f"{executed.place(block.line)}: the condition of the block, {block.condition}, "
                f"cannot be evaluated: {error}"
            ) from error
    return found


def check_values(executed: ExecutedChapter, absent: Collection[Block]) -> None:
    """Refuse expressions without a value, but for those of absent blocks.

    Raises:
        ChapterError: an expression failed.
    """
    for expression in executed.marks.expressions:
        if executed.marks.block_of(expression.line, executed.notebook) in absent:
            continue
        try:
            value_of(executed.run.values, expression.code)
        except ValueMissingError as error:
            raise ChapterError(
                f"{executed.place(expression.line)}: {{eval}}`{expression.text}`: {error}"
            ) from error


def claims_of(executed: ExecutedChapter, absent: Collection[Block]) -> list[Claim]:
    """The claims of a chapter's text, decided.

    Raises:
        ChapterError: a claim is marked and not stated, or the other way round, or cannot be
            decided.
    """
    stated = {
        claim["label"]: claim
        for number, cell in enumerate(executed.notebook.cells)
        if not any(block.covers(number) for block in absent)
        for claim in claims_in(cell)
    }
    marked = [
        claim
        for claim in executed.marks.claims
        if executed.marks.block_of(claim.line, executed.notebook) not in absent
    ]
    for label in stated.keys() - {claim.label for claim in marked}:
        raise ChapterError(
            f"{executed.chapter.path}: claim {label} is stated, but no sentence is marked "
            f"{{.{CLASS} #{label}}}"
        )
    found = []
    for each in marked:
        if each.label not in stated:
            raise ChapterError(
                f"{executed.place(each.line)}: the sentence is marked as claim {each.label}, "
                f'which no cell states; write claim("{each.label}", ...)'
            )
        claim = stated[each.label]
        holds, values = _decide(executed, each.line, claim["condition"])
        found.append(
            Claim(each.label, each.sentence, each.line, claim["condition"], claim["over"], holds,
                  values)
        )  # fmt: skip
    return found


def _decide(executed: ExecutedChapter, line: int, condition: str) -> tuple[bool, dict[str, str]]:
    decision, *parts = claim_codes(condition)
    try:
        holds = bool(value_of(executed.run.values, decision))
        values = [value_of(executed.run.values, part).strip() for part in parts]
    except ValueMissingError as error:
        raise ChapterError(
            f"{executed.place(line)}: the claim's condition, {condition}, cannot be decided: "
            f"{error}"
        ) from error
    return holds, dict(zip(operands(condition), values, strict=True))


def check_claims(executed: ExecutedChapter, claims: Iterable[Claim]) -> None:
    """Stop the build for sentences that are wrong where their author spoke of these numbers.

    Claims over records hold in every build but one with a reader's parameters; those over a run
    were made for the profile ``full``.

    Raises:
        ChapterError: a sentence is wrong.
    """
    if executed.asked:
        return
    full = executed.values["profile"] == "full"
    wrong = [each for each in claims if not each.holds and (each.over == "records" or full)]
    if wrong:
        raise ChapterError(
            "\n".join(
                f"{executed.place(each.line)}: not true: {each.sentence}\n  {each}"
                for each in wrong
            )
        )


def decide(executed: ExecutedChapter) -> tuple[list[Block], list[Claim]]:
    """The blocks that a run leaves out, and its claims.

    Raises:
        ChapterError: an expression, a condition or a claim fails, or a sentence is wrong.
    """
    absent = absent_blocks(executed)
    check_values(executed, absent)
    claims = claims_of(executed, absent)
    check_claims(executed, claims)
    return absent, claims


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
    names = {part: f"value_{number}" for number, part in enumerate(operands(condition))}

    class Recorded(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            name = names.get(ast.unparse(node)) if isinstance(node, ast.expr) else None
            return ast.Name(name, ast.Load()) if name else self.generic_visit(node)

    tree: ast.Expression = Recorded().visit(ast.parse(condition, mode="eval"))
    code = compile(ast.fix_missing_locations(tree), condition, "eval")
    values = {name: _literal(found[part]) for part, name in names.items()}
    return bool(eval(code, {"__builtins__": {}}, values))  # noqa: S307  # of our own chapters


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
                parent = node.parent.parent
                parent.insert(parent.index(node.parent), _margin(claim))
        held = sum(claim.holds for claim in claims.values())
        text = f"Claims on this page: {len(claims)}. True in this run: {held}."
        foot = nodes.paragraph("", text, classes=["kws-claims"])
        sections = list(self.document.findall(nodes.section))
        (sections[-1] if sections else self.document).append(foot)


def _margin(claim: Claim) -> nodes.sidebar:
    sidebar = nodes.sidebar("", classes=["margin", "kws-open"])
    sidebar += nodes.paragraph("", "", nodes.Text(f"Not so in this run: {claim.values}"))
    return sidebar
