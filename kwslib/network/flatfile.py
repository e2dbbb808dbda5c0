"""A ``.tflite`` file as plain values, read with bounds and without trust.

The flatbuffer is read field by field with the accessors of the schema package; nothing is read
that is not asked for, every count is limited, and whatever a damaged file makes the accessors
stumble over becomes one :class:`~kwslib.errors.InputError`. Meaning is left to the reader.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.errors import InputError
from kwslib.files import read_bounded
from kwslib.network.operators import (
    Add,
    AveragePool,
    MaxPool,
    Mean,
    Operator,
    Pad,
    Reshape,
    Softmax,
)
from kwslib.network.weighted import Conv2d, DepthwiseConv2d, FullyConnected

LARGEST_FILE = 2**26
_MOST_TENSORS = 4096
_MOST_OPERATORS = 2048
_MOST_OPERANDS = 16
_MOST_AXES = 8
_IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Kind:
    """An operator in the schema.

    Attributes:
        operator: what it is here.
        table: of its options.
        version: the first that computes in int8 so.
        options: attributes of the operator that the table holds, of :data:`OPTIONS`.
    """

    operator: type[Operator]
    table: str
    version: int = 2
    options: tuple[str, ...] = ()


_SLIDING = ("activation", "padding", "stride")

KINDS: Mapping[str, Kind] = {
    "CONV_2D": Kind(Conv2d, "Conv2DOptions", 3, (*_SLIDING, "dilation")),
    "DEPTHWISE_CONV_2D": Kind(
        DepthwiseConv2d, "DepthwiseConv2DOptions", 3, (*_SLIDING, "dilation", "depth_multiplier")
    ),
    "FULLY_CONNECTED": Kind(
        FullyConnected, "FullyConnectedOptions", 4, ("activation", "weights_format")
    ),
    "AVERAGE_POOL_2D": Kind(AveragePool, "Pool2DOptions", options=(*_SLIDING, "kernel")),
    "MAX_POOL_2D": Kind(MaxPool, "Pool2DOptions", options=(*_SLIDING, "kernel")),
    "ADD": Kind(Add, "AddOptions", options=("activation",)),
    "SOFTMAX": Kind(Softmax, "SoftmaxOptions", options=("beta",)),
    "MEAN": Kind(Mean, "ReducerOptions"),
    "PAD": Kind(Pad, "PadOptions"),
    "RESHAPE": Kind(Reshape, "ReshapeOptions", 1),
}
"""What can be read, written and compiled, by its name in the schema."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "activation": ("FusedActivationFunction",),
    "padding": ("Padding",),
    "stride": ("StrideH", "StrideW"),
    "dilation": ("DilationHFactor", "DilationWFactor"),
    "kernel": ("FilterHeight", "FilterWidth"),
    "depth_multiplier": ("DepthMultiplier",),
    "weights_format": ("WeightsFormat",),
    "beta": ("Beta",),
}
"""What the schema calls an operator's attributes; a pair has a name for each of its two."""

ENUMERATIONS = {"activation": schema.ActivationFunctionType, "padding": schema.Padding}
"""Of options that are names."""


def _names(enumeration: Any) -> dict[int, str]:
    return {
        value: name
        for name, value in vars(enumeration).items()
        if isinstance(value, int) and not name.startswith("_")
    }


_OPERATOR_NAMES = _names(schema.BuiltinOperator)
_TYPE_NAMES = _names(schema.TensorType)
_ELEMENT_TYPES = {"INT8": np.int8, "INT32": np.int32, "INT64": np.int64, "FLOAT32": np.float32}

_STUMBLES = (
    struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, MemoryError,
)  # fmt: skip
"""What the accessors raise on a damaged flatbuffer."""


class _UnknownError(Exception):
    """A file that may be valid holds more than what is read here."""


@dataclass(frozen=True)
class FileTensor:
    """A tensor as the file says it.

    Attributes:
        index: its number.
        name: its name, made printable.
        type: e.g. ``"INT8"``.
        shape: as stored.
        scales: float32, empty where the tensor is not quantized.
        zero_points: int64.
        axis: of the scales, where there are several.
        constant: its bytes in the file, or None for an activation.
        special: what makes it more than a plain tensor (variable, sparse), or nothing.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    constant: NDArray[np.uint8] | None
    special: str

    def elements(self, *types: str) -> NDArray[Any]:
        """The constant's elements in its shape.

        Args:
            types: one of which it must have; any without them.

        Raises:
            ValueError: it is no such constant, or has not as many bytes as its shape needs.
        """
        dtype = np.dtype(_ELEMENT_TYPES.get(self.type, np.void)).newbyteorder("<")
        if self.constant is None or self.type not in (types or _ELEMENT_TYPES):
            raise ValueError(f"tensor {self.name!r} must be a constant of {' or '.join(types)}")
        if len(self.constant) != math.prod(self.shape) * dtype.itemsize:
            raise ValueError(f"constant {self.name!r} does not fill its shape")
        return self.constant.view(dtype).astype(dtype.newbyteorder("=")).reshape(self.shape)


@dataclass(frozen=True)
class FileOperator:
    """An operator as the file says it.

    Attributes:
        index: its number.
        name: in the schema.
        inputs, outputs: numbers of tensors, -1 for one left out.
        options: attributes of the operator, by :data:`OPTIONS`.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class FlatFile:
    """What a file holds."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_file(path: Path | str) -> bytes:
    """A ``.tflite`` file's bytes, if there are not absurdly many.

    Raises:
        InputError: it cannot be read, or is larger than any network for a microcontroller.
    """
    return read_bounded(path, LARGEST_FILE, "'kws convert' makes a .tflite file")


def parse(data: bytes, where: str = "model") -> FlatFile:
    """The tensors and operators of a ``.tflite`` file's only subgraph.

    Args:
        data: the file.
        where: its name, for messages.

    Raises:
        InputError: this is no TFLite file, it is damaged, or it has more than one subgraph.
    """
    if data[4:8] != _IDENTIFIER:
        raise InputError(f"{where}: is no TFLite file; 'kws convert' makes one")
    try:
        return _parse(data)
    except _UnknownError as error:
        raise InputError(f"{where}: {error}; 'kws convert' makes a simpler file") from error
    except _STUMBLES as error:
        raise InputError(f"{where}: is damaged ({error}); convert or copy it again") from error


def _parse(data: bytes) -> FlatFile:
    model = schema.Model.GetRootAs(data)
    _limited(model.SubgraphsLength(), 1, "subgraphs")
    subgraph = model.Subgraphs(0)
    n_tensors = _limited(subgraph.TensorsLength(), _MOST_TENSORS, "tensors")
    n_operators = _limited(subgraph.OperatorsLength(), _MOST_OPERATORS, "operators")
    return FlatFile(
        tensors=tuple(_tensor(model, subgraph.Tensors(i), i) for i in range(n_tensors)),
        operators=tuple(_operator(model, subgraph.Operators(i), i) for i in range(n_operators)),
        inputs=_integers(subgraph.Inputs, subgraph.InputsLength(), _MOST_OPERANDS),
        outputs=_integers(subgraph.Outputs, subgraph.OutputsLength(), _MOST_OPERANDS),
    )


def _limited(count: int, most: int, what: str) -> int:
    if count > most:
        raise _UnknownError(f"has {count:,} {what}, more than the {most:,} that can be read")
    return count


def _integers(get: Callable[[int], int], count: int, most: int) -> tuple[int, ...]:
    return tuple(int(get(i)) for i in range(_limited(count, most, "operands or axes in one list")))


def _tensor(model: Any, tensor: Any, index: int) -> FileTensor:
    quantization = tensor.Quantization()
    scales = zero_points = np.empty(0)
    axis = 0
    if quantization is not None and quantization.ScaleLength():
        scales = np.asarray(quantization.ScaleAsNumpy())
        axis = quantization.QuantizedDimension()
        if quantization.ZeroPointLength():
            zero_points = np.asarray(quantization.ZeroPointAsNumpy())
        else:
            zero_points = np.zeros(len(scales))
    special = {
        "variable": tensor.IsVariable(),
        "sparse": tensor.Sparsity() is not None,
        "kept outside of the file": tensor.ExternalBuffer() != 0,
    }
    return FileTensor(
        index,
        _printable(tensor.Name()),
        _TYPE_NAMES.get(tensor.Type(), str(tensor.Type())),
        _integers(tensor.Shape, tensor.ShapeLength(), _MOST_AXES),
        scales.astype(np.float32),
        zero_points.astype(np.int64),
        int(axis),
        _constant(model, tensor.Buffer()),
        " and ".join(word for word, is_so in special.items() if is_so),
    )


def _constant(model: Any, index: int) -> NDArray[np.uint8] | None:
    if not 0 <= index < model.BuffersLength():
        raise ValueError(f"buffer {index} of {model.BuffersLength()}")
    buffer = model.Buffers(index)
    if buffer.Offset() > 1:
        raise ValueError("a buffer beyond the flatbuffer, as only models over 2 GB have")
    return np.array(buffer.DataAsNumpy(), np.uint8) if buffer.DataLength() else None


def _operator(model: Any, operator: Any, index: int) -> FileOperator:
    if not 0 <= operator.OpcodeIndex() < model.OperatorCodesLength():
        raise ValueError(f"operator code {operator.OpcodeIndex()}")
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = _OPERATOR_NAMES.get(number, f"number {number}")
    return FileOperator(
        index,
        f"CUSTOM {_printable(code.CustomCode())}" if name == "CUSTOM" else name,
        _integers(operator.Inputs, operator.InputsLength(), _MOST_OPERANDS),
        _integers(operator.Outputs, operator.OutputsLength(), _MOST_OPERANDS),
        _options(operator, name),
    )


def _options(operator: Any, name: str) -> dict[str, Any]:
    kind = KINDS.get(name)
    if kind is None or not kind.options:
        return {}
    raw = operator.BuiltinOptions()
    if raw is None:
        raise ValueError(f"{name} without options")
    table = getattr(schema, kind.table)()
    table.Init(raw.Bytes, raw.Pos)
    values: dict[str, Any] = {}
    for attribute in kind.options:
        found = tuple(getattr(table, option)() for option in OPTIONS[attribute])
        values[attribute] = found if len(found) > 1 else found[0]
        if attribute in ENUMERATIONS:
            names = _names(ENUMERATIONS[attribute])
            values[attribute] = names.get(found[0], f"number {found[0]}")
    return values


def _printable(name: bytes | None) -> str:
    """A name that can stand in a message and in a comment of C."""
    text = (name or b"").decode("utf-8", errors="replace")
    return re.sub(r"[^\w./:;-]", "_", text, flags=re.ASCII)[:80]
