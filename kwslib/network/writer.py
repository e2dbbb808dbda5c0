"""A network in integers as a ``.tflite`` file, without TensorFlow's converter.

Weights of fewer than 8 bits are stored as int8 within their range, and the file's facts tell
their widths, so that any interpreter runs it and our compiler can pack them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.errors import InputError
from kwslib.files import write_beside
from kwslib.network.facts import pack
from kwslib.network.flatfile import ENUMERATIONS, KINDS, OPTIONS
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
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, _CODES[type(operator)])
        code.deprecatedBuiltinCode = code.builtinCode
        kind = KINDS[_CODES[type(operator)]]
        code.version = kind.version
        entry = schema.OperatorT()
        entry.opcodeIndex = len(self._codes)
        entry.inputs = [self._numbers[tensor.name] for tensor in operator.inputs]
        entry.inputs += self._constants(operator)
        entry.outputs = [self._numbers[operator.output.name]]
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, kind.table)
        entry.builtinOptions = getattr(schema, f"{kind.table}T")()
        for name, value in _options(operator, kind.options).items():
            setattr(entry.builtinOptions, name[0].lower() + name[1:], value)
        self._codes.append(code)
        self._operators.append(entry)

    def model(self, network: Graph) -> schema.ModelT:
        """What was collected."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs = [self._numbers[tensor.name] for tensor in network.inputs]
        graph.outputs = [self._numbers[tensor.name] for tensor in network.outputs]
        model = schema.ModelT()
        model.version = _SCHEMA_VERSION
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = self._codes
        return model

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
        buffer = schema.BufferT()
        buffer.data = list(values.astype(values.dtype.newbyteorder("<")).tobytes())
        self._buffers.append(buffer)
        kind = values.dtype.name.upper()
        return self._add(name, values.shape, kind, quantization, len(self._buffers) - 1)

    def _add(
        self, name: str, shape: tuple[int, ...], kind: str, quantization: Any, buffer: int = 0
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
        tensor.type = getattr(schema.TensorType, kind)
        tensor.quantization = quantization
        self._tensors.append(tensor)
        return len(self._tensors) - 1


def _quantization(
    scales: NDArray[np.float32], zero_point: int = 0, axis: int = 0
) -> schema.QuantizationParametersT:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.tolist()
    quantization.zeroPoint = [zero_point] * len(scales)
    quantization.quantizedDimension = axis
    return quantization


def _options(operator: Operator, attributes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of an operator's table in the schema."""
    values: dict[str, Any] = {}
    for attribute in attributes:
        value = getattr(operator, attribute)
        if attribute in ENUMERATIONS:
            value = getattr(ENUMERATIONS[attribute], value)
        each = value if isinstance(value, tuple) else (value,)
        values |= zip(OPTIONS[attribute], each, strict=True)
    if isinstance(operator, Mean):
        values["KeepDims"] = len(operator.output.shape) == len(operator.input.shape)
    if isinstance(operator, Reshape):
        values["NewShape"] = list(operator.output.shape)
    return values
