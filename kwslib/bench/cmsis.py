"""CMSIS-NN's convolution on the emulated board: what people use today, to be measured against.

The sources are those that the ``bakenn`` wheel carries, compiled with the DSP instructions.
"""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.board.emulator import Emulator
from kwslib.deploy.graph import Conv2d
from kwslib.deploy.toolchain import cortex_m4
from kwslib.errors import InputError

_WRAPPER = Path(__file__).parent / "c" / "cmsis_nn.c"
_BUFFER = 8192


def cmsis_convolution(
    conv: Conv2d, values: NDArray[np.int8], folder: Path, flags: list[str]
) -> tuple[NDArray[np.int8], int]:
    """Output and executed instructions of a convolution.

    Args:
        conv: of a graph.
        values: its input, int8.
        folder: where to build.
        flags: of the compiler.

    Raises:
        InputError: the wheel is not installed.
    """
    vendor = _vendor()
    (folder / "constants.h").write_text(_constants(conv))
    sources = [_WRAPPER]
    for part in ("ConvolutionFunctions", "NNSupportFunctions"):
        sources += sorted((vendor / "cmsis_nn" / "Source" / part).glob("*.c"))
    program = cortex_m4(
        sources,
        folder / f"cmsis{''.join(flags)}.elf",
        include=[
            folder,
            _WRAPPER.parent / "include",
            vendor / "cmsis_nn" / "Include",
            vendor / "cmsis_core" / "Include",
        ],
        define=["BAKENN_CMSIS_NN_BUILTIN_MEMORY"],  # loads of words, not calls of memcpy
        flags=[*flags, "-w"],
    )
    board = Emulator(program)
    if board.call("cmsis_buffer_size").value > _BUFFER:
        raise ValueError("the buffer is too small for this convolution")
    board.write(board.call("cmsis_input").value, values.tobytes())
    call = board.call("cmsis_run")
    if call.value != 0:
        raise ValueError(f"CMSIS-NN refused with {call.value}")
    found = board.read(board.call("cmsis_output").value, conv.output.size)
    board.write(board.call("cmsis_input").value, values.tobytes())
    return np.frombuffer(found, np.int8), call.instructions


def _vendor() -> Path:
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        raise InputError("CMSIS-NN's sources are missing; 'pip install bakenn' brings them")
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"


def _constants(conv: Conv2d) -> str:
    window, source, output = conv.window, conv.input, conv.output
    numbers = {
        "INPUT_SIZE": source.size,
        "OUTPUT_SIZE": output.size,
        "BUFFER_SIZE": _BUFFER,
        "IN_HEIGHT": source.shape[1],
        "IN_WIDTH": source.shape[2],
        "IN_CHANNELS": source.shape[3],
        "OUT_HEIGHT": output.shape[1],
        "OUT_WIDTH": output.shape[2],
        "OUT_CHANNELS": output.shape[3],
        "KERNEL_HEIGHT": window.kernel[0],
        "KERNEL_WIDTH": window.kernel[1],
        "STRIDE_HEIGHT": window.stride[0],
        "STRIDE_WIDTH": window.stride[1],
        "PAD_TOP": window.before[0],
        "PAD_LEFT": window.before[1],
        "INPUT_OFFSET": -source.zero_point,
        "OUTPUT_OFFSET": output.zero_point,
        "LOW": conv.clamp.low,
        "HIGH": conv.clamp.high,
    }
    lines = [f"#define {name} ({value})" for name, value in numbers.items()]
    arrays: dict[str, NDArray[np.integer]] = {
        "int8_t weights": conv.weights.reshape(-1),
        "int32_t biases": conv.bias,
        "int32_t multipliers": np.array([by.mantissa for by in conv.multipliers]),
        "int32_t shifts": np.array([by.exponent for by in conv.multipliers]),
    }
    for declaration, values in arrays.items():
        lines.append(f"static const {declaration}[] = {{{', '.join(map(str, values.tolist()))}}};")
    return "\n".join(lines) + "\n"
