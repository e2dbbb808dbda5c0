"""Section 4 of the original: the board, and trials with one's own voice."""

from typing import Any

from kwslib.config import NANO33BLE
from kwslib.cost.gpu import recorded
from kwslib.field.scores import Share, successes
from kwslib.field.study import FieldStudy, original, read_study
from kwslib.field.trials import NONE
from kwslib.measurements import Record, select
from kwslib.results.audit.evidence import NETWORK, Evidence
from kwslib.results.audit.line import Line, Reason
from kwslib.results.audit.size import host_us
from kwslib.results.literature import repository_of
from kwslib.training.summary import interval_text, listed

TITLE = "The board"

_PROFILE = f"kws profile {NETWORK} --target emulator"
_PHYSICAL = "python -m kwslib.bench.physical"
_FIELD = (
    f"kws field-test {NETWORK} --target emulator --recordings runs/flite "
    f"--out measurements/field/{NETWORK}.json"
)
_HISSES = ("sss", "spoken s")


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    return [
        _run_time(evidence), _parts(evidence), _slower(evidence), _trials(evidence),
        _hiss(evidence), _own_keyword(evidence),
    ]  # fmt: skip


def _stages(evidence: Evidence) -> dict[str, Any]:
    """Costs of a decision on the emulated board, by stage."""
    records = select(evidence.read(f"board/{NETWORK}-emulator.json"), "profile")
    return dict(records[0].value["stages"]) if records else {}


def _claimed_us(evidence: Evidence, target: str) -> float:
    (claim,) = (
        record
        for record in select(evidence.read("original_report.json"), "run_time")
        if record.target == target
    )
    return float(claim.value)


def _ms(value: Any) -> str:
    return " to ".join(f"{each:g}" for each in value) if isinstance(value, list) else f"{value:g}"


def _run_time(evidence: Evidence) -> Line:
    stages = _stages(evidence)
    clock = f"{NANO33BLE.clock_hz // 1_000_000} MHz"
    ours = f"{stages['network']['us'] / 1000:.1f} ms, modelled at {clock}" if stages else ""
    return Line(
        "Run time of the network on the board",
        f"{_claimed_us(evidence, 'serial') / 1000:.0f} ms on average", ours, _PROFILE,
        others=_other_boards(evidence), reasons=_kernels(evidence),
    )  # fmt: skip


def _other_boards(evidence: Evidence) -> str:
    records = select(evidence.read("board/published.json"), "run_time", stage="network")
    known = [
        f"{_ms(record.value)} ms ({repository_of(record.source)})"
        for record in records
        if record.subject.get("channels", 8) == 8 and record.source.startswith("github")
    ]
    tiny = [
        f"{record.value:g} ms for {record.subject['macs'] / 1e6:.3g} M multiply-accumulates, "
        f"{record.subject['runtime']}{f', {record.machine}' if record.machine else ''} "
        f"({repository_of(record.source)})"
        for record in evidence.others("run_time", task="ten_words")
    ]
    return "; ".join([*known, *tiny])


def _kernels(evidence: Evidence) -> tuple[Reason, ...]:
    physical: list[Record] = evidence.read("board/published.json")
    cycles = select(physical, "cycles_with_flash_waits", model="tiny_conv")
    if not cycles:
        return (Reason("The kernels: not measured yet.", "open", _PHYSICAL),)
    library = f"{1000 * cycles[0].value / NANO33BLE.clock_hz:.0f} ms"
    return (
        Reason(
            f"The kernels: {cycles[0].subject['runtime']}, on the same emulated board and with "
            f"waits for flash, takes {library} for this network. The C of this report packs four "
            "products into a multiplication and keeps the taps in RAM.", "shown", _PHYSICAL,
        ),
        Reason(
            f"What is between {library} and the report's time is the interpreter around the "
            "kernels, or more than the network was timed.", "guess",
        ),
    )  # fmt: skip


def _parts(evidence: Evidence) -> Line:
    stages = _stages(evidence)
    names = {"features": "front end a frame", "network": "network", "postprocess": "postprocessing"}
    told = [f"{text} {stages[name]['us']:,.1f} µs" for name, text in names.items() if stages]
    return Line(
        "Preprocessing, network, postprocessing", evidence.claim("postprocessing"),
        f"{listed(told)}, modelled" if told else "", _PROFILE,
    )  # fmt: skip


def _slower(evidence: Evidence) -> Line:
    board = _claimed_us(evidence, "serial")
    cpu, gpu = (board / _claimed_us(evidence, each) for each in ("cpu", "cuda"))
    stages = _stages(evidence)
    ours = f"{stages['network']['us'] / host_us():.0f} times this machine's CPU" if stages else ""
    if ours and (gpu_time := recorded("tiny_conv")):
        times = stages["network"]["us"] / gpu_time.median.value
        ours += f", {times:.0f} times {gpu_time.median.machine}, launched layer by layer"
    return Line(
        "How much slower the board is", f"{cpu:.0f} times the CPU, {gpu:,.0f} times the GPU, by "
        "the report's own times", ours, _PROFILE,
        reasons=(
            Reason(
                "Our board computes in integers, with code made for this network; PyTorch's time "
                "for so small a network is mostly that of calling each layer.", "guess",
            ),
        ),
    )  # fmt: skip


def _study(evidence: Evidence) -> FieldStudy | None:
    path = evidence.folder / "field" / f"{NETWORK}.json"
    return read_study(path) if path.exists() else None


def _share(share: Share) -> str:
    return f"{share.count} of {share.trials} (95 % interval {interval_text(share.interval)})"


def _trials(evidence: Evidence) -> Line:
    claims = {word: original(word) for word in ("yes", "no")}
    study = _study(evidence)
    told = [f"{word} {_share(successes(each))}" for word, each in study.by_keyword().items()] \
        if study else []  # fmt: skip
    widest = max((claim.interval for claim in claims.values()), key=lambda each: each[1] - each[0])
    return Line(
        "Trials by voice",
        f"{listed([f'{word} {each.count}/{each.trials}' for word, each in claims.items()])}. "
        f"{evidence.claim('lines_up')}",
        f"{listed(told)}, voices of another synthesiser on the emulated board" if told else "",
        _FIELD,
        reasons=(
            Reason(
                f"Ten trials line up with almost anything: an interval of theirs is "
                f"{interval_text(widest)}.", "counted",
            ),
            Reason("A voice, a room and a microphone of one's own are not those of the data.",
                   "guess"),
        ),
    )  # fmt: skip


def _hiss(evidence: Evidence) -> Line:
    study = _study(evidence)
    trials = [trial for trial in study.of(NONE) if trial.kind in _HISSES] if study else []
    taken = sum(trial.detected == "yes" for trial in trials)
    ours = f"{taken} of {len(trials)} recordings of a hissed s are taken for yes" if trials else ""
    reasons = (
        Reason(
            "Few clips of the data are a lone s, so nothing teaches a network that it is no yes; "
            "neither network was trained on any.", "guess",
        ),
    )  # fmt: skip
    return Line("A hissed s", evidence.claim("hiss"), ours, _FIELD, reasons=reasons)


def _own_keyword(evidence: Evidence) -> Line:
    found = evidence.read("published/tiny_conv-yes_no_left.json")
    ours = "The page after the chapters trains any further keyword; left is published."
    return Line(
        "A keyword of one's own, and a notebook that trains it",
        "Extra credit; the report has left.", ours if found else "",
        "kws report --chapter training_extra -p training_extra.keywords=yes,no,marvin",
    )  # fmt: skip
