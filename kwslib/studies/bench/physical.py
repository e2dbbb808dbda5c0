"""Modelled cycles beside those of a physical board: ``python -m kwslib.studies.bench.physical``.

The authors of bakeNN timed small networks on a Nordic nRF52840 (Cortex-M4F, 64 MHz) and say what
it takes to do it again: networks, compiler, flags, input and output. Here the ``bakenn`` wheel
generates the same C, the output has to be the same, and the emulated board counts.
"""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import numpy as np

from kwslib.board.cycles import FLASH_WAIT
from kwslib.board.emulator import Emulator
from kwslib.board.flash_reads import FlashWatch
from kwslib.deploy.toolchain import Compiler, cortex_m4
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import FOLDER, Record, of_version, write_records
from kwslib.studies.bench.cmsis import CmsisNetwork, one_multiplier
from kwslib.studies.bench.published_times import published_times
from kwslib.studies.bench.timed_networks import TIMED, Timed

RECORDS = FOLDER / "board" / "published.json"
"""Where everything stands that is known of physical boards."""

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

_BOARD = "Nordic nRF52840DK in FIT IoT-LAB, Cortex-M4F, 64 MHz, Zephyr 2.7.5"
_THEIR_BUILD = "arm-zephyr-eabi-gcc 10.3.0 -O2, bakenn 0.1.0"
_MEASURED_ON = "2026-08-14"
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

    @property
    def cycles_with_waits(self) -> int:
        """Modelled cycles with ``FLASH_WAIT`` for each constant from flash."""
        return self.cycles + FLASH_WAIT * self.flash_reads

    @property
    def ratio(self) -> float:
        """Published over modelled cycles."""
        return self.timed.cycles / self.cycles

    @property
    def ratio_with_waits(self) -> float:
        """Published over modelled cycles with waits."""
        return self.timed.cycles / self.cycles_with_waits


def compare(compiler: Compiler = "gcc") -> list[Comparison]:
    """Run on the emulated board what was timed on the physical one.

    Args:
        compiler: the authors used gcc.

    Raises:
        InputError: the compiler or the wheel ``bakenn`` is not installed.
        ValueError: an output differs from what the physical board gave.
    """
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        return [_compare(timed, Path(name) / str(i), compiler) for i, timed in enumerate(TIMED)]


def records(comparisons: Sequence[Comparison]) -> list[Record]:
    """What was published of physical boards, and our figures beside what can be run here."""
    compared = [record for found in comparisons for record in _records_of(found)]
    return of_version([*published_times(), *_as_on_the_boards(), *compared], VERSION)


def _as_on_the_boards(compiler: Compiler = "gcc") -> list[Record]:
    """tiny_conv as those boards ran it: CMSIS-NN's kernels, which TensorFlow Lite Micro calls on
    a Cortex-M4, compiled for size as Arduino does; without the interpreter around them.
    """
    graph = one_multiplier(read_graph(PUBLISHED / "tiny_conv-yes_no.tflite"))
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as name:
        network = CmsisNetwork(graph, Path(name) / "cmsis", ["-Os"], compiler)
        network.network(np.zeros(graph.input.size, np.int8))  # puts the image where it belongs
        call, reads = FlashWatch(network.board).call("cmsis_network")
    subject = {
        "model": "tiny_conv",
        "task": "yes_no",
        "stage": "network",
        "runtime": "CMSIS-NN",
        "build": f"{compiler} {_version(compiler)} -Os",
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


def _compare(timed: Timed, folder: Path, compiler: Compiler) -> Comparison:
    timed.generate(folder)
    headers = sorted({path.parent for path in folder.rglob("*.h")})
    program = cortex_m4(
        [*sorted(folder.rglob("*.c")), _HERE / "timed_network.c"],
        folder / "net.elf",
        include=[*headers, _HERE / "include"],
        define=["BAKENN_CMSIS_NN_BUILTIN_MEMORY"],  # loads of words, as theirs
        flags=["-O2", "-w"],
        compiler=compiler,
    )
    board = Emulator(program)
    board.call("timed_prepare")
    call, reads = FlashWatch(board).call("timed_run")
    if reads is None:
        raise ValueError(f"{timed.what}: its reads of flash cannot be counted")
    build = f"{compiler} {_version(compiler)} -O2"
    found = Comparison(timed, call.instructions, call.cycles, reads, build)
    output = board.read(board.call("timed_output").value, len(timed.output))
    if tuple(np.frombuffer(output, np.int8).tolist()) != timed.output:
        raise ValueError(f"{timed.what}: gives other bytes than the physical board")
    return found


def _version(compiler: Compiler) -> str:
    if compiler == "zig":
        return metadata.version("ziglang")
    command = ["arm-none-eabi-gcc", "-dumpversion"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@click.command()
def main() -> None:
    """Compare, print, and write ``measurements/board/published.json``."""
    comparisons = compare()
    for found in comparisons:
        click.echo(
            f"{found.timed.what:<52} measured {found.timed.cycles:>6,}  modelled "
            f"{found.cycles:>6,}  ratio {found.ratio:.3f}, with waits {found.ratio_with_waits:.3f}"
        )
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    write_records(RECORDS, records(comparisons))
    click.echo(f"written to {RECORDS}", err=True)


if __name__ == "__main__":
    main()
