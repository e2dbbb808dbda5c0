"""What a network costs on the board: time by stage and layer, flash and RAM by part."""

from pathlib import Path

import altair as alt

from kwslib.board.profile import Cost, Profile, profile_of
from kwslib.config import DEPLOYED, NANO33BLE
from kwslib.records import FOLDER, select
from kwslib.results import page
from kwslib.results.charts.theme import (
    BELOW,
    BLUE,
    ORANGE,
    SKY,
    VERMILION,
    WIDTH,
    chart,
    labels_in_lines,
    listed,
    names_of,
    tips,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate, load

_STAGES = {
    "features": "preprocessing, per frame of 20 ms",
    "image": "preprocessing, image for the network",
    "network": "network",
    "postprocess": "postprocessing",
}
_STAGE_COLOURS = {"preprocessing": SKY, "network": BLUE, "postprocessing": VERMILION}
_MEMORY_COLOURS = {"code": BLUE, "constants": SKY, "variables": ORANGE, "stack": VERMILION}


def load_profile(
    name: str, target: str = "emulator", folder: Path = FOLDER, **facts: str
) -> Profile | None:
    """The committed profile of a network, or None where there is none.

    Args:
        name: of the network and its task.
        target: ``"emulator"``, or ``"serial"`` for a physical board.
        folder: with the layout of ``measurements/``.
        facts: of the record's subject, such as ``tflite``, the hash of the network's very file.
    """
    records = select(load(f"board/{name}-{target}.json", folder), "profile", **facts)
    return profile_of(records[0]) if records else None


def network_ms(board: Profile | None) -> float | None:
    """Milliseconds of the network, once; None where they are not known."""
    us = board.stages["network"].us if board else None
    return None if us is None else us / 1000


def microseconds(cost: Cost) -> Estimate:
    """The time of a cost, which formats itself.

    Raises:
        ValueError: it is not known.
    """
    if cost.us is None:
        raise ValueError("the time is not known")
    return Estimate(cost.us, None, "us")


def with_waits(cost: Cost) -> Estimate:
    """The time of a cost with what the board waits for constants in flash."""
    if cost.us_with_waits is None:
        raise ValueError("the reads from flash are not known")
    return Estimate(cost.us_with_waits, None, "us")


def busiest_layer(board: Profile) -> tuple[str, float]:
    """Name of the layer that takes the most time, and its share of the layers' time."""
    times = {name: microseconds(cost).value for name, cost in board.layers.items()}
    name = max(times, key=lambda each: times[each])
    return _layer_name(name), times[name] / sum(times.values())


def _layer_name(function: str) -> str:
    """``layer_0_conv2d`` as ``conv2d``."""
    return function.split("_", 2)[2].replace("_", " ")


def plot_breakdown(board: Profile) -> alt.LayerChart:
    """Time of each stage in a second and in 20 ms of audio."""
    frame, image, network, after = (
        microseconds(board.stages[name]).value / 1000 for name in _STAGES
    )
    stretches = {
        "1 s of audio, one inference": (DEPLOYED.frames * frame + image, network, after),
        "20 ms of audio, one inference": (frame + image, network, after),
        "20 ms of audio, no inference": (frame, 0.0, 0.0),
    }
    rows = [
        {"stretch": stretch, "stage": stage, "ms": ms, "order": order}
        for stretch, times in stretches.items()
        for order, (stage, ms) in enumerate(zip(_STAGE_COLOURS, times, strict=True))
    ]
    totals = [{"stretch": stretch, "ms": sum(times)} for stretch, times in stretches.items()]
    y = alt.Y("stretch:N", sort=list(stretches), title=None, axis=labels_in_lines())
    scale = alt.Scale(domain=[0, 1.5 * max(map(sum, stretches.values()))], nice=False)
    stages = list(_STAGE_COLOURS)
    colours = alt.Scale(domain=stages, range=list(_STAGE_COLOURS.values()))
    bars = chart(rows).mark_bar().encode(
        alt.X("ms:Q", title="time, ms", scale=scale),
        y,
        alt.Color("stage:N", scale=colours, sort=stages, title=None, legend=BELOW),
        order="order:Q",
        tooltip=["stretch:N", "stage:N", *tips(",.3f", "ms")],
    )  # fmt: skip
    words = chart(totals).mark_text(align="left", dx=6).encode(
        x=alt.X("ms:Q"), y=y, text=alt.Text("ms:Q", format=",.2f")
    )  # fmt: skip
    drawn = alt.LayerChart(layer=[bars, words]).properties(
        width=WIDTH - 60,
        height=alt.Step(38),
        description=f"Time of each stage: {listed(rows, '{stretch}, {stage}, {ms:.2f} ms')}",
    )
    return resting_on(drawn, method="modelled cycles", place=_place(board))


def tabulate_stages(board: Profile, physical: Profile | None = None) -> page.Html:
    """Instructions, cycles and time of each stage and layer.

    Args:
        board: on the emulated board.
        physical: on a physical one, which adds a column.
    """
    measured = _costs(physical) if physical else {}
    return page.table(
        [
            {
                "stage": name,
                "instructions": f"{cost.instructions:,.0f}",
                "cycles": f"{cost.cycles:,.0f}",
                "time": f"{microseconds(cost)}",
                **({"physical board": f"{microseconds(measured[name])}"} if measured else {}),
            }
            for name, cost in _costs(board).items()
        ],
        method="instructions emulated, cycles and time modelled",
        place=_place(board),
    )


def _costs(board: Profile) -> dict[str, Cost]:
    """What each row of the table of stages took, by its name."""
    layers = {f"· layer {key.split('_')[1]}, {_layer_name(key)}": cost
              for key, cost in board.layers.items()}  # fmt: skip
    network = list(_STAGES).index("network") + 1
    stages = [(name, board.stages[key]) for key, name in _STAGES.items()]
    return {
        **dict(stages[:network]),
        **layers,
        **dict(stages[network:]),
        f"1 s of audio: {DEPLOYED.frames} frames, one inference": board.per_second,
        "20 ms of audio: one frame, one inference": board.per_hop,
    }


def _place(board: Profile) -> str:
    return f"{board.board}, {NANO33BLE.clock_hz / 1e6:.0f} MHz"


def flash_share(board: Profile) -> float:
    """Share of the board's flash that the program takes."""
    return (board.flash or 0) / NANO33BLE.flash


def ram_bytes(board: Profile) -> int:
    """Bytes of variables and of the most stack that was seen in use."""
    return (board.ram or 0) + (board.stack or 0)


def plot_memory(board: Profile, memory: str) -> alt.Chart:
    """What fills a memory by part and kind, in kB: the largest part first, the stack last.

    Args:
        board: the profile.
        memory: ``"flash"`` or ``"RAM"``.
    """
    if memory == "flash":
        by_size = sorted(board.parts, key=lambda part: -part.flash)
        sizes = [
            (p.name, kind, getattr(p, kind)) for p in by_size for kind in ("code", "constants")
        ]
    else:
        by_size = sorted(board.parts, key=lambda part: -part.ram)
        sizes = [(part.name, "variables", part.ram) for part in by_size]
        sizes.append(("stack", "stack", board.stack or 0))
    rows = [
        {"part": name, "what": kind, "bytes": size, "kB": size / 1024}
        for name, kind, size in sizes
        if size
    ]
    kinds = names_of(rows, "what", _MEMORY_COLOURS)
    scale = alt.Scale(domain=kinds, range=[_MEMORY_COLOURS[kind] for kind in kinds])
    bars = chart(rows).mark_bar().encode(
        x=alt.X("kB:Q", title=f"{memory}, kB"),
        y=alt.Y("part:N", sort=names_of(rows, "part"), title=None, axis=alt.Axis(labelLimit=0)),
        color=alt.Color("what:N", scale=scale, sort=kinds, title=None, legend=BELOW),
        tooltip=["part:N", "what:N", *tips(",", "bytes")],
    )  # fmt: skip
    drawn = bars.properties(
        width=WIDTH - 60,
        height=alt.Step(24),
        description=f"Bytes of {memory} by part: {listed(rows, '{part}, {what}, {bytes:,}')}",
    )
    return resting_on(drawn, method="sizes in the linked program", place=_place(board))
