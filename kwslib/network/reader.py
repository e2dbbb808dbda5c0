"""From a ``.tflite`` file to a checked :class:`~kwslib.network.graph.Graph`.

Whatever passes can be compiled and stays within its buffers. What cannot is named: operator,
tensor, reason. What is checked here is the file: that operands are there, and activations or
constants of the right type. Shapes and numbers are checked by the operators.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from kwslib.errors import InputError, naming
from kwslib.network.facts import facts_in
from kwslib.network.flatfile import KINDS, FileOperator, FileTensor, FlatFile, parse, read_file
from kwslib.network.graph import Graph
from kwslib.network.operators import Mean, Operator, Pad
from kwslib.network.tensors import MAX_BITS, MIN_BITS, Tensor
from kwslib.network.weighted import DepthwiseConv2d, FullyConnected, Weighted

_WEIGHT_BITS = "weight_bits"
"""The fact that tells the widths of weights; without it all have 8 bits."""

_MOST_MACS = 2**31
_BIAS_TOLERANCE = 0.02


def read_graph(path: Path | str) -> Graph:
    """The network in a ``.tflite`` file.

    Raises:
        InputError: the file is missing, damaged, not full-int8, or holds what cannot be compiled.
    """
    return graph_of(read_file(path), str(path))


def graph_of(data: bytes, where: str = "model") -> Graph:
    """The network in the bytes of a ``.tflite`` file; ``where`` names it in messages.

    Raises:
        InputError: as :func:`read_graph`.
    """
    file = parse(data, where)
    with naming(where, ValueError):
        return _Reader(file).graph(facts_in(data), hashlib.sha256(data).hexdigest())


class _Reader:
    """Turns the file's operators into the graph's, one after the other."""

    def __init__(self, file: FlatFile) -> None:
        self._file = file
        self._known: dict[int, Tensor] = {}

    def graph(self, facts: Mapping[str, Any], sha256: str) -> Graph:
        inputs = tuple(self._activation(index) for index in self._file.inputs)
        widths = _widths(self._file.operators, facts)
        operators = tuple(self._operator(each, widths) for each in self._file.operators)
        for index in self._file.outputs:
            if index not in self._known:
                raise ValueError("no operator writes the network's output")
        outputs = tuple(self._known[index] for index in self._file.outputs)
        graph = Graph(inputs, outputs, operators, facts, sha256)
        if graph.macs > _MOST_MACS:
            raise InputError(f"{graph.macs:,} multiply-accumulates are too many for a board")
        return graph

    def _operator(self, operator: FileOperator, widths: Iterator[int]) -> Operator:
        """One operator; its output is known afterwards."""
        outputs = ", ".join(self._name(index) for index in operator.outputs)
        try:
            if operator.name not in KINDS:
                raise ValueError(f"cannot be compiled; these can: {', '.join(KINDS)}")
            if len(operator.outputs) != 1:
                raise ValueError(f"has {len(operator.outputs)} outputs")
            kind = KINDS[operator.name].operator
            inputs = tuple(self._input(index) for index in operator.inputs[: kind.n_inputs])
            if operator.outputs[0] in self._known:
                raise ValueError("writes a tensor that exists already")
            output = self._activation(operator.outputs[0])
            constants = self._constants(operator.inputs[kind.n_inputs :])
            given = _constants(kind, inputs, output, constants)
            if issubclass(kind, Weighted):
                given["bits"] = next(widths)
            names = {field.name for field in fields(kind)} & set(operator.options)
            given |= {name: operator.options[name] for name in names}
            found = kind(inputs, output, **given)
            for name, value in operator.options.items():
                if getattr(found, name) != value:
                    raise ValueError(f"{name} is {value}, not {getattr(found, name)}")
        except ValueError as error:
            raise InputError(
                f"operator {operator.index} {operator.name} (output {outputs}): {error}"
            ) from error
        return found

    def _input(self, index: int) -> Tensor:
        """An operand that must be an activation."""
        if index not in self._known:
            is_constant = index != -1 and self._tensor(index).constant is not None
            what = "is a constant" if is_constant else "was not written yet"
            raise ValueError(f"needs an activation, but {self._name(index)} {what}")
        return self._known[index]

    def _constants(self, indices: Sequence[int]) -> list[FileTensor]:
        """Operands that must be constants, up to the first that is left out."""
        present = indices[: indices.index(-1)] if -1 in indices else indices
        return [self._tensor(index) for index in present]

    def _tensor(self, index: int) -> FileTensor:
        """A tensor of the file by its number."""
        if not 0 <= index < len(self._file.tensors):
            raise ValueError(f"names tensor {index} of {len(self._file.tensors)}")
        tensor = self._file.tensors[index]
        if tensor.special:
            raise ValueError(f"tensor {tensor.name!r} is {tensor.special}")
        return tensor

    def _name(self, index: int) -> str:
        """What to call a tensor in a message."""
        known = 0 <= index < len(self._file.tensors)
        return repr(self._file.tensors[index].name) if known else f"tensor {index}"

    def _activation(self, index: int) -> Tensor:
        """An int8 activation, which is known from now on."""
        tensor = self._tensor(index)
        if tensor.type != "INT8":
            raise ValueError(
                f"tensor {tensor.name!r} is {tensor.type}, not INT8; "
                "'kws convert' makes a full-int8 model"
            )
        if tensor.constant is not None:
            raise ValueError(f"tensor {tensor.name!r} is a constant where an activation is needed")
        if len(tensor.scales) != 1 or len(tensor.zero_points) != 1:
            raise ValueError(f"tensor {tensor.name!r} needs one scale and one zero point")
        is_taken = any(other.name == tensor.name for other in self._known.values())
        name = f"{tensor.name}:{index}" if is_taken else tensor.name
        scale, zero_point = float(tensor.scales[0]), int(tensor.zero_points[0])
        self._known[index] = Tensor(name, tensor.shape, scale, zero_point)
        return self._known[index]


def _widths(operators: Sequence[FileOperator], facts: Mapping[str, Any]) -> Iterator[int]:
    """The bits of each operator's weights that the file claims for them.

    Raises:
        InputError: the claim is none.
    """
    kinds = [KINDS[each.name].operator for each in operators if each.name in KINDS]
    weighted = sum(issubclass(kind, Weighted) for kind in kinds)
    claimed = facts.get(_WEIGHT_BITS, [MAX_BITS] * weighted)
    if (
        not isinstance(claimed, list)
        or len(claimed) != weighted
        or not all(type(bits) is int and MIN_BITS <= bits <= MAX_BITS for bits in claimed)
    ):
        raise InputError(
            f"{_WEIGHT_BITS!r} in its metadata must list an integer from {MIN_BITS} to "
            f"{MAX_BITS} for each of its {weighted} operators with weights; "
            "write it anew, or leave it out for 8 bits"
        )
    return iter(claimed)


def _constants(
    kind: type[Operator],
    inputs: Sequence[Tensor],
    output: Tensor,
    constants: Sequence[FileTensor],
) -> dict[str, Any]:
    """The fields of an operator that stand in constants.

    Raises:
        ValueError: one is missing, or of another type.
    """
    if issubclass(kind, Weighted | Mean | Pad) and not constants:
        raise ValueError("lacks a constant: its weights, axes or paddings")
    if issubclass(kind, Weighted):
        return _weights(kind, inputs[0].scale, output.scale, *constants)
    if issubclass(kind, Mean):
        rank = len(inputs[0].shape)
        axes = constants[0].elements("INT32").reshape(-1)
        if np.any(axes < -rank) or np.any(axes >= rank):
            raise ValueError(f"its axes do not fit a tensor of {rank}")
        return {"axes": tuple(sorted({int(axis) % rank for axis in axes}))}
    if issubclass(kind, Pad):
        paddings = constants[0].elements("INT32", "INT64")
        if paddings.shape != (len(inputs[0].shape), 2):
            raise ValueError("needs two paddings an axis")
        return {"paddings": tuple(map(tuple, paddings.tolist()))}
    return {}


def _weights(
    kind: type[Weighted],
    source: float,
    output: float,
    tensor: FileTensor,
    bias: FileTensor | None = None,
    *_: FileTensor,
) -> dict[str, Any]:
    """Weights, their scales and biases; ``source`` and ``output`` are scales."""
    weights = np.atleast_2d(tensor.elements("INT8"))
    if np.any(tensor.zero_points) or not len(tensor.scales):
        raise ValueError(f"weights {tensor.name!r} must be symmetric, with a zero point of 0")
    if len(tensor.scales) > 1 and tensor.axis != kind.output_axis % weights.ndim:
        raise ValueError(f"weights {tensor.name!r} have their scales along axis {tensor.axis}")
    if issubclass(kind, DepthwiseConv2d):
        if len(weights) != 1:
            raise ValueError(f"weights {tensor.name!r} have the shape {weights.shape}")
        weights = weights[0]
    given = {"weights": weights, "scales": tensor.scales}
    if bias is None:
        return {**given, "bias": np.zeros(weights.shape[kind.output_axis], np.int32)}
    # as ``GetQuantizedConvolutionMultipler`` of TensorFlow Lite
    if issubclass(kind, FullyConnected) and len(tensor.scales) == 1:
        distance = np.abs(source * float(tensor.scales[0]) - bias.scales.astype(float)) / output
        if len(distance) != 1 or not distance[0] <= _BIAS_TOLERANCE:
            raise ValueError(f"bias {bias.name!r} has another scale than input times weights")
    return {**given, "bias": bias.elements("INT32")}
