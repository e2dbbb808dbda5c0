"""Section 5 of the original: few bits."""

from collections.abc import Sequence

from kwslib.measurements import Record, select
from kwslib.quantize.methods import number_of
from kwslib.quantize.minifloat import Minifloat
from kwslib.results.audit.evidence import NETWORK, Evidence, average, cited
from kwslib.results.audit.line import Line, Reason
from kwslib.results.sweeps import sweep_command
from kwslib.training.summary import listed, percent

TITLE = "Quantization"

_BITS = range(2, 9)
_FEW = (2, 3, 4)
_NEAR = 0.01
"""Accuracies this close are told as equal: a point."""

_EXPLAINS = 0.5
"""Share of what training gains that a mistake must take away to explain the original."""


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    return [_functions(evidence), _widths(evidence), _minifloat(evidence)]


def _command(kind: str) -> str:
    return sweep_command("quantization", kind, NETWORK)


def _sweep(evidence: Evidence, kind: str) -> list[Record]:
    records = evidence.read(f"sweeps/quantization-{kind}-{NETWORK}.json")
    return select(records, "accuracy", split="testing")


def _at(records: Sequence[Record], method: str, bits: int) -> float:
    """Mean over seeds where weights and activations have as many bits."""
    width = str(bits)
    return average(select(records, "accuracy", method=method, weights=width, activations=width))


def _functions(evidence: Evidence) -> Line:
    return Line(
        "The missing functions", evidence.claim("functions"),
        "Chapter 5 has each, with a small example that can be followed by hand and the slope that "
        "training takes. Our symmetric integers leave out the lowest, as TensorFlow Lite does.",
        "kws report --chapter 5",
    )  # fmt: skip


def _widths(evidence: Evidence) -> Line:
    records = _sweep(evidence, "widths")
    ours = ""
    if records:
        gains = {bits: _at(records, "qat", bits) - _at(records, "ptq", bits) for bits in _BITS}
        told = [
            f"{bits} bits {percent(_at(records, 'ptq', bits))} after, "
            f"{percent(_at(records, 'qat', bits))} within"
            for bits in _BITS
        ]
        ahead = [str(bits) for bits, gain in gains.items() if gain > _NEAR]
        ours = f"{'; '.join(told)}. Within training is ahead by more than a point at "
        ours += f"{listed(ahead)} bits: where bits are few." if ahead else "no width."
    named = {"ptq": "after training", "qat": "within training"}
    others = "; ".join(
        f"{bits} bits {named[method]} {cited(found, percent)}"
        for bits in _BITS
        for method in named
        if (found := evidence.others("accuracy", task="yes_no", bits=bits, method=method))
    )
    return Line(
        "Accuracy by bits, 2 to 8, after training and within it", evidence.claim("widths"), ours,
        _command("widths"), others=others, reasons=_causes(evidence),
    )  # fmt: skip


def _causes(evidence: Evidence) -> tuple[Reason, ...]:
    """Both suspected mistakes, each judged by whether it takes away what training gains."""
    texts = {
        "overwriting": "Training that overwrites its float weights with what they are rounded to",
        "unclipped": "Gradients let through where numbers were clamped",
        "both": "Both together",
    }
    records, command = _sweep(evidence, "ablations"), _command("ablations")
    if not records:
        return tuple(
            Reason(f"{text}: not measured yet.", "open", command) for text in texts.values()
        )
    return tuple(_cause(records, method, text) for method, text in texts.items())


def _cause(records: Sequence[Record], method: str, text: str) -> Reason:
    """It explains the original where it takes away half of what training gains, or more."""
    right, mistaken, after = (
        {bits: _at(records, each, bits) for bits in _FEW}
        for each in ("observed", method, "uncorrected")
    )
    told = [
        f"{bits} bits {percent(mistaken[bits])} instead of {percent(right[bits])} "
        f"(after training {percent(after[bits])})"
        for bits in _FEW
    ]
    lost = sum(right.values()) - sum(mistaken.values())
    share = max(0.0, lost / (sum(right.values()) - sum(after.values())))
    return Reason(
        f"{text}: {listed(told)}, which takes away {percent(share, 0)} of what training gains "
        "there.",
        "shown" if share >= _EXPLAINS else "not borne out", _command("ablations"),
    )  # fmt: skip


def _minifloat(evidence: Evidence) -> Line:
    records = select(_sweep(evidence, "minifloat"), "accuracy", method="ptq")
    formats = {str(record.subject["weights"]) for record in records}
    by_bits: dict[int, list[tuple[float, str]]] = {}
    for name in formats:
        number = number_of(name)
        if isinstance(number, Minifloat):
            accuracy = average(select(records, "accuracy", weights=name))
            by_bits.setdefault(number.bits, []).append((accuracy, name))
    best = {bits: max(found) for bits, found in sorted(by_bits.items())}
    told = [f"{bits} bits {name} {percent(value)}" for bits, (value, name) in best.items()]
    return Line(
        "Small floats", evidence.claim("minifloat"),
        f"The best of each size after training: {listed(told)}." if told else "",
        _command("minifloat"),
    )  # fmt: skip
