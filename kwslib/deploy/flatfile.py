"""A ``.tflite`` file as plain values, read with bounds and without trust.

The flatbuffer is read field by field with the accessors of the schema package; nothing is read
that is not asked for, every count is limited, and whatever a damaged file makes the accessors
stumble over becomes one :class:`~kwslib.errors.InputError`. Meaning is left to the reader.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.errors import InputError
from kwslib.files import read_bounded

LARGEST_FILE = 2**26
_MOST_TENSORS = 4096
_MOST_OPERATORS = 2048
_MOST_OPERANDS = 16
_MOST_AXES = 8
_IDENTIFIER = b"TFL3"

_OPTIONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "CONV_2D": (
        schema.Conv2DOptions,
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor",
         "FusedActivationFunction"),
    ),
    "DEPTHWISE_CONV_2D": (
        schema.DepthwiseConv2DOptions,
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor",
         "FusedActivationFunction", "DepthMultiplier"),
    ),
    "FULLY_CONNECTED": (
        schema.FullyConnectedOptions,
        ("FusedActivationFunction", "WeightsFormat"),
    ),
    "AVERAGE_POOL_2D": (
        schema.Pool2DOptions,
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth",
         "FusedActivationFunction"),
    ),
    "MAX_POOL_2D": (
        schema.Pool2DOptions,
        ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth",
         "FusedActivationFunction"),
    ),
    "ADD": (schema.AddOptions, ("FusedActivationFunction",)),
    "SOFTMAX": (schema.SoftmaxOptions, ("Beta",)),
    "MEAN": (None, ()),
    "PAD": (None, ()),
    "RESHAPE": (None, ()),
}  # fmt: skip
"""The operators that can be compiled, with the options that matter."""

OPERATORS = tuple(_OPTIONS)


def _names(enumeration: Any) -> dict[int, str]:
    return {
        value: name
        for name, value in vars(enumeration).items()
        if isinstance(value, int) and not name.startswith("_")
    }


_OPERATOR_NAMES = _names(schema.BuiltinOperator)
_TYPE_NAMES = _names(schema.TensorType)
_ACTIVATION_NAMES = _names(schema.ActivationFunctionType)
_PADDING_NAMES = _names(schema.Padding)
_ELEMENT_TYPES = {"INT8": np.int8, "INT32": np.int32, "INT64": np.int64, "FLOAT32": np.float32}

_STUMBLES = (
    struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, MemoryError,
)  # fmt: skip
"""What the accessors raise on a damaged flatbuffer."""


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

    def elements(self) -> NDArray[Any]:
        """The constant's elements in its shape.

        Raises:
            ValueError: there are none, or not as many bytes as the shape needs.
        """
        dtype = _ELEMENT_TYPES.get(self.type)
        if self.constant is None or dtype is None:
            raise ValueError(f"tensor {self.name!r} is no constant of a type that is known")
        values = self.constant.view(np.dtype(dtype).newbyteorder("<"))
        return values.astype(dtype).reshape(self.shape)


@dataclass(frozen=True)
class FileOperator:
    """An operator as the file says it: operands are tensor numbers, -1 for one left out."""

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
    except _STUMBLES as error:
        raise InputError(f"{where}: is damaged ({error}); convert or copy it again") from error


def _parse(data: bytes) -> FlatFile:
    model = schema.Model.GetRootAs(data)
    if model.SubgraphsLength() != 1:
        raise ValueError(f"{model.SubgraphsLength()} subgraphs in place of one")
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
        raise ValueError(f"{count} {what}, more than {most}")
    return count


def _integers(get: Callable[[int], int], count: int, most: int) -> tuple[int, ...]:
    return tuple(int(get(i)) for i in range(_limited(count, most, "entries")))


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
    special = [
        word
        for word, is_so in (
            ("variable", tensor.IsVariable()),
            ("sparse", tensor.Sparsity() is not None),
            ("kept outside of the file", tensor.ExternalBuffer() != 0),
        )
        if is_so
    ]
    return FileTensor(
        index,
        _printable(tensor.Name()),
        _TYPE_NAMES.get(tensor.Type(), str(tensor.Type())),
        _integers(tensor.Shape, tensor.ShapeLength(), _MOST_AXES),
        scales.astype(np.float32),
        zero_points.astype(np.int64),
        int(axis),
        _constant(model, tensor.Buffer()),
        " and ".join(special),
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
    table, fields = _OPTIONS.get(name, (None, ()))
    raw = operator.BuiltinOptions()
    if table is None:
        return {}
    options = table()
    if raw is None:
        raise ValueError(f"{name} without options")
    options.Init(raw.Bytes, raw.Pos)
    values = {field: getattr(options, field)() for field in fields}
    for field, names in (
        ("FusedActivationFunction", _ACTIVATION_NAMES),
        ("Padding", _PADDING_NAMES),
    ):
        if field in values:
            values[field] = names.get(values[field], f"number {values[field]}")
    return values


def _printable(name: bytes | None) -> str:
    """A name that can stand in a message and in a comment of C."""
    text = (name or b"").decode("utf-8", errors="replace")
    return re.sub(r"[^\w./:;-]", "_", text, flags=re.ASCII)[:80]
