"""A compiled network on this machine: the C of the board, in a shared library."""

import ctypes
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.choice import Sparse
from kwslib.deploy.codegen import Kernels, generate
from kwslib.deploy.graph import Graph
from kwslib.deploy.toolchain import shared_library


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
    graph: Graph, kernels: Kernels = "portable", sparse: Sparse = "auto"
) -> HostNetwork:
    """Compile a graph for this machine and load it."""
    with tempfile.TemporaryDirectory(prefix="kws-host-") as name:
        folder = Path(name)
        source = generate(graph, kernels, sparse=sparse)
        (folder / "network.h").write_text(source.header)
        (folder / "network.c").write_text(source.source)
        library = shared_library(
            [folder / "network.c"], folder / "libkws.so", include=[folder], flags=["-O1"]
        )
        return HostNetwork(library, graph)
