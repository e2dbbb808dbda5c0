"""A quantized network as a ``.tflite`` file, without TensorFlow's converter.

Weights of fewer than 8 bits are stored as int8 within their range, and the file's facts tell
their widths, so that any interpreter runs it and our compiler can pack them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.deploy.tflite_file import pack
from kwslib.errors import InputError
from kwslib.files import write_beside
from kwslib.quantize.integer import IntegerNetwork
from kwslib.quantize.integer_layers import (
    Add,
    AveragePool,
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    Layer,
    MaxPool,
    Mean,
    Pool,
    Reshape,
    Softmax,
    Weighted,
)
from kwslib.quantize.integer_tensor import IntegerTensor

_SCHEMA_VERSION = 3


def tflite_bytes(network: IntegerNetwork) -> bytes:
    """The network as a ``.tflite`` file, the same bytes each time.

    Its facts are the network's, with ``labels``, and ``weight_bits``: the width of each layer that
    has weights, in order.

    Raises:
        InputError: a tensor is narrower than 8 bits, which no ``.tflite`` file can say.
    """
    for tensor in (network.input, *(layer.output for layer in network.layers)):
        if tensor.bits != 8:
            raise InputError(
                f"tensor {tensor.name!r}: has {tensor.bits} bits, and a .tflite file holds "
                "activations of 8 only; give activations 8 bits, or run the network in integers"
            )
    writer = _Writer()
    writer.activation(network.input)
    for layer in network.layers:
        writer.activation(layer.output)
        _OPERATORS[type(layer)](writer, layer)
    facts = {
        **network.facts,
        "labels": list(network.labels),
        "weight_bits": list(network.weight_bits),
    }
    return pack(writer.model(network), facts)


def write_tflite(network: IntegerNetwork, path: Path) -> int:
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

    def activation(self, tensor: IntegerTensor) -> None:
        """Add a tensor that operators name."""
        scale = np.array([tensor.scale], np.float32)
        self._numbers[tensor.name] = self._add(
            tensor.name, tensor.shape, "INT8", _quantization(scale, tensor.zero_point)
        )

    def constant(
        self, name: str, values: NDArray[Any], scales: NDArray[np.float32] | None = None,
        axis: int = 0,
    ) -> int:  # fmt: skip
        """Add int8 or int32 ``values``, with ``scales`` along ``axis`` where they are quantized."""
        little_endian = values.astype(values.dtype.newbyteorder("<"))
        buffer = schema.BufferT()
        buffer.data = list(little_endian.tobytes())
        self._buffers.append(buffer)
        quantization = None if scales is None else _quantization(scales, 0, axis)
        kind = values.dtype.name.upper()
        return self._add(name, values.shape, kind, quantization, len(self._buffers) - 1)

    def operator(
        self, name: str, version: int, layer: Layer, constants: tuple[int, ...], options: Any
    ) -> None:
        """Add an operator that reads the layer's inputs, then ``constants``.

        Args:
            name: in the schema.
            version: the first that computes in int8 so.
            layer: names the activations.
            constants: numbers of tensors.
            options: a table of the schema.
        """
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = code.builtinCode
        code.version = version
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes)
        operator.inputs = [*(self._numbers[t.name] for t in layer.inputs), *constants]
        operator.outputs = [self._numbers[layer.output.name]]
        table = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        operator.builtinOptions = options
        self._codes.append(code)
        self._operators.append(operator)

    def model(self, network: IntegerNetwork) -> schema.ModelT:
        """What was collected."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs = [self._numbers[network.input.name]]
        graph.outputs = [self._numbers[network.output.name]]
        model = schema.ModelT()
        model.version = _SCHEMA_VERSION
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = self._codes
        return model

    def _add(
        self, name: str, shape: tuple[int, ...], kind: str,
        quantization: schema.QuantizationParametersT | None, buffer: int = 0,
    ) -> int:  # fmt: skip
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
        tensor.type = getattr(schema.TensorType, kind)
        tensor.quantization = quantization
        self._tensors.append(tensor)
        return len(self._tensors) - 1


def _quantization(
    scales: NDArray[np.float32], zero_point: int, axis: int = 0
) -> schema.QuantizationParametersT:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.tolist()
    quantization.zeroPoint = [zero_point] * len(scales)
    quantization.quantizedDimension = axis
    return quantization


def _table(name: str, **fields: Any) -> Any:
    """An options table of the schema."""
    table = getattr(schema, f"{name}T")()
    for field, value in fields.items():
        setattr(table, field, value)
    return table


def _activation(layer: Weighted | Add | Pool) -> dict[str, int]:
    code = getattr(schema.ActivationFunctionType, layer.activation)
    return {"fusedActivationFunction": code}


def _sliding(layer: Conv2d | DepthwiseConv2d | Pool) -> dict[str, int]:
    down, across = layer.stride
    padding = getattr(schema.Padding, layer.padding)
    return {"strideH": down, "strideW": across, "padding": padding, **_activation(layer)}


def _weighted(writer: _Writer, layer: Weighted, weights: NDArray[np.int8], axis: int) -> tuple:
    """Weights with their scales along ``axis``, and biases."""
    name = layer.output.name
    return (
        writer.constant(f"{name}/weights", weights, layer.scales, axis),
        writer.constant(f"{name}/bias", layer.bias, layer.bias_scales),
    )


def _conv2d(writer: _Writer, layer: Conv2d) -> None:
    constants = _weighted(writer, layer, layer.weights, axis=0)
    writer.operator("CONV_2D", 3, layer, constants, _table("Conv2DOptions", **_sliding(layer)))


def _depthwise_conv2d(writer: _Writer, layer: DepthwiseConv2d) -> None:
    constants = _weighted(writer, layer, layer.weights[np.newaxis], axis=3)
    options = _table(
        "DepthwiseConv2DOptions", depthMultiplier=layer.depth_multiplier, **_sliding(layer)
    )
    writer.operator("DEPTHWISE_CONV_2D", 3, layer, constants, options)


def _fully_connected(writer: _Writer, layer: FullyConnected) -> None:
    constants = _weighted(writer, layer, layer.weights, axis=0)
    options = _table("FullyConnectedOptions", **_activation(layer))
    writer.operator("FULLY_CONNECTED", 4, layer, constants, options)


def _add(writer: _Writer, layer: Add) -> None:
    writer.operator("ADD", 2, layer, (), _table("AddOptions", **_activation(layer)))


def _pool(name: str) -> Callable[[_Writer, Pool], None]:
    def write(writer: _Writer, layer: Pool) -> None:
        height, width = layer.kernel
        options = _table("Pool2DOptions", filterHeight=height, filterWidth=width, **_sliding(layer))
        writer.operator(name, 2, layer, (), options)

    return write


def _mean(writer: _Writer, layer: Mean) -> None:
    axes = writer.constant(f"{layer.output.name}/axes", np.array([1, 2], np.int32))
    writer.operator("MEAN", 2, layer, (axes,), _table("ReducerOptions", keepDims=False))


def _reshape(writer: _Writer, layer: Reshape) -> None:
    shape = writer.constant(f"{layer.output.name}/shape", np.array(layer.output.shape, np.int32))
    options = _table("ReshapeOptions", newShape=list(layer.output.shape))
    writer.operator("RESHAPE", 1, layer, (shape,), options)


def _softmax(writer: _Writer, layer: Softmax) -> None:
    writer.operator("SOFTMAX", 2, layer, (), _table("SoftmaxOptions", beta=1.0))


_OPERATORS: Mapping[type[Layer], Callable[..., None]] = {
    Conv2d: _conv2d,
    DepthwiseConv2d: _depthwise_conv2d,
    FullyConnected: _fully_connected,
    Add: _add,
    AveragePool: _pool("AVERAGE_POOL_2D"),
    MaxPool: _pool("MAX_POOL_2D"),
    Mean: _mean,
    Reshape: _reshape,
    Softmax: _softmax,
}
