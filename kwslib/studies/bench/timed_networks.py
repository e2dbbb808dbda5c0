"""Networks that others timed on a physical nRF52840, for bakeNN's compiler.

They are small and made of formulas, which the authors' repository states
(github.com/scienthoon/bakeNN: benchmarks/tflm_compare/model_fixtures.py,
examples/targets/generate_smoke.py, tests/p0/model_fixtures.py). The ``bakenn`` wheel is a
dependency of development only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np

from kwslib.errors import InputError

_RESULTS = "github.com/scienthoon/bakeNN, benchmarks/tflm_compare/results/"


def bakenn(module: str = "bakenn") -> Any:
    """The package or a module of it.

    Raises:
        InputError: it is not installed.
    """
    if util.find_spec("bakenn") is None:
        raise InputError("the wheel bakenn is missing; 'pip install bakenn' brings it")
    return import_module(module)


def two_layers() -> Any:
    """Fully connected 32-16-4, one scale for the weights of a layer, as CMSIS-NN 4.0 wants it."""
    ir = bakenn("bakenn.ir")
    scale, zero_point = 0.03125, -3
    values = {"x0": _tensor(ir, (1, 32), scale, zero_point, ir.Layout.NC)}
    constants, layers = {}, []
    for i, (inputs, outputs) in enumerate(((32, 16), (16, 4))):
        weight_scale, out_scale, out_zero = 0.0078125 * (i + 1), 0.046875 * (i + 1), i - 5
        constants[f"w{i}"] = _ramp((outputs, inputs), 7 + i, 3, 41, 20)
        constants[f"b{i}"] = (np.arange(outputs) * 31 - 79).astype(np.int32)
        values |= _weights(ir, f"{i}", constants, [weight_scale] * outputs, scale, ir.Layout.OI)
        values[f"x{i + 1}"] = _tensor(ir, (1, outputs), out_scale, out_zero, ir.Layout.NC)
        low = out_zero if i == 0 else -128
        layers.append(
            ir.LinearOp(
                f"layer{i}", f"x{i}", f"w{i}", f"b{i}", f"x{i + 1}", activation_min=low,
                activation_max=127,
            )
        )  # fmt: skip
        scale = out_scale
    return _graph(ir, values, constants, layers, "x2")


def two_quantized_layers() -> Any:
    """Fully connected 32-16-4, quantised after training by bakeNN itself."""
    package = bakenn()
    first = ((np.arange(512, dtype=np.float32) % 17 - 8) / 16).reshape(16, 32)
    second = ((np.arange(64, dtype=np.float32) % 11 - 5) / 12).reshape(4, 16)
    biases = np.linspace(-0.125, 0.125, 16, dtype=np.float32)
    last = np.array([0, 0.125, -0.125, 0.0625], np.float32)
    ramp = np.linspace(-1, 1, 32, dtype=np.float32)
    layers = (
        package.FloatLinear(first, biases, True, "hidden"),
        package.FloatLinear(second, last, False, "output"),
    )
    calibration = np.stack([ramp, -ramp, np.sin(np.arange(32, dtype=np.float32))])
    return package.quantize_ptq(package.FloatMLP(layers, "two_quantized_layers"), calibration)


def convolution() -> Any:
    """3x3 over 4x4x1, padded, to two channels, with a ReLU."""
    ir = bakenn("bakenn.ir")
    constants = {
        "w0": _ramp((2, 3, 3, 1), 5, 1, 19, 9),
        "b0": np.array([4, -7], np.int32),
    }
    values = {
        "x0": _tensor(ir, (1, 4, 4, 1), 0.25, -3, ir.Layout.NHWC),
        "x1": _tensor(ir, (1, 4, 4, 2), 0.5, 1, ir.Layout.NHWC),
        **_weights(ir, "0", constants, [0.125, 0.25], 0.25, ir.Layout.OHWI),
    }
    layer = ir.Conv2DOp("layer0", "x0", "w0", "b0", "x1", padding=(1, 1, 1, 1), activation_min=1)
    return _graph(ir, values, constants, [layer], "x1")


@dataclass(frozen=True)
class Timed:
    """A network that was timed on the board, its input all at the zero point.

    Attributes:
        what: network and kernels.
        network: makes it.
        dsp: whether kernels for the Cortex-M4 were chosen.
        cmsis_nn: whether those of CMSIS-NN.
        cycles: median of 101 runs on the board, all of which were alike.
        output: its first bytes, as published.
        source: where that stands.
    """

    what: str
    network: Callable[[], Any]
    dsp: bool
    cmsis_nn: bool
    cycles: int
    output: tuple[int, ...]
    source: str

    def generate(self, folder: Path) -> None:
        """Write its C into a folder, as ``bknn_net_infer``."""
        package = bakenn()
        options = package.CBackendOptions()
        if self.dsp:
            options = package.CBackendOptions(
                kernel_policy=package.KernelPolicy.STATIC_PRIORITY,
                enable_cmsis_nn=self.cmsis_nn,
                target=package.CORTEX_M4,
            )
        package.compile(self.network(), folder, model_name="net", backend_options=options)


_FOUR_WAY = _RESULTS + "iotlab_447626_direct_cmsis_fc.md; also README of bakenn 1.0.0"
_SMLAD = _RESULTS + "iotlab_447609.md"
_CONVOLUTION = _RESULTS + "iotlab_447609_conv.md; also README of bakenn 1.0.0"
TIMED = (
    Timed(
        "fully connected 32-16-4, CMSIS-NN", two_layers, True, True,
        3786, (-5, -4, -4, -4), _FOUR_WAY,
    ),
    Timed(
        "fully connected 32-16-4, portable C", two_layers, False, False,
        8706, (-5, -4, -4, -4), _FOUR_WAY,
    ),
    Timed(
        "fully connected 32-16-4, other weights, SMLAD", two_quantized_layers, True, False,
        8872, (-8, 10, -15, 3), _SMLAD,
    ),
    Timed(
        "fully connected 32-16-4, other weights, portable C", two_quantized_layers, False, False,
        8508, (-8, 10, -15, 3), _SMLAD,
    ),
    Timed(
        "convolution 3x3 of 4x4x1 to 4x4x2, portable C", convolution, False, False,
        24610, (1, 1, 1, 1), _CONVOLUTION,
    ),
)  # fmt: skip


def _ramp(shape: tuple[int, ...], step: int, first: int, modulus: int, below: int) -> np.ndarray:
    """``(step * i + first) % modulus - below`` as int8."""
    i = np.arange(np.prod(shape))
    return ((step * i + first) % modulus - below).astype(np.int8).reshape(shape)


def _tensor(ir: Any, shape: tuple[int, ...], scale: float, zero_point: int, layout: Any) -> Any:
    return ir.TensorType(shape, ir.DType.INT8, layout, ir.PerTensorQParams(scale, zero_point))


def _weights(
    ir: Any, name: str, constants: dict[str, np.ndarray], scales: list[float], inputs: float,
    layout: Any,
) -> dict[str, Any]:  # fmt: skip
    """Types of the weights ``w`` and biases ``b`` of a layer; ``inputs``: scale of its input."""
    zeros = (0,) * len(scales)
    weights = ir.PerAxisQParams(tuple(scales), zeros, 0)
    biases = ir.PerAxisQParams(tuple(inputs * scale for scale in scales), zeros, 0)
    return {
        f"w{name}": ir.TensorType(constants[f"w{name}"].shape, ir.DType.INT8, layout, weights),
        f"b{name}": ir.TensorType((len(scales),), ir.DType.INT32, ir.Layout.C, biases),
    }


def _graph(
    ir: Any, values: dict[str, Any], constants: dict[str, np.ndarray], layers: list[Any], last: str
) -> Any:
    return ir.QuantizedGraph(
        name="net", values=values, constants=constants, ops=tuple(layers), inputs=("x0",),
        outputs=(last,),
    )  # fmt: skip
