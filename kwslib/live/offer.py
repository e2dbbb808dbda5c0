"""The published networks that the page offers, as WebAssembly."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from kwslib.deploy.compile import compile_network
from kwslib.deploy.toolchain import CORE, DEVICE, WASM_PORT
from kwslib.files import sha256_of_file, sha256_of_sources, sha256_of_text
from kwslib.live.kept import kept
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.graph import Graph
from kwslib.network.reader import read_graph
from kwslib.records import FOLDER, Record, read_records, select

DEFAULT = "tiny_conv-yes_no"
"""The network that the page begins with."""

VARIANTS = ("tiny_conv-yes_no-w4", "tiny_conv-yes_no_left")
"""What is offered beside it of the same architecture."""

_TASK = "yes_no"
_BOARDS = FOLDER / "board"


@dataclass(frozen=True)
class LiveNetwork:
    """A network of the page.

    Attributes:
        name: of its file, without suffix.
        labels: names of its outputs.
        sha256: of its ``.tflite`` file.
        wasm: the WebAssembly module.
        weight_bits: of its layers' weights.
        accuracy: the record of the official test clips, None where there is none.
        board: microseconds of each stage on the emulated board, empty where unknown.
    """

    name: str
    labels: tuple[str, ...]
    sha256: str
    wasm: bytes
    weight_bits: tuple[int, ...]
    accuracy: Record | None
    board: dict[str, float]

    @property
    def keywords(self) -> tuple[str, ...]:
        """What it spots."""
        return self.labels[2:]

    @property
    def title(self) -> str:
        """What the page calls it."""
        model = self.name.partition("-")[0]
        low, high = min(self.weight_bits, default=8), max(self.weight_bits, default=8)
        width = f"{low} bits" if low == high else f"{low} to {high} bits"
        return f"{model}, weights of {width}: {', '.join(self.keywords)}"

    def facts(self) -> dict[str, Any]:
        """What the page's script is told, but for the file."""
        record = self.accuracy
        accuracy = None
        if record is not None and record.interval is not None:
            low, high = record.interval
            accuracy = {"value": record.value, "low": low, "high": high}
        return {
            "name": self.name,
            "title": self.title,
            "keywords": list(self.keywords),
            "sha256": self.sha256,
            "kilobytes": round(len(self.wasm) / 1024),
            "accuracy": accuracy,
            "board": self.board or None,
        }


def offered(folder: Path = PUBLISHED) -> list[str]:
    """Names of the networks that the page offers, the default first.

    Beside the default and its variants, these are the networks of the same task and of other
    architectures, those better on validation first.
    """
    paths = [path for path in sorted(folder.glob(f"*-{_TASK}.tflite")) if path.stem != DEFAULT]
    found = (_accuracy(path.stem, sha256_of_file(path), "validation", folder) for path in paths)
    others = {
        path.stem: record.value if record else 0.0
        for path, record in zip(paths, found, strict=True)
    }
    ranked = sorted(others, key=lambda name: -others[name])
    names = [DEFAULT, *ranked, *VARIANTS]
    return [name for name in names if (folder / f"{name}.tflite").exists()]


def networks(folder: Path = PUBLISHED) -> Iterator[LiveNetwork]:
    """The networks that the page offers, compiled, or as they were compiled before.

    Raises:
        InputError: zig is not installed.
    """
    for name in offered(folder):
        path = folder / f"{name}.tflite"
        graph = read_graph(path)
        sha256 = graph.sha256
        wasm = kept("wasm", f"{_key(sha256)}.wasm", partial(_compiled, graph))
        accuracy = _accuracy(name, sha256, "testing", folder)
        bits = tuple(graph.weight_bits)
        yield LiveNetwork(name, graph.labels, sha256, wasm, bits, accuracy, _board(sha256))


def _compiled(graph: Graph) -> bytes:
    with tempfile.TemporaryDirectory(prefix="kws-wasm-") as folder:
        return compile_network(graph, "wasm", folder).program.read_bytes()


def _key(sha256: str) -> str:
    """Stands for a network and all that its module is made by."""
    sources = [file for part in (CORE, DEVICE, WASM_PORT) for file in sorted(part.glob("*.[ch]"))]
    code = sha256_of_sources("network", "deploy", "config.py", "features")
    firmware = [f"{file.name} {sha256_of_file(file)}" for file in sources]
    return sha256_of_text(sha256, code, metadata.version("ziglang"), *firmware)[:24]


def _accuracy(name: str, sha256: str, split: str, folder: Path) -> Record | None:
    """The accuracy that a network's records state for it."""
    found = (
        record
        for path in sorted(folder.glob(f"{name}*.json"))
        for record in select(read_records(path), "accuracy", split=split, tflite=sha256)
    )
    return next(found, None)


def _board(sha256: str) -> dict[str, float]:
    """Microseconds of the stages on the emulated board."""
    found = (
        record.value["stages"]
        for path in sorted(_BOARDS.glob("*-emulator.json"))
        for record in select(read_records(path), "profile", tflite=sha256)
    )
    return {stage: numbers["us"] for stage, numbers in next(found, {}).items()}
