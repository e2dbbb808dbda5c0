"""Bytes of flash and RAM that a network needs.

Flash holds the parameters. RAM holds activations: the *live* ones, those still needed, at
the moment when they are most. At batch 1 nothing else of a network has to be in RAM.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from kwslib.cost.operations import IMAGE_SHAPE, LayerCost
from kwslib.models.traced import trace

NumberType = Literal["float32", "int8"]
NUMBER_TYPES: tuple[NumberType, ...] = ("float32", "int8")

ACTIVATION_BYTES: dict[NumberType, int] = {"float32": 4, "int8": 1}
_WEIGHT_BYTES: dict[NumberType, int] = {"float32": 4, "int8": 1}
_BIAS_BYTES = 4
_SCALE_BYTES = 4

_SHARES_INPUT = {
    # shapes only
    "permute", "flatten", "view", "reshape", "transpose", "contiguous", "squeeze", "unsqueeze",
    "Flatten", "Unflatten", "Identity",
    # element by element, written over the input or, on the board, done by the layer before
    "relu", "relu_", "relu6", "hardtanh", "dropout", "ReLU", "ReLU6", "Hardtanh", "Dropout",
    "Dropout2d", "BatchNorm1d", "BatchNorm2d",
}  # fmt: skip
"""Operations whose output lies where their input lay."""


def flash_bytes(layers: Sequence[LayerCost], number_type: NumberType) -> int:
    """Bytes of the parameters: 4 each in float32; in int8 weights 1 and biases, 32-bit, 4."""
    return sum(
        each.weights * _WEIGHT_BYTES[number_type] + each.biases * _BIAS_BYTES for each in layers
    )


def scale_bytes(layers: Sequence[LayerCost]) -> int:
    """Bytes of the float32 scales that int8 layers have when they are quantized by channel."""
    return _SCALE_BYTES * sum(each.output_shape[0] for each in layers if each.weights)


@dataclass(frozen=True)
class LiveStep:
    """Activations in memory while one operation runs. Counted in numbers, not bytes."""

    name: str
    held: int
    written: int

    @property
    def live(self) -> int:
        """What is held, the operation's inputs included, and what it writes."""
        return self.held + self.written


@dataclass(frozen=True)
class Memory:
    """Activations of a network at batch 1, counted in numbers.

    Attributes:
        steps: operations that write, in the order in which they run.
        inputs, outputs: numbers of the image and of the logits.
    """

    steps: tuple[LiveStep, ...]
    inputs: int
    outputs: int

    @property
    def peak(self) -> int:
        """Activations alive together at the worst moment; the image's where nothing is written."""
        return max((step.live for step in self.steps), default=self.inputs)


def live_memory(network: nn.Module, image_shape: tuple[int, ...] = IMAGE_SHAPE) -> Memory:
    """Follow every activation from where it is written to where it is last read.

    The network is traced, so that a tensor that waits for a residual addition counts as long
    as it waits. Reshaping, ReLU and dropout write no new tensor; padding belongs to its layer.

    Args:
        network: takes ``[1, *image_shape]``; its ``forward`` can be traced by ``torch.fx``.
        image_shape: channels, frames and bands.
    """
    was_training = network.training
    try:
        traced = trace(network.eval())
        with torch.no_grad():
            ShapeProp(traced).propagate(torch.zeros(1, *image_shape))
    finally:
        network.train(was_training)
    return _memory_of(list(traced.graph.nodes), dict(network.named_modules()))


def _memory_of(nodes: list[fx.Node], layers: dict[str, nn.Module]) -> Memory:
    owner = _buffer_owners(nodes, layers)
    last_read = {owner[read]: step for step, node in enumerate(nodes) for read in _tensors(node)}
    image, *written = [node for node in nodes if owner.get(node) is node]
    position = {node: step for step, node in enumerate(nodes)}
    steps = []
    for node in written:
        held = [
            other
            for other in [image, *written]
            if position[other] < position[node] <= last_read.get(other, -1)  # some are never read
        ]
        name = str(node.target) if node.op == "call_module" else node.name
        steps.append(LiveStep(name, sum(map(_size, held)), _size(node)))
    outputs = {owner[read] for node in nodes if node.op == "output" for read in _tensors(node)}
    return Memory(tuple(steps), _size(image), sum(map(_size, outputs)))


def _buffer_owners(nodes: list[fx.Node], layers: dict[str, nn.Module]) -> dict[fx.Node, fx.Node]:
    """For each node that gives a tensor, the node whose output it lies in."""
    owner: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        if _is_activation(node):
            reads = _tensors(node)
            shares = reads and _operation(node, layers) in _SHARES_INPUT
            owner[node] = owner[reads[0]] if shares else node
    return owner


def _operation(node: fx.Node, layers: dict[str, nn.Module]) -> str:
    if node.op == "call_module":
        layer = layers[str(node.target)]
        return next((t.__name__ for t in type(layer).__mro__ if t.__name__ in _SHARES_INPUT), "")
    return getattr(node.target, "__name__", str(node.target))


def _tensors(node: fx.Node) -> list[fx.Node]:
    return [each for each in node.all_input_nodes if _is_activation(each)]


def _is_activation(node: fx.Node) -> bool:
    return "tensor_meta" in node.meta and node.op not in ("get_attr", "output")


def _size(node: fx.Node) -> int:
    shape: Any = node.meta["tensor_meta"].shape
    return math.prod(shape[1:])
