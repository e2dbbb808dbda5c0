"""The C of the board on this machine, in shared libraries: a compiled network, the front end."""

import ctypes
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.config import DEPLOYED
from kwslib.deploy import frontend
from kwslib.deploy.choice import Sparse
from kwslib.deploy.codegen import Kernels, generate
from kwslib.deploy.toolchain import shared_library
from kwslib.evaluation.accuracy import Predict
from kwslib.network.graph import Graph
from kwslib.network.reference import pixels

_ROWS = Path(__file__).parent / "c" / "rows.c"


class HostNetwork:
    """A network's C code, loaded."""

    def __init__(self, library: Path | str, graph: Graph) -> None:
        """Load a library that was made of ``graph``."""
        self.graph = graph
        self._library = ctypes.CDLL(str(library))
        for function in ("kws_network_input", "kws_network_output"):
            getattr(self._library, function).restype = ctypes.c_void_p

    def run(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """The output, int8 ``[size]``, for an int8 input of the network's size."""
        flat = np.ascontiguousarray(values, np.int8).reshape(-1)
        if flat.size != self.graph.input.size:
            raise ValueError(f"{flat.size} inputs for a network of {self.graph.input.size}")
        ctypes.memmove(self._library.kws_network_input(), flat.ctypes.data, flat.size)
        self._library.kws_network_run()
        size = self.graph.output.size
        return np.frombuffer(
            ctypes.string_at(self._library.kws_network_output(), size), np.int8
        ).copy()

    def repeat(self, times: int) -> None:
        """Run it so many times on whatever its input holds, to be timed."""
        for _ in range(times):
            self._library.kws_network_run()


def build_host_network(
    graph: Graph, kernels: Kernels = "portable", sparse: Sparse = "auto", flag: str = "-O1"
) -> HostNetwork:
    """Compile a graph for this machine and load it.

    Args:
        graph: the network.
        kernels: ``"dsp"`` is the faster code here too.
        sparse: which layers skip zero weights.
        flag: how much the compiler optimises.
    """
    with tempfile.TemporaryDirectory(prefix="kws-host-") as name:
        folder = Path(name)
        source = generate(graph, kernels, sparse)
        (folder / "network.h").write_text(source.header)
        (folder / "network.c").write_text(source.source)
        library = shared_library(
            [folder / "network.c"], folder / "libkws.so", include=[folder], flags=[flag]
        )
        return HostNetwork(library, graph)


def host_predictor(graph: Graph) -> Predict:
    """Scores of a network's C code, int8 ``[n, labels]``, from images uint8 ``[n, 49, 40]``."""
    network = build_host_network(graph, "dsp", flag="-O2")

    def predict(images: NDArray[np.uint8]) -> NDArray[np.int8]:
        scores = np.empty((len(images), graph.output.size), np.int8)
        for index, image in enumerate(pixels(images)):
            scores[index] = network.run(image)
        return scores

    return predict


class HostFrontEnd:
    """The front end's C code, loaded."""

    def __init__(self) -> None:
        """Compile it."""
        with tempfile.TemporaryDirectory(prefix="kws-host-") as name:
            folder = Path(name)
            (folder / frontend.HEADER).write_text(frontend.frontend_tables())
            sources = [*frontend.SOURCES, _ROWS]
            library = shared_library(sources, folder / "libkws.so", include=[folder])
            self._library = ctypes.CDLL(str(library))

    def rows(self, samples: NDArray[np.int16]) -> NDArray[np.uint8]:
        """The front end's rows of a stretch of sound, uint8 ``[frames, 40]``.

        Args:
            samples: int16 ``[samples]``; frame i is samples 320 i to 320 i + 479.
        """
        samples = np.ascontiguousarray(samples, np.int16)
        frames = max(0, (len(samples) - DEPLOYED.window) // DEPLOYED.hop + 1)
        rows = np.empty((frames, DEPLOYED.bands), np.uint8)
        self._library.kws_rows(
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(frames),
            rows.ctypes.data_as(ctypes.c_void_p),
        )
        return rows
