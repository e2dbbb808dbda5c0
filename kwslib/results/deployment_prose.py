"""Chapter 4 in words and rows: the numbers of its prose, the rows of its charts and tables."""

from collections.abc import Sequence
from typing import Any

from kwslib.board.cycles import FLASH_WAIT
from kwslib.board.memory import LINK, Part
from kwslib.board.profile import Cost, Profile
from kwslib.config import DEPLOYED, NANO33BLE
from kwslib.data.task import SPLITS, Split
from kwslib.evaluation import wilson_interval
from kwslib.field import summary as field_summary
from kwslib.field.scores import successes
from kwslib.field.summary import FieldStudy
from kwslib.measurements import Record, read_records, select
from kwslib.results.deployment import Accuracy, Deployment, known_times
from kwslib.results.literature import author_of
from kwslib.training.summary import ORIGINAL, interval_text, listed, percent

_ORIGINAL = "original report"
_SPLIT_NAMES = {"training": "training clips", "validation": "validation clips",
                "testing": "test clips"}  # fmt: skip
_EMPTY = "not measured yet"
"""What stands in the place of a figure that only a physical board can give."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ZERO_WAIT, _WITH_WAITS = "memory without waits", f"{FLASH_WAIT} cycles a constant"


def numbers(found: Deployment) -> dict[str, str]:
    """Every number and every sentence of chapter 4 but for those on field and extra keyword."""
    return {
        **_conversion_numbers(found),
        **_time_numbers(found),
        **_memory_numbers(found.emulated),
        **_comparison_numbers(found),
        **_model_numbers(),
    }


def _kilobytes(size: float) -> str:
    return f"{size / 1024:.1f} kB"


def _us(cost: Cost) -> float:
    assert cost.us is not None
    return cost.us


def _time(us: float) -> str:
    return f"{us:,.1f} µs" if us < 1000 else f"{us / 1000:,.2f} ms"


def _scientific(value: float) -> str:
    """``4.8e-06`` as ``"4.8·10⁻⁶"``."""
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}·10{str(int(power)).translate(_SUPERSCRIPTS)}"


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


# From PyTorch to bytes.


def _conversion_numbers(found: Deployment) -> dict[str, str]:
    worst = max(found.differences.values())
    study = found.training.study
    return {
        "network": found.name,
        "labels": listed(study.labels),
        "dataset": study.dataset_name,
        "origin": _origin(found),
        "parameters_size": f"{found.parameter_bytes:,} bytes",
        "float_size": f"{found.float_bytes:,} bytes",
        "int8_size": f"{found.int8_bytes:,} bytes",
        "shrunk": f"{found.float_bytes / found.int8_bytes:.1f}",
        "worst_difference": _scientific(worst),
        "checked": f"{found.clips:,}",
        "checked_on": found.checked_on,
        "equal_sentence": _equal_sentence(found),
        "change_sentence": _change_sentence(found),
        "hash": found.graph.sha256[:12],
    }


def _origin(found: Deployment) -> str:
    study, training = found.training.study, found.training
    if training.origin == "trained":
        return (
            f"The network of this page, {found.name}, was trained on {study.dataset_name} in this "
            "run, and converted, compiled and profiled in it too."
        )
    return (
        f"The network of this page is the published {found.name}, trained on "
        f"{study.dataset_name}; it was compiled and profiled in this run."
    )


def _equal_sentence(found: Deployment) -> str:
    if found.equal_clips == found.clips:
        return f"all {found.clips:,} came out the same, to the last bit"
    return f"{found.equal_clips:,} of {found.clips:,} came out the same to the last bit"


def _change_sentence(found: Deployment) -> str:
    before, after = found.float_accuracies["testing"], found.accuracies.get("testing")
    if after is None:
        return "Its accuracy is not on record."
    points = 100 * (after.value - before.value)
    low, high = after.interval
    size = "less than" if abs(points) < 50 * (high - low) else "more than"
    moved = f"{abs(points):.2f} points {'above' if points > 0 else 'below'}"
    if round(points, 2) == 0:
        moved = "the same as"
    return (
        f"On the test clips the int8 network is right in {percent(after.value)} "
        f"(95 % interval {interval_text(after.interval)}), {moved} the float network's "
        f"{percent(before.value)}: {size} what chance alone may do."
    )


def step_rows(found: Deployment) -> list[dict[str, Any]]:
    """The steps of the conversion with sizes and accuracies, for a table."""
    size = {"flash": found.emulated.flash or 0}
    float_right, int8_right = found.float_accuracies, found.accuracies
    same = "to the last bit" if found.equal_clips == found.clips else "nearly"
    return [
        _step("PyTorch, float32", found.parameter_bytes, "", float_right),
        _step("TFLite, float32", found.float_bytes, "a logit within "
              f"{_scientific(max(found.differences.values()))}", float_right),
        _step("TFLite, int8", found.int8_bytes, "calibrated on training clips", int8_right),
        _step("C, int8, whole program", size["flash"], f"as the line above, {same}", int8_right),
    ]  # fmt: skip


def _step(
    name: str, size: int, agreement: str, accuracies: "dict[Split, Accuracy] | Any"
) -> dict[str, Any]:
    def shown(split: Split) -> str:
        return percent(accuracies[split].value, 2) if split in accuracies else ""

    return {
        "step": name,
        "bytes": size,
        "agrees with the step before": agreement,
        "validation": shown("validation"),
        "test": shown("testing"),
    }


# Time on the board.


def _time_numbers(found: Deployment) -> dict[str, str]:
    board, compiled = found.emulated, found.compiled
    stages = board.stages
    network = stages["network"]
    per_second, per_hop = _us(board.per_second), _us(board.per_hop)
    return {
        "board": NANO33BLE.name,
        "clock": f"{NANO33BLE.clock_hz / 1e6:.0f} MHz",
        "frame_instructions": f"{stages['features'].instructions:,.0f}",
        "frame_cycles": f"{stages['features'].cycles:,.0f}",
        "frame_time": _time(_us(stages["features"])),
        "network_instructions": f"{network.instructions:,.0f}",
        "network_cycles": f"{network.cycles:,.0f}",
        "network_time": _time(_us(network)),
        "network_time_waiting": _time(network.us_with_waits or _us(network)),
        "postprocess_instructions": f"{stages['postprocess'].instructions:,.0f}",
        "postprocess_time": _time(_us(stages["postprocess"])),
        "image_time": _time(_us(stages["image"])),
        "second_time": _time(per_second),
        "second_features": _time(DEPLOYED.frames * _us(stages["features"])),
        "second_load": percent(per_second / 1e6),
        "hop_time": _time(per_hop),
        "hop_load": percent(per_hop / 20_000, 0),
        "postprocess_share": percent(_us(stages["postprocess"]) / per_hop, 2),
        "compiled_time": _time(_us(compiled.stages["network"])),
        "compiled_machine": compiled.board,
        "busiest_layer": _busiest(board),
    }


def _busiest(board: Profile) -> str:
    name = max(board.layers, key=lambda layer: _us(board.layers[layer]))
    share = _us(board.layers[name]) / sum(_us(cost) for cost in board.layers.values())
    return f"{_layer(name)} ({percent(share, 0)})"


def _layer(function: str) -> str:
    """``layer_0_conv2d`` as ``conv2d``."""
    return function.split("_", 2)[2].replace("_", " ")


def breakdown_rows(board: Profile) -> list[dict[str, Any]]:
    """Milliseconds of each stage in a second and in a hop of audio."""
    features = _us(board.stages["features"])
    network = _us(board.stages["network"])
    after = _us(board.stages["postprocess"])
    image = _us(board.stages["image"])
    stretches = {
        "a second of audio, one inference": (DEPLOYED.frames * features + image, network, after),
        "20 ms of audio, one inference": (features + image, network, after),
        "20 ms of audio, no inference": (features, 0.0, 0.0),
    }
    stages = ("preprocessing", "network", "postprocessing")
    return [
        {"stretch": stretch, "stage": stage, "ms": us / 1000}
        for stretch, times in stretches.items()
        for stage, us in zip(stages, times, strict=True)
    ]


def stage_rows(found: Deployment) -> list[dict[str, Any]]:
    """Instructions, modelled cycles and time of each stage and layer on the emulated board, and
    what a physical board took, or that none was asked.
    """
    board, physical = found.emulated, found.measured
    names = {
        "features": "preprocessing, a frame of 20 ms",
        "image": "preprocessing, the image for the network",
        "network": "network",
        "postprocess": "postprocessing",
    }
    rows = []
    for stage, name in names.items():
        rows.append(
            _cost_row(name, board.stages[stage], physical.stages[stage] if physical else None)
        )
        if stage == "network":
            rows += [
                _cost_row(f"· {_layer(at)}", cost, physical.layers[at] if physical else None)
                for at, cost in board.layers.items()
            ]
    second, hop = (f"a second: {DEPLOYED.frames} frames, one inference", "20 ms: one of each")
    return [
        *rows,
        _cost_row(second, board.per_second, physical.per_second if physical else None),
        _cost_row(hop, board.per_hop, physical.per_hop if physical else None),
    ]


def _cost_row(name: str, cost: Cost, measured: Cost | None) -> dict[str, Any]:
    return {
        "stage": name,
        "instructions": f"{cost.instructions:,.0f}",
        "cycles, modelled": f"{cost.cycles:,.0f}",
        "time, modelled": _time(_us(cost)),
        "physical board": _time(_us(measured)) if measured else "not measured",
    }


# Flash and RAM.


def _memory_numbers(board: Profile) -> dict[str, str]:
    flash, ram, stack = board.flash or 0, board.ram or 0, board.stack or 0
    network = next(part for part in board.parts if part.name == "network")
    return {
        "flash": _kilobytes(flash),
        "flash_share": percent(flash / NANO33BLE.flash),
        "ram": _kilobytes(ram + stack),
        "ram_share": percent((ram + stack) / NANO33BLE.ram),
        "stack": f"{stack:,} bytes",
        "network_flash": _kilobytes(network.flash),
        "network_flash_share": percent(network.flash / flash, 0),
        "network_ram": _kilobytes(network.ram),
        "link_ram": _kilobytes(next(part.ram for part in board.parts if part.name == LINK)),
    }


def memory_rows(board: Profile) -> list[dict[str, Any]]:
    """Bytes of flash and RAM by part, the largest first, the stack last."""

    def rows(memory: str, kinds: Sequence[str], parts: Sequence[Part]) -> list[dict[str, Any]]:
        return [
            {"memory": memory, "part": part.name, "what": kind, "bytes": size}
            for part in parts
            for kind, size in zip(kinds, _sizes(part, memory), strict=True)
            if size
        ]

    by_flash = sorted(board.parts, key=lambda part: -part.flash)
    by_ram = sorted(board.parts, key=lambda part: -part.ram)
    stack = {"memory": "RAM", "part": "stack", "what": "stack", "bytes": board.stack or 0}
    return [
        *rows("flash", ("code", "constants"), by_flash),
        *rows("RAM", ("variables",), by_ram),
        stack,
    ]


def _sizes(part: Part, memory: str) -> tuple[int, ...]:
    return (part.code, part.constants) if memory == "flash" else (part.ram,)


# Beside other machines, and other people's boards.


def _comparison_numbers(found: Deployment) -> dict[str, str]:
    board = _us(found.emulated.stages["network"])
    compiled = _us(found.compiled.stages["network"])
    cpu = found.timings["cpu"].median.value
    return {
        "cpu_time": _time(cpu),
        "cpu_ratio": _ratio(board / cpu),
        "compiled_ratio": _ratio(board / compiled),
        "gpu_sentence": _gpu_sentence(found, board),
        "original_board": _time(_claim_us("serial")),
        "original_ratio": _ratio(_claim_us("serial") / board),
        "original_cpu_ratio": _ratio(_claim_us("serial") / _claim_us("cpu")),
        "measured_sentence": _measured_sentence(found),
    }


def _claim_us(target: str) -> float:
    """Microseconds that the original report states for ``"cpu"``, ``"cuda"`` or its board."""
    (claim,) = [r for r in select(read_records(ORIGINAL), "run_time") if r.target == target]
    return float(claim.value)


def _gpu_sentence(found: Deployment, board: float) -> str:
    timing = found.timings.get("cuda")
    if timing is None:
        return (
            "No GPU was present in this run, so how much slower the board is than one stands "
            "unmeasured here."
        )
    record = timing.median
    return (
        f"On a GPU, {record.machine}, a call takes {_time(record.value)}"
        f"{f', measured on {record.when[:10]}' if timing.on_record else ''}; the board takes "
        f"{_ratio(board / record.value)} times as long."
    )


def _measured_sentence(found: Deployment) -> str:
    if found.measured is None:
        return (
            "No physical board has been measured with this network yet; its places in the figure "
            "and the table are left empty, and filled by the command below."
        )
    measured = _us(found.measured.stages["network"])
    modelled = _us(found.emulated.stages["network"])
    return (
        f"The physical board, {found.measured.board}, took {_time(measured)} for the network, "
        f"{measured / modelled:.2f} times what is modelled."
    )


def measuring(found: Deployment) -> str:
    """The commands that fill the places of a physical board."""
    return (
        f"kws compile {found.name} --target arduino --out build, upload build/kws_nano33ble, "
        f"then kws profile {found.name} --target serial:/dev/ttyACM0"
    )


def place_rows(found: Deployment) -> list[dict[str, Any]]:
    """Run times of the network alone, in microseconds, where it can run."""

    def row(place: str, kind: str, time: float | None, words: str = "") -> dict[str, Any]:
        return {"place": place, "kind": kind, "time": time, "words": words}

    board = _us(found.emulated.stages["network"])
    measured = _us(found.measured.stages["network"]) if found.measured else None
    rows = [
        row("our C on this CPU, int8", "measured here", _us(found.compiled.stages["network"])),
        row("PyTorch on this CPU, float32", "measured here", found.timings["cpu"].median.value),
        row("original report: GPU", _ORIGINAL, _claim_us("cuda")),
        row("original report: CPU", _ORIGINAL, _claim_us("cpu")),
        row("our C on the board", "modelled here", board),
        row("our C, physical board", "measured here", measured, _EMPTY),
        row("original report: board", _ORIGINAL, _claim_us("serial")),
    ]  # fmt: skip
    if "cuda" in found.timings:
        timing = found.timings["cuda"]
        kind = "on record" if timing.on_record else "measured here"
        rows.insert(2, row(f"PyTorch on {timing.median.machine}", kind, timing.median.value))
    return rows


def board_rows(found: Deployment) -> list[dict[str, Any]]:
    """Run times of tiny_conv's network on this kind of board, in milliseconds: others' and ours."""
    records = select(known_times(), "run_time", stage="network")
    others = [r for r in records if r.subject.get("channels", 8) == 8 and r.method == "published"]
    rows = [_known_row(record) for record in others]
    for record in select(known_times(), "cycles", runtime="CMSIS-NN"):
        rows.append(_modelled_row("CMSIS-NN at -Os", record.value / 64e3))
    for record in select(known_times(), "cycles_with_flash_waits", runtime="CMSIS-NN"):
        rows.append(_modelled_row("CMSIS-NN at -Os, flash waits", record.value / 64e3))
    network = found.emulated.stages["network"]
    if network.us_with_waits is not None:
        rows.append(_modelled_row("our C, flash waits", network.us_with_waits / 1000))
    rows.append(_modelled_row("our C", _us(network) / 1000))
    measured = _us(found.measured.stages["network"]) / 1000 if found.measured else None
    rows.append(
        {
            "place": "our C, physical board", "kind": "measured here", "time": measured,
            "words": _EMPTY,
        }
    )  # fmt: skip
    return rows


def _modelled_row(place: str, ms: float) -> dict[str, Any]:
    return {"place": place, "kind": "modelled here", "time": ms}


def _known_row(record: Record) -> dict[str, Any]:
    name = _ORIGINAL if "Student" in record.source else author_of(record.source)
    value = record.value
    kind = _ORIGINAL if name == _ORIGINAL else "literature"
    row = {"place": f"TFLite Micro, {name}", "kind": kind}
    if isinstance(value, list):
        return {**row, "time": sum(value) / 2, "low": value[0], "high": value[1]}
    return {**row, "time": float(value)}


# What the cycle model gets right and wrong.


def _model_numbers() -> dict[str, str]:
    ratios = {model: [row["ratio"] for row in error_rows() if row["model"] == model]
              for model in (_ZERO_WAIT, _WITH_WAITS)}  # fmt: skip
    zero, waits = ratios[_ZERO_WAIT], ratios[_WITH_WAITS]
    cmsis = select(known_times(), "cycles", runtime="CMSIS-NN")[0]
    cmsis_waits = select(known_times(), "cycles_with_flash_waits", runtime="CMSIS-NN")
    slowest = [r.value for r in _unpruned_times()]
    low, high = min(slowest[0]), max(slowest[0])
    modelled = (cmsis_waits[0] if cmsis_waits else cmsis).value / 64e3
    return {
        "model_programs": str(len(zero)),
        "model_low": f"{100 * (min(zero) - 1):.0f}",
        "model_high": f"{100 * (max(zero) - 1):.0f}",
        "model_waits": str(FLASH_WAIT),
        "model_waits_low": f"{100 * (min(waits) - 1):+.0f}".replace("-", "−"),
        "model_waits_high": f"{100 * (max(waits) - 1):+.0f}",
        "cmsis_modelled": f"{cmsis.value / 64e3:.1f} ms",
        "cmsis_modelled_waits": f"{modelled:.1f} ms",
        "cmsis_instructions": f"{cmsis.subject['instructions']:,}",
        "cmsis_measured": f"{low} to {high} ms",
        "cmsis_missing": f"{100 * (low / modelled - 1):.0f} to {100 * (high / modelled - 1):.0f} %",
        "channels_sentence": _channels_sentence(),
    }


def _unpruned_times() -> list[Record]:
    records = select(known_times(), "run_time", stage="network", channels=8)
    return [record for record in records if record.method == "published"]


def _channels_sentence() -> str:
    """The straight line through the published times of pruned networks."""
    records = [
        record for record in select(known_times(), "run_time", stage="network")
        if record.subject.get("channels", 8) < 8
    ]  # fmt: skip
    channels = [record.subject["channels"] for record in records]
    times = [record.value for record in records]
    n, mean_x, mean_y = len(times), sum(channels) / len(times), sum(times) / len(times)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(channels, times, strict=True)) / sum(
        (x - mean_x) ** 2 for x in channels
    )
    fixed = mean_y - slope * mean_x
    return (
        f"Its author also pruned the network to {n} smaller numbers of channels, from "
        f"{max(channels)} to {min(channels)}; their times lie on a line of {fixed:.0f} ms and "
        f"{slope:.1f} ms a channel"
    )


def error_rows() -> list[dict[str, Any]]:
    """Measured over modelled cycles of every program that was timed on a physical board."""
    records, rows = known_times(), []
    for measured in select(records, "cycles"):
        if measured.method != "published":
            continue
        program = measured.subject["network"]
        for metric, model in (("cycles", _ZERO_WAIT), ("cycles_with_flash_waits", _WITH_WAITS)):
            ours = [r for r in select(records, metric, network=program) if r.method == "modelled"]
            rows += [
                {"program": program, "model": model, "ratio": measured.value / each.value}
                for each in ours
            ]
    return rows


# In the field.


def field_numbers(study: FieldStudy) -> dict[str, str]:
    """What was played to which network, beside :func:`kwslib.field.summary.numbers`."""
    record = study.records[0]
    subject = record.subject
    voices = {trial.speaker for trial in study.spoken() if trial.speaker}
    noises = {trial.noise for trial in study.trials if trial.noise and trial.noise != "none"}
    return {
        "field_intro": (
            f"The network is the published {study.network}, on the {record.machine}, over its "
            f"protocol: an inference every {20 * subject['hops']} ms, the last "
            f"{subject['inferences']} averaged, a detection above "
            f"{percent(max(subject['thresholds']) / 256, 0)} and then "
            f"{subject['refractory_ms'] / 1000:g} s of rest. The {len(study.trials):,} recordings "
            f"are of speech that no network of this report was trained on: {len(voices)} voices of "
            f"another synthesiser, {record.data['name'].capitalize()}, "
            f"slower and faster, higher and lower, and in {len(noises)} kinds of noise."
        ),
    }


def larger_field_numbers(study: FieldStudy) -> dict[str, str]:
    """Sentences on the field test of the network with an extra keyword."""
    values = field_summary.numbers(study)
    return {
        "larger_word": study.keywords[-1],
        **{
            f"larger_{name}_sentence": values[f"field_{name}_sentence"]
            for name in ("words", "sounds", "others")
        },
    }


# Everywhere.


def everywhere_rows(found: Deployment, study: FieldStudy) -> list[dict[str, Any]]:
    """Accuracy of float and int8 on the splits, and of int8 in the field."""
    rows = []
    for split in SPLITS:
        for numbers_, accuracies in (
            ("float32", found.float_accuracies), ("int8", found.accuracies),
        ):  # fmt: skip
            if split in accuracies:
                rows.append(_place(_SPLIT_NAMES[split], numbers_, accuracies[split]))
    rows += [_place("test clips, keywords alone", "float32", _keyword_recall(found))]
    share = successes(study.spoken())
    same = study.records[0].subject["sha256"] == found.graph.sha256
    where = "field, keywords" if same else "field, published network"
    return [*rows, _place(where, "int8", Accuracy(share.share, share.interval))]


def _place(where: str, numbers_: str, accuracy: Accuracy) -> dict[str, Any]:
    low, high = accuracy.interval
    return {
        "where": where, "numbers": numbers_, "accuracy": accuracy.value, "low": low, "high": high,
    }  # fmt: skip


def _keyword_recall(found: Deployment) -> Accuracy:
    """Share of the test clips of keywords that are recognised: what a trial in the field asks."""
    study = found.training.study
    table = study.value("confusion", split="testing")
    right = sum(table[i][i] for i in range(2, len(table)))
    clips = sum(sum(row) for row in table[2:])
    return Accuracy(right / clips, wilson_interval(right, clips))
