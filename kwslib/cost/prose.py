"""What the chapter on size says: its numbers as text, its tables as rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from kwslib.cost.literature import ORIGINAL, PublishedNetwork, original_claim
from kwslib.cost.original import DECIMAL_FLASH, DECIMAL_RAM, OriginalFigures
from kwslib.cost.summary import Cost
from kwslib.cost.timing import Device, Timing
from kwslib.measurements import Record

MACS_A_CYCLE = 2
"""A Cortex-M4 multiplies and adds two pairs of 16-bit numbers in one cycle (SMLAD).

Source: Arm Cortex-M4 Technical Reference Manual, instruction set summary.
"""


def numbers(model: str, labels: Sequence[str], cost: Cost) -> dict[str, str]:
    """Counts and shares of one network, formatted."""
    sizes = {
        f"{memory}_{number_type}": _bytes(size)
        for memory, by_type in (("flash", cost.flash), ("ram", cost.ram))
        for number_type, size in by_type.items()
    }
    shares = {
        f"{memory}_{number_type}_share": _share(share, 2)
        for memory, by_type in (("flash", cost.flash_share), ("ram", cost.ram_share))
        for number_type, share in by_type.items()
    }
    heaviest = max(cost.layers, key=lambda layer: layer.parameters)
    busiest = max(cost.layers, key=lambda layer: layer.flops)
    peak = max(cost.memory.steps, key=lambda step: step.live)
    return {
        "model": model,
        "labels": f"{len(labels)} labels ({', '.join(labels)})",
        "verdict": _verdict(cost),
        "board": f"{cost.board.name}, {cost.board.processor}",
        "board_flash": _bytes(cost.board.flash),
        "board_ram": _bytes(cost.board.ram),
        "parameters": f"{cost.parameters:,}",
        "biases": f"{sum(layer.biases for layer in cost.layers):,}",
        "macs": f"{cost.macs:,}",
        "biased_outputs": f"{sum(layer.biased_outputs for layer in cost.layers):,}",
        "flops": f"{cost.flops:,}",
        **sizes,
        **shares,
        "channel_scales": _bytes(cost.channel_scales),
        "ram_input_output": _bytes(cost.ram_input_output["float32"]),
        "heaviest": heaviest.name,
        "heaviest_share": _share(heaviest.parameters / cost.parameters, 1),
        "busiest": busiest.name,
        "busiest_share": _share(busiest.flops / cost.flops, 1),
        "peak_layer": peak.name,
        "peak_held": f"{peak.held:,}",
        "peak_written": f"{peak.written:,}",
        "peak": f"{peak.live:,}",
        "clock": f"{cost.board.clock_hz / 1e6:.0f} MHz",
        "bound": f"{fastest_ms(cost):.2f} ms",
    }


def fastest_ms(cost: Cost) -> float:
    """Milliseconds of the MACs alone at :data:`MACS_A_CYCLE`; no program can be faster."""
    return 1000 * cost.macs / MACS_A_CYCLE / cost.board.clock_hz


def _verdict(cost: Cost) -> str:
    fits = [
        number_type
        for number_type in cost.flash
        if cost.flash_share[number_type] <= 1 and cost.ram_share[number_type] <= 1
    ]
    if not fits:
        return "It does not fit"
    return "It fits" if len(fits) == len(cost.flash) else f"It fits in {fits[0]} only"


def run_time_numbers(
    timings: Mapping[Device, Timing], batched: Timing, gpu_batched: Timing | None = None
) -> dict[str, str]:
    """Run time in words, a GPU's where one is present or on record.

    Args:
        timings: of one image at a time.
        batched: of many images at once on the CPU.
        gpu_batched: of many images at once on a GPU, where known.
    """
    cpu = timings["cpu"].median
    low, high = cpu.interval or (cpu.value, cpu.value)
    quantiles = timings["cpu"].quantiles.value
    batch = batched.median.subject["batch"]
    return {
        "cpu": _microseconds(cpu.value),
        "cpu_interval": f"{low:,.1f} to {high:,.1f} µs",
        "cpu_quartiles": f"{quantiles['0.25']:,.0f} to {quantiles['0.75']:,.0f} µs",
        "cpu_slow": _microseconds(quantiles["0.95"]),
        "batch": str(batch),
        "batched": _microseconds(batched.median.value / batch),
        "cpu_provenance": cpu.provenance(),
        "runtime": str(cpu.subject["runtime"]),
        "repetitions": f"{cpu.subject['repetitions']:,}",
        "warm_up": f"{cpu.subject['warm_up']:,}",
        "cpu_claim": _microseconds(original_claim("run_time", device="cpu").value),
        "gpu_claim": _microseconds(original_claim("run_time", device="cuda").value),
        "gpu_sentence": _gpu_sentence(timings.get("cuda"), gpu_batched),
    }


def run_time_bars(
    timings: Mapping[Device, Timing],
) -> tuple[dict[str, Timing], dict[str, Record]]:
    """Rows of the run-time chart by name: those of this run, and the original report's."""
    names = {"cpu": "CPU", "cuda": "GPU"}
    measured = {
        f"{timing.median.machine}, on record"
        if timing.on_record
        else f"this run, {names[device]}": timing
        for device, timing in timings.items()
    }
    claims = {
        f"original report, {name}": original_claim("run_time", device=device)
        for device, name in names.items()
    }
    return measured, claims


def _gpu_sentence(timing: Timing | None, batched: Timing | None) -> str:
    if timing is None:
        return "No GPU was present in this run, so that figure stands unchecked here."
    record = timing.median
    taken = _microseconds(record.value)
    if not timing.on_record:
        return f"On the GPU of this run, {record.machine}, a call takes {taken}."
    sentence = (
        f"No GPU was present in this run; on a GPU, {record.machine}, a call took "
        f"{taken} ({record.subject['runtime']}, measured on {record.when[:10]})"
    )
    if batched is None:
        return f"{sentence}."
    images = batched.median.subject["batch"]
    return (
        f"{sentence}, and with {images} images in it {_microseconds(batched.median.value)}: what "
        "is timed there is the launching of one layer after another, not arithmetic."
    )


def literature_numbers(networks: Sequence[PublishedNetwork], cost: Cost) -> dict[str, str]:
    """How many times the FLOPs of this network the smallest and the largest other needs."""
    others = [network for network in networks if network.name != ORIGINAL]
    least = min(others, key=lambda network: network.flops)
    most = max(others, key=lambda network: network.flops)
    return {
        "published": str(len(others)),
        "least_name": least.name,
        "least_ratio": f"{least.flops / cost.flops:.1f}",
        "most_name": most.name,
        "most_ratio": f"{most.flops / cost.flops:,.0f}",
    }


def layer_rows(cost: Cost) -> list[dict[str, Any]]:
    """One row a layer, and their total: how MACs and FLOPs come about."""
    rows: list[dict[str, Any]] = [
        {
            "layer": layer.name,
            "output": " × ".join(map(str, layer.output_shape)),
            "parameters": layer.parameters,
            "outputs": layer.output_elements,
            "products per output": layer.macs // layer.output_elements,
            "MACs": layer.macs,
            "biases added": layer.biased_outputs,
            "FLOPs": layer.flops,
        }
        for layer in cost.layers
    ]
    total = {
        "layer": "total",
        "parameters": cost.parameters,
        "MACs": cost.macs,
        "biases added": sum(layer.biased_outputs for layer in cost.layers),
        "FLOPs": cost.flops,
    }
    return [*rows, total]


def literature_rows(
    networks: Sequence[PublishedNetwork], model: str, cost: Cost
) -> list[dict[str, Any]]:
    """One row a network, fewest FLOPs first, this one among them."""
    ours = {
        "network": f"{model}, this run",
        "parameters": cost.parameters,
        "FLOPs": cost.flops,
        "figures": "parameters counted, FLOPs counted",
    }
    rows = [
        {
            "network": network.name,
            "parameters": int(network.parameters.value),
            "FLOPs": network.flops,
            "figures": network.how,
            "accuracy, 12 labels": _percent(network.accuracy),
        }
        for network in networks
    ]
    return sorted([ours, *rows], key=lambda row: row["FLOPs"])


def original_rows(original: OriginalFigures, cost: Cost) -> list[dict[str, Any]]:
    """The original's three figures: printed, recomputed by its rule, and by this chapter's.

    Args:
        original: of the original's network.
        cost: of the same network.
    """
    flash, ram = cost.flash["float32"], original.ram_bytes
    board = cost.board
    return [
        {
            "figure": "FLOPs",
            "original": f"{original_claim('flops').value:,}",
            "its rule": f"{cost.flops:,} − {cost.layers[-1].macs:,}: "
            "a MAC of the last layer counts once",
            "recomputed": f"{original.flops:,}",
            "here": f"{cost.flops:,}",
        },
        {
            "figure": "flash",
            "original": _share(original_claim("flash_share").value, 1),
            "its rule": f"float32 parameters, {flash:,} bytes, of {DECIMAL_FLASH:,}",
            "recomputed": _share(original.flash_share, 2),
            "here": f"{_share(original.flash_share_of_board, 2)} of {board.flash:,}",
        },
        {
            "figure": "RAM",
            "original": _share(original_claim("ram_share").value, 1),
            "its rule": f"float32 image and logits, {ram:,} bytes, of {DECIMAL_RAM:,}",
            "recomputed": _share(original.ram_share, 2),
            "here": f"{_share(cost.ram_share['float32'], 2)} of {board.ram:,}",
        },
    ]


def original_numbers(original: OriginalFigures, cost: Cost) -> dict[str, str]:
    """The original's slip in the number of parameters, and what follows from it.

    Args:
        original: of the original's network.
        cost: of the same network.
    """
    printed = original_claim("parameters").value
    return {
        "original_parameters": f"{cost.parameters:,}",
        "original_slip": f"{printed:,}",
        "original_slip_flash": _share(4 * printed / DECIMAL_FLASH, 2),
        "original_flash": _share(original.flash_share, 2),
        "original_ram": _bytes(original.ram_bytes),
        "original_ram_board": _share(original.ram_share_of_board, 2),
        "original_peak": _bytes(cost.ram["float32"]),
        "original_peak_share": _share(cost.ram_share["float32"], 2),
        "original_peak_ratio": f"{cost.ram['float32'] / original.ram_bytes:.1f}",
    }


def _bytes(size: int) -> str:
    return f"{size:,} bytes"


def _microseconds(value: float) -> str:
    return f"{value:,.0f} µs"


def _share(fraction: float, digits: int) -> str:
    return f"{100 * fraction:.{digits}f} %"


def _percent(record: Record | None) -> str:
    return "" if record is None else _share(record.value, 1)
