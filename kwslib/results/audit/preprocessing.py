"""Section 1 of the original: pictures of sound."""

from kwslib.measurements import select
from kwslib.results.audit.evidence import Evidence
from kwslib.results.audit.line import Line, Reason
from kwslib.results.over_seeds import points
from kwslib.training.summary import listed, percent

TITLE = "Preprocessing"


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    return [_pictures(evidence), _which(evidence)]


def _separation(evidence: Evidence) -> dict[str, float]:
    records = select(evidence.read("chapters/preprocessing.json"), "separation_accuracy")
    return {str(record.subject["kind"]): float(record.value) for record in records}


def _pictures(evidence: Evidence) -> Line:
    kinds = [kind for kind in _separation(evidence) if not kind.endswith("u8")]
    ours = f"Chapter 1 draws {len(kinds)} of any recording: {listed(kinds)}." if kinds else ""
    return Line(
        "Pictures of one's own recording", evidence.claim("pictures"), ours,
        "kws report --chapter 1 -p preprocessing.clip=me.wav",
    )  # fmt: skip


def _which(evidence: Evidence) -> Line:
    found = _separation(evidence)
    ours = ""
    reasons: tuple[Reason, ...] = ()
    if found:
        ranked = sorted(found, key=lambda kind: -found[kind])
        told = [f"{kind} {percent(found[kind])}" for kind in ranked]
        ours = f"Words that a linear classifier tells apart by each picture: {listed(told)}."
        reasons = (
            Reason(
                "The DCT of an MFCC turns the log-mel image and cuts it: what a linear classifier "
                f"gets changes by {points(found['mfcc'] - found['logmel'])}. The logarithm before "
                f"it does more: {points(found['logmel'] - found['mel'])}.",
                "shown",
            ),
        )
    return Line(
        "Which picture works better", evidence.claim("which"), ours,
        "python -m kwslib.studies.preprocessing DIR", reasons=reasons,
    )  # fmt: skip
