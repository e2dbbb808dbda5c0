"""From a ``.tflite`` file to a checked :class:`~kwslib.deploy.graph.Graph`.

Whatever passes can be compiled and stays within its buffers: every shape is worked out again and
compared with the file's, every constant has the size its shape needs, no sum can exceed 32 bits,
weights keep to the bits that the file claims for them.
What cannot be compiled is named: operator, tensor, reason.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kwslib.deploy.flatfile import OPERATORS, FileOperator, FileTensor, FlatFile, parse, read_file
from kwslib.deploy.graph import WEIGHT_BITS, Graph, Operator, Tensor, Weighted
from kwslib.deploy.lowering import LOWERINGS, Operands, Refusal
from kwslib.deploy.tflite_file import facts_in
from kwslib.errors import InputError

_WEIGHT_BITS = "weight_bits"
"""The fact that tells the widths of weights."""

_MOST_ELEMENTS = 2**24
_MOST_MACS = 2**31


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
    try:
        return _Builder(file).graph(hashlib.sha256(data).hexdigest(), facts_in(data))
    except Refusal as refusal:
        raise InputError(f"{where}: {refusal}") from refusal


def _narrowed(operators: Sequence[Operator], claimed: object) -> tuple[Operator, ...]:
    """Operators with the bits of their weights that the file claims for them.

    Raises:
        Refusal: the claim is none, or a weight does not keep to it.
    """
    weighted = sum(isinstance(operator, Weighted) for operator in operators)
    if (
        not isinstance(claimed, list)
        or len(claimed) != weighted
        or not all(type(bits) is int and bits in WEIGHT_BITS for bits in claimed)
    ):
        raise Refusal(
            f"{_WEIGHT_BITS!r} in its metadata must list an integer from {WEIGHT_BITS[0]} to "
            f"{WEIGHT_BITS[-1]} for each of its {weighted} operators with weights; "
            "write it anew, or leave it out for 8 bits"
        )
    widths = iter(claimed)
    return tuple(
        _with_bits(operator, next(widths), step) if isinstance(operator, Weighted) else operator
        for step, operator in enumerate(operators)
    )


def _with_bits(operator: Weighted, bits: int, step: int) -> Weighted:
    low, high = -(1 << bits >> 1), (1 << bits >> 1) - 1
    least, greatest = int(operator.weights.min()), int(operator.weights.max())
    if least < low or greatest > high:
        raise Refusal(
            f"operator {step} {operator.name} has weights from {least} to {greatest}, and "
            f"{_WEIGHT_BITS!r} in its metadata says {bits} bits, {low} to {high}; "
            "quantize it anew, or state the bits that it has"
        )
    return replace(operator, bits=bits)


@dataclass
class _Builder:
    """Turns the file's operators into the graph's, one after the other."""

    file: FlatFile

    def __post_init__(self) -> None:
        self.known: dict[int, Tensor] = {}

    def graph(self, sha256: str, facts: dict) -> Graph:
        """The graph.

        Raises:
            Refusal: something cannot be compiled.
        """
        for what, indices in (("inputs", self.file.inputs), ("outputs", self.file.outputs)):
            if len(indices) != 1:
                raise Refusal(f"the network has {len(indices)} {what}; one can be compiled")
        start = self.activation(self.file.inputs[0])
        self.known[start.index] = start
        operators = tuple(self.operator(operator) for operator in self.file.operators)
        if _WEIGHT_BITS in facts:
            operators = _narrowed(operators, facts[_WEIGHT_BITS])
        last = self.file.outputs[0]
        if last not in self.known or last == start.index:
            raise Refusal("no operator writes the network's output")
        graph = Graph(start, self.known[last], operators, sha256, facts)
        if graph.macs > _MOST_MACS:
            raise Refusal(f"{graph.macs:,} multiply-accumulates are too many for a board")
        return graph

    def operator(self, operator: FileOperator) -> Operator:
        """One operator; its output is known afterwards."""
        try:
            if operator.name not in OPERATORS:
                raise Refusal(f"cannot be compiled; these can: {', '.join(OPERATORS)}")
            if len(operator.outputs) != 1:
                raise Refusal(f"has {len(operator.outputs)} outputs")
            output = self.activation(operator.outputs[0])
            if output.index in self.known:
                raise Refusal(f"writes tensor {output.name!r}, which exists already")
            operands = Operands(operator, self.operands(operator), output)
            lowered = LOWERINGS[operator.name](operands)
        except Refusal as refusal:
            outputs = [self.name(index) for index in operator.outputs]
            raise Refusal(
                f"operator {operator.index} {operator.name} (output {', '.join(outputs)}): "
                f"{refusal}"
            ) from refusal
        self.known[output.index] = output
        return lowered

    def operands(self, operator: FileOperator) -> tuple[Tensor | FileTensor | None, ...]:
        """Activations as tensors, constants as the file has them, None for one left out."""
        found: list[Tensor | FileTensor | None] = []
        for index in operator.inputs:
            if index == -1:
                found.append(None)
            elif index in self.known:
                found.append(self.known[index])
            else:
                tensor = self.tensor(index)
                if tensor.constant is None:
                    raise Refusal(f"reads tensor {tensor.name!r} before anything wrote it")
                found.append(tensor)
        return tuple(found)

    def tensor(self, index: int) -> FileTensor:
        """A tensor of the file by its number."""
        if not 0 <= index < len(self.file.tensors):
            raise Refusal(f"names tensor {index} of {len(self.file.tensors)}")
        tensor = self.file.tensors[index]
        if tensor.special:
            raise Refusal(f"tensor {tensor.name!r} is {tensor.special}")
        return tensor

    def name(self, index: int) -> str:
        """What to call a tensor in a message."""
        known = 0 <= index < len(self.file.tensors)
        return repr(self.file.tensors[index].name) if known else f"tensor {index}"

    def activation(self, index: int) -> Tensor:
        """An int8 activation; its shape and quantization are checked."""
        tensor = self.tensor(index)
        if tensor.type != "INT8":
            raise Refusal(
                f"tensor {tensor.name!r} is {tensor.type}, not INT8; "
                "'kws convert' makes a full-int8 model"
            )
        if tensor.constant is not None:
            raise Refusal(f"tensor {tensor.name!r} is a constant where an activation is needed")
        shape = tensor.shape
        if any(extent < 1 for extent in shape) or math.prod(shape) > _MOST_ELEMENTS:
            raise Refusal(f"tensor {tensor.name!r} has the shape {list(shape)}")
        if len(shape) not in (2, 3, 4) or shape[0] != 1:
            raise Refusal(f"tensor {tensor.name!r} is {list(shape)}; a batch of 1 is needed")
        if len(tensor.scales) != 1 or len(tensor.zero_points) != 1:
            raise Refusal(f"tensor {tensor.name!r} needs one scale and one zero point")
        scale, zero_point = float(tensor.scales[0]), int(tensor.zero_points[0])
        if not (np.isfinite(scale) and scale > 0 and -128 <= zero_point <= 127):
            raise Refusal(f"tensor {tensor.name!r} has scale {scale}, zero point {zero_point}")
        return Tensor(index, tensor.name, shape, scale, zero_point)
