"""Modelled cycles beside those of a physical board: ``kws measure board/published``.

The authors of bakeNN timed small networks on a Nordic nRF52840 (Cortex-M4F, 64 MHz) and say what
it takes to do it again: networks, compiler, flags, input and output. Here the ``bakenn`` wheel
generates the same C, the output has to be the same, and the emulated board counts.
"""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kwslib.board.cycles import FLASH_WAIT
from kwslib.board.emulator import Emulator, FlashWatch
from kwslib.deploy.toolchain import cortex_m4
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import FOLDER, Record, of_version
from kwslib.studies.bench.cmsis import CmsisNetwork, one_multiplier
from kwslib.studies.bench.timed_networks import TIMED, Timed

RECORDS = FOLDER / "board" / "published.json"
"""Where everything stands that is known of physical boards."""

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

_BOARD = "Nordic nRF52840DK in FIT IoT-LAB, Cortex-M4F, 64 MHz, Zephyr 2.7.5"
_THEIR_BUILD = "arm-zephyr-eabi-gcc 10.3.0 -O2, bakenn 0.1.0"
_MEASURED_ON = "2026-08-14"
_ARDUINO = "Arduino Nano 33 BLE Sense, nRF52840, Cortex-M4F, 64 MHz"
_RUNTIME = "TensorFlow Lite Micro"
_REPORT = (
    "Student report on the assignment 'A2: Keyword Spotting with MicroControllers', Cornell "
    "University, course on machine learning hardware and systems"
)
_BEICHEN_MA = "github.com/Beichen-Ma/ArduinoTinyML"
_CHANNELS_MS = {7: 83, 6: 79, 4: 71, 2: 63, 1: 59}
"""Run time by channels that structured pruning left: 55 ms and 4.0 ms a channel."""

_HERE = Path(__file__).parent / "c"


@dataclass(frozen=True)
class Comparison:
    """A network on the physical and on the emulated board.

    Attributes:
        timed: what was timed.
        instructions: executed by the emulated board.
        cycles: modelled for them with memory that never makes the processor wait.
        flash_reads: constants read from flash.
        build: compiler and flags.
    """

    timed: Timed
    instructions: int
    cycles: int
    flash_reads: int
    build: str


def compare() -> list[Comparison]:
    """Run on the emulated board what was timed on the physical one, built by gcc as there.

    Raises:
        InputError: the compiler or the wheel ``bakenn`` is not installed.
        ValueError: an output differs from what the physical board gave.
    """
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        return [_compare(timed, Path(name) / str(i)) for i, timed in enumerate(TIMED)]


def records(comparisons: Sequence[Comparison]) -> list[Record]:
    """What was published of physical boards, and our figures beside what can be run here."""
    compared = [record for found in comparisons for record in _records_of(found)]
    return of_version([*published_times(), *_as_on_the_boards(), *compared], VERSION)


def _as_on_the_boards() -> list[Record]:
    """tiny_conv as those boards ran it: CMSIS-NN's kernels, which TensorFlow Lite Micro calls on
    a Cortex-M4, compiled for size as Arduino does; without the interpreter around them.
    """
    graph = one_multiplier(read_graph(PUBLISHED / "tiny_conv-yes_no.tflite"))
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        network = CmsisNetwork(graph, Path(name) / "cmsis", ["-Os"], "gcc")
        network.network(np.zeros(graph.input.size, np.int8))  # puts the image where it belongs
        call, reads = FlashWatch(network.board).call("cmsis_network")
    subject = {
        "model": "tiny_conv",
        "task": "yes_no",
        "stage": "network",
        "runtime": "CMSIS-NN",
        "build": f"gcc {_version_of_gcc()} -Os",
        "instructions": call.instructions,
        "flash_reads": reads,
    }
    return _modelled(subject, call.cycles, reads)


def _modelled(subject: Mapping[str, Any], cycles: int, flash_reads: int | None) -> list[Record]:
    values = {"cycles": cycles}
    if flash_reads is not None:
        values["cycles_with_flash_waits"] = cycles + FLASH_WAIT * flash_reads
    return [
        Record(metric, value, "count", "modelled", subject, machine="emulated Cortex-M4",
               target="emulator")
        for metric, value in values.items()
    ]  # fmt: skip


def _records_of(found: Comparison) -> list[Record]:
    timed = found.timed
    published = Record(
        "cycles", timed.cycles, "count", "published",
        {"network": timed.what, "build": _THEIR_BUILD},
        machine=_BOARD, target="board", when=_MEASURED_ON, code="", source=timed.source,
    )  # fmt: skip
    subject = {
        "network": timed.what,
        "build": f"{found.build}, bakenn 1.0.0",
        "instructions": found.instructions,
        "flash_reads": found.flash_reads,
    }
    return [published, *_modelled(subject, found.cycles, found.flash_reads)]


def _compare(timed: Timed, folder: Path) -> Comparison:
    timed.generate(folder)
    headers = sorted({path.parent for path in folder.rglob("*.h")})
    program = cortex_m4(
        [*sorted(folder.rglob("*.c")), _HERE / "timed_network.c"],
        folder / "net.elf",
        include=[*headers, _HERE / "include"],
        define=["BAKENN_CMSIS_NN_BUILTIN_MEMORY"],  # loads of words, as theirs
        flags=["-O2", "-w"],
        compiler="gcc",
    )
    board = Emulator(program)
    board.call("timed_prepare")
    call, reads = FlashWatch(board).call("timed_run")
    if reads is None:
        raise ValueError(f"{timed.what}: its reads of flash cannot be counted")
    build = f"gcc {_version_of_gcc()} -O2"
    found = Comparison(timed, call.instructions, call.cycles, reads, build)
    output = board.read(board.call("timed_output").value, len(timed.output))
    if tuple(np.frombuffer(output, np.int8).tolist()) != timed.output:
        raise ValueError(f"{timed.what}: gives other bytes than the physical board")
    return found


def _version_of_gcc() -> str:
    command = ["arm-none-eabi-gcc", "-dumpversion"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def published_times() -> list[Record]:
    """Run times on the board as quoted."""
    unpruned = "README.md, section 4: average 86 ms, minimum and maximum 88 ms"
    records = [
        _published(109, _REPORT + ": average on the board"),
        _published(94, "github.com/ethanglaser/ML-Hardware-Systems"),
        _published(88.8, "github.com/kpan02/tinyml-keyword-spotting"),
        _published([86, 88], f"{_BEICHEN_MA}, {unpruned}", channels=8),
        _published(
            21, f"{_BEICHEN_MA}, README.md, section 4: average, minimum 19 and maximum 23 ms",
            stage="preprocessing",
        ),
    ]  # fmt: skip
    pruned = [
        _published(run_time, f"{_BEICHEN_MA}, section 6, structured pruning", channels=channels)
        for channels, run_time in _CHANNELS_MS.items()
    ]
    return [*records, *pruned]


def _published(value: float | list[float], source: str, **subject: int | str) -> Record:
    network = {"model": "tiny_conv", "task": "yes_no", "stage": "network", "runtime": _RUNTIME}
    return Record(
        "run_time", value, "ms", "published", {**network, **subject},
        machine=_ARDUINO, target="board", when="", code="", source=source,
    )  # fmt: skip
