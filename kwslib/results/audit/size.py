"""Section 2 of the original: flash, RAM, operations and run time."""

from functools import cache

from kwslib.cost import Cost, cost_of
from kwslib.cost.cold import Cold, cold_calls
from kwslib.cost.gpu import recorded
from kwslib.cost.original import as_original
from kwslib.data.task import Task
from kwslib.models import create
from kwslib.results.audit.evidence import Evidence
from kwslib.results.audit.line import Line, Reason
from kwslib.training.summary import listed, percent

TITLE = "Size and run time"
_COUNT = "kws cost tiny_conv"
_COLD = "python -m kwslib.cost.cold"
_LITERATURE = "kws report --chapter 2"


def lines(evidence: Evidence) -> list[Line]:
    """The points of this section."""
    cost = _cost()
    return [
        _parameters(evidence, cost), _flash(evidence, cost), _ram(evidence, cost),
        _operations(evidence, cost), _literature(evidence, cost), _time(evidence),
    ]  # fmt: skip


@cache
def _cost() -> Cost:
    return cost_of(create("tiny_conv", len(Task().labels)))


def _parameters(evidence: Evidence, cost: Cost) -> Line:
    claim = evidence.original("parameters").value
    return Line(
        "Parameters", f"{claim:,} of 4 bytes", f"{cost.parameters:,}, counted from the layers",
        _COUNT,
        reasons=(
            Reason(
                f"The report's own flash is that of {cost.parameters:,}: a slip of the pen, by "
                f"{cost.parameters - claim:,}.", "counted",
            ),
        ),
    )  # fmt: skip


def _flash(evidence: Evidence, cost: Cost) -> Line:
    theirs = as_original(cost)
    return Line(
        "Flash", percent(evidence.original("flash_share").value),
        f"{percent(theirs.flash_share_of_board, 2)} in floats of 32 bits, "
        f"{percent(cost.flash_share['int8'], 2)} in 8 bits, of {cost.board.flash:,} bytes", _COUNT,
        reasons=(
            Reason(
                f"The float weights over 1,000,000 bytes are {percent(theirs.flash_share, 2)}; "
                "the board has 2^20.", "counted",
            ),
        ),
    )  # fmt: skip


def _ram(evidence: Evidence, cost: Cost) -> Line:
    theirs = as_original(cost)
    return Line(
        "RAM at a batch of one", percent(evidence.original("ram_share").value),
        f"{percent(cost.ram_share['float32'], 1)} in floats, {percent(cost.ram_share['int8'], 1)} "
        f"in 8 bits, of {cost.board.ram:,} bytes, with the activations alive at the peak", _COUNT,
        reasons=(
            Reason(
                f"RAM without activations: image and output alone are {theirs.ram_bytes:,} bytes "
                f"in floats, {percent(theirs.ram_share, 2)} of 256,000. The activations between "
                f"them make it {cost.ram['float32'] / theirs.ram_bytes:.1f} times as much.",
                "counted",
            ),
        ),
    )  # fmt: skip


def _operations(evidence: Evidence, cost: Cost) -> Line:
    theirs = as_original(cost)
    claim = evidence.original("flops").value
    equal = "exactly" if theirs.flops == claim else f"not: {theirs.flops:,}"
    return Line(
        "Operations of a decision", f"{claim:,} FLOPs",
        f"{cost.flops:,}: two for each of {cost.macs:,} multiply-accumulates, one a bias", _COUNT,
        reasons=(
            Reason(
                f"With the last layer's multiply-accumulates counted once it is {claim:,} {equal}.",
                "counted",
            ),
        ),
    )  # fmt: skip


def _literature(evidence: Evidence, cost: Cost) -> Line:
    flops = evidence.others("flops", network="CRNN")[0]
    macs = [evidence.others("macs", network=f"EdgeCRNN-{x}")[0] for x in ("0.5x", "2x")]
    told = [f"{record.value / 1e6:.3g} M" for record in macs]
    ours = [f"{2 * record.value / cost.flops:.0f}" for record in macs]
    return Line(
        "Operations of another speech network",
        f"{flops.value / 1e6:.3g} M (convolutional recurrent networks for small-footprint keyword "
        f"spotting) and {listed(told, 'to')} (a lightweight CRNN for edge devices)",
        f"{flops.value / cost.flops:.0f} times ours, and {listed(ours, 'to')} times; chapter 2 has "
        "more networks", _LITERATURE,
        reasons=(
            Reason(
                "The first paper's abstract states no operations, so its figure is repeated "
                "as the report quotes it.", "guess",
            ),
            Reason(
                f"{listed(told, 'and')} are multiply-accumulates: counted from that paper's own "
                "code they are nearly these, so as FLOPs they are twice as many.", "counted",
            ),
        ),
    )  # fmt: skip


def _time(evidence: Evidence) -> Line:
    cpu, gpu = (evidence.original("run_time", device=each).value for each in ("cpu", "cuda"))
    cold = _cold()
    return Line(
        "Run time on CPU and GPU", f"{cpu} µs on a CPU, {gpu} µs on a GPU; neither is named",
        f"{cold.median_us:.0f} µs on {cold.machine}, one thread, median of {cold.calls:,} calls"
        f"{_gpu_time()}",
        _COLD, reasons=(_single_timing(cold),),
    )  # fmt: skip


def _gpu_time() -> str:
    kept = recorded("tiny_conv")
    if kept is None:
        return ""
    record = kept.median
    return f"; {record.value:.0f} µs on {record.machine}, launched layer by layer"


@cache
def _cold() -> Cold:
    return cold_calls()


def _single_timing(cold: Cold) -> Reason:
    times = cold.first_us / cold.median_us
    shown = times >= 2
    return Reason(
        f"Single cold timings: the first call of a new process takes {cold.first_us:,.0f} µs, "
        f"{times:.0f} times the median, and the slowest of a hundred later ones "
        f"{cold.slow_us:,.0f} µs. How the report timed is not told, nor on which machine.",
        "shown" if shown else "not borne out",
    )


def host_us() -> float:
    """The network's median run time on this machine, in microseconds."""
    return _cold().median_us
