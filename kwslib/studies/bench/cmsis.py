"""CMSIS-NN on the emulated board: what people use today, to be measured against.

The sources are those of CMSIS-NN 4.0 that the ``bakenn`` wheel carries, compiled with the DSP
instructions.
"""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.board.emulator import Emulator
from kwslib.deploy.toolchain import Compiler, cortex_m4
from kwslib.errors import InputError
from kwslib.network.graph import Graph
from kwslib.network.operators import Operator, Reshape, Softmax
from kwslib.network.weighted import Conv2d, FullyConnected

_WRAPPER = Path(__file__).parent / "c" / "cmsis_nn.c"
_BUFFER = 8192


class CmsisNetwork:
    """A convolution, a fully connected layer with one multiplier, and a softmax."""

    def __init__(self, graph: Graph, folder: Path, flags: list[str], compiler: Compiler) -> None:
        """Build it in a folder of its own.

        Raises:
            InputError: the wheel or the compiler is not installed.
        """
        vendor = _vendor()
        folder.mkdir(parents=True)
        (folder / "constants.h").write_text(_constants(graph))
        program = cortex_m4(
            [_WRAPPER, *sorted((vendor / "cmsis_nn" / "Source").glob("*/*.c"))],
            folder / "cmsis.elf",
            include=[
                folder,
                _WRAPPER.parent / "include",
                vendor / "cmsis_nn" / "Include",
                vendor / "cmsis_core" / "Include",
            ],
            define=["BAKENN_CMSIS_NN_BUILTIN_MEMORY"],  # loads of words, not calls of memcpy
            flags=[*flags, "-w"],
            compiler=compiler,
        )
        self.board = Emulator(program)
        self._layers = _layers(graph)

    def convolution(self, values: NDArray[np.int8]) -> tuple[NDArray[np.int8], int]:
        """Output of the convolution, int8 flat, and executed instructions."""
        return self._run("cmsis_convolution", values, "cmsis_convolved", self._layers[0])

    def network(self, values: NDArray[np.int8]) -> tuple[NDArray[np.int8], int]:
        """Output of the network, int8 flat, and executed instructions."""
        return self._run("cmsis_network", values, "cmsis_scores", self._layers[2])

    def _run(
        self, function: str, values: NDArray[np.int8], place: str, layer: Operator
    ) -> tuple[NDArray[np.int8], int]:
        self.board.write(self.board.call("cmsis_input").value, values.tobytes())
        call = self.board.call(function)
        if call.value != 0:
            raise ValueError(f"CMSIS-NN refused with {call.value}")
        found = self.board.read(self.board.call(place).value, layer.output.size)
        return np.frombuffer(found, np.int8), call.instructions


def one_multiplier(graph: Graph) -> Graph:
    """A network with one multiplier in the fully connected layer: CMSIS-NN 4.0 knows no more."""
    operators = [
        replace(operator, scales=operator.scales[:1])
        if isinstance(operator, FullyConnected)
        else operator
        for operator in graph.operators
    ]
    return replace(graph, operators=tuple(operators))


def _vendor() -> Path:
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        raise InputError("CMSIS-NN's sources are missing; 'pip install bakenn' brings them")
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"


def _layers(graph: Graph) -> tuple[Conv2d, FullyConnected, Softmax]:
    conv, full, softmax = (o for o in graph.operators if not isinstance(o, Reshape))
    assert isinstance(conv, Conv2d)
    assert isinstance(full, FullyConnected) and len(set(full.multipliers)) == 1
    assert isinstance(softmax, Softmax)
    return conv, full, softmax


def _constants(graph: Graph) -> str:
    conv, full, softmax = _layers(graph)
    window, source, convolved, logits = conv.window, conv.input, conv.output, full.output
    numbers = {
        "BUFFER_SIZE": _BUFFER,
        "INPUT_SIZE": source.size,
        "INPUT_OFFSET": -source.zero_point,
        "IN_HEIGHT": source.shape[1],
        "IN_WIDTH": source.shape[2],
        "IN_CHANNELS": source.shape[3],
        "KERNEL_HEIGHT": window.kernel[0],
        "KERNEL_WIDTH": window.kernel[1],
        "STRIDE_HEIGHT": window.stride[0],
        "STRIDE_WIDTH": window.stride[1],
        "PAD_TOP": window.before[0],
        "PAD_LEFT": window.before[1],
        "OUT_HEIGHT": convolved.shape[1],
        "OUT_WIDTH": convolved.shape[2],
        "OUT_CHANNELS": convolved.shape[3],
        "CONVOLVED_SIZE": convolved.size,
        "CONVOLVED_ZERO_POINT": convolved.zero_point,
        "CONVOLVED_LOW": conv.clamp.low,
        "CONVOLVED_HIGH": conv.clamp.high,
        "OUTPUTS": logits.size,
        "FULL_MULTIPLIER": full.multipliers[0].mantissa,
        "FULL_SHIFT": full.multipliers[0].exponent,
        "LOGITS_ZERO_POINT": logits.zero_point,
        "LOGITS_LOW": full.clamp.low,
        "LOGITS_HIGH": full.clamp.high,
        "DISTANCES": len(softmax.exponentials),
    }
    arrays: dict[str, NDArray[np.integer]] = {
        "const int8_t weights": conv.weights,
        "const int32_t biases": conv.bias,
        # CMSIS-NN's interface lacks a const here.
        "int32_t multipliers": np.array([by.mantissa for by in conv.multipliers]),
        "int32_t shifts": np.array([by.exponent for by in conv.multipliers]),
        "const int8_t full_weights": full.weights,
        "const int32_t full_biases": full.bias,
        "const int32_t exponentials": softmax.exponentials,
    }
    lines = [f"#define {name} ({value})" for name, value in numbers.items()]
    lines += [
        f"static {declaration}[] = {{{', '.join(map(str, values.reshape(-1).tolist()))}}};"
        for declaration, values in arrays.items()
    ]
    return "\n".join(lines) + "\n"
