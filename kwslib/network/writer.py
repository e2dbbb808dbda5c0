"""A network in integers as a ``.tflite`` file, without TensorFlow's converter.

Weights of fewer than 8 bits are stored as int8 within their range, and the file's facts tell
their widths, so that any interpreter runs it and our compiler can pack them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.errors import InputError
from kwslib.files import write_beside
from kwslib.network.facts import pack
from kwslib.network.flatfile import ENUMERATIONS, KINDS, OPTIONS, Kind
from kwslib.network.graph import Graph
from kwslib.network.operators import Mean, Operator, Pad, Reshape
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import DepthwiseConv2d, Weighted

_SCHEMA_VERSION = 3
_CODES = {kind.operator: code for code, kind in KINDS.items()}


def tflite_bytes(network: Graph) -> bytes:
    """The network as a ``.tflite`` file, the same bytes each time.

    Its facts are the network's, with ``weight_bits``: the width of each operator's weights, in
    order.

    Raises:
        InputError: a tensor is narrower than 8 bits, which no ``.tflite`` file can say.
    """
    writer = _Writer()
    for tensor in network.inputs:
        writer.activation(tensor)
    for operator in network.operators:
        writer.activation(operator.output)
        writer.operator(operator)
    facts = {**network.facts, "weight_bits": list(network.weight_bits)}
    return pack(writer.model(network), facts)


def write_tflite(network: Graph, path: Path) -> int:
    """Write the network to a file, whole or not at all; its size in bytes.

    Raises:
        InputError: as of :func:`tflite_bytes`, or the file cannot be written.
    """
    data = tflite_bytes(network)
    with write_beside(path) as temporary:
        temporary.write_bytes(data)
    return len(data)


class _Writer:
    """Collects tensors, constants and operators in the schema's object API."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]  # the first stands for "no data"
        self._tensors: list[schema.TensorT] = []
        self._codes: list[schema.OperatorCodeT] = []
        self._operators: list[schema.OperatorT] = []
        self._numbers: dict[str, int] = {}

    def activation(self, tensor: Tensor) -> None:
        """Add a tensor that operators name."""
        if tensor.bits != 8:
            raise InputError(
                f"tensor {tensor.name!r}: has {tensor.bits} bits, and a .tflite file holds "
                "activations of 8 only; give activations 8 bits, or run the network in integers"
            )
        scale = np.array([tensor.scale], np.float32)
        self._numbers[tensor.name] = self._add(
            tensor.name, tensor.shape, tensor.type, _quantization(scale, tensor.zero_point)
        )

    def operator(self, operator: Operator) -> None:
        """Add an operator, whose tensors are there, and its constants."""
        kind = KINDS[_CODES[type(operator)]]
        code = getattr(schema.BuiltinOperator, _CODES[type(operator)])
        options = {name[0].lower() + name[1:]: each for name, each in _options(operator, kind)}
        inputs = [self._numbers[tensor.name] for tensor in operator.inputs]
        entry = schema.OperatorT(
            opcodeIndex=len(self._codes),
            inputs=inputs + self._constants(operator),
            outputs=[self._numbers[operator.output.name]],
            builtinOptionsType=getattr(schema.BuiltinOptions, kind.table),
            builtinOptions=getattr(schema, f"{kind.table}T")(**options),
        )
        self._codes.append(schema.OperatorCodeT(code, version=kind.version, builtinCode=code))
        self._operators.append(entry)

    def model(self, network: Graph) -> schema.ModelT:
        """What was collected."""
        inputs, outputs = (
            [self._numbers[tensor.name] for tensor in tensors]
            for tensors in (network.inputs, network.outputs)
        )
        graph = schema.SubGraphT(self._tensors, inputs, outputs, self._operators)
        return schema.ModelT(_SCHEMA_VERSION, self._codes, [graph], buffers=self._buffers)

    def _constants(self, operator: Operator) -> list[int]:
        """Add what an operator reads beside activations; the numbers of the tensors."""
        name = operator.output.name
        if isinstance(operator, Weighted):
            weights, axis = operator.weights, operator.output_axis
            if isinstance(operator, DepthwiseConv2d):
                weights = weights[np.newaxis]
            scales = _quantization(operator.scales, 0, axis % weights.ndim)
            return [
                self._constant(f"{name}/weights", weights, scales),
                self._constant(f"{name}/bias", operator.bias, _quantization(operator.bias_scales)),
            ]
        if isinstance(operator, Mean):
            return [self._constant(f"{name}/axes", np.array(operator.axes, np.int32))]
        if isinstance(operator, Pad):
            return [self._constant(f"{name}/paddings", np.array(operator.paddings, np.int32))]
        if isinstance(operator, Reshape):
            return [self._constant(f"{name}/shape", np.array(operator.output.shape, np.int32))]
        return []

    def _constant(self, name: str, values: NDArray[Any], quantization: Any = None) -> int:
        data = values.astype(values.dtype.newbyteorder("<")).tobytes()
        self._buffers.append(schema.BufferT(list(data)))
        kind = values.dtype.name.upper()
        return self._add(name, values.shape, kind, quantization, len(self._buffers) - 1)

    def _add(
        self, name: str, shape: tuple[int, ...], kind: str, quantization: Any, buffer: int = 0
    ) -> int:
        element = getattr(schema.TensorType, kind)
        self._tensors.append(schema.TensorT(list(shape), element, buffer, name, quantization))
        return len(self._tensors) - 1


def _quantization(
    scales: NDArray[np.float32], zero_point: int = 0, axis: int = 0
) -> schema.QuantizationParametersT:
    return schema.QuantizationParametersT(
        scale=scales.tolist(), zeroPoint=[zero_point] * len(scales), quantizedDimension=axis
    )


def _options(operator: Operator, kind: Kind) -> Iterator[tuple[str, Any]]:
    """The fields of an operator's table in the schema."""
    for attribute in kind.options:
        value = getattr(operator, attribute)
        if attribute in ENUMERATIONS:
            value = getattr(ENUMERATIONS[attribute], value)
        each = value if isinstance(value, tuple) else (value,)
        yield from zip(OPTIONS[attribute], each, strict=True)
    if isinstance(operator, Mean):
        yield "KeepDims", len(operator.output.shape) == len(operator.input.shape)
    if isinstance(operator, Reshape):
        yield "NewShape", list(operator.output.shape)
