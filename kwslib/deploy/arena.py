"""Where each buffer of a network lies in one static arena, planned from what is live when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kwslib.deploy.graph import Graph, Reshape

ALIGNMENT = 4
"""Buffers start at, and are filled up to, multiples of this: kernels read whole words."""


@dataclass(frozen=True)
class Buffer:
    """Bytes that are needed from one step to another, both included.

    Attributes:
        name: of a tensor, ``"t3"``, or of an operator's scratch space, ``"s1"``.
        size: in bytes, a multiple of ``ALIGNMENT``.
        first: step that writes it; -1 is before the first.
        last: step that reads it last.
    """

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "Buffer") -> bool:
        """Whether both are live at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Arena:
    """A plan.

    Attributes:
        offsets: byte offset of each buffer by name; tensors that share bytes share an offset.
        size: bytes of the arena.
        peak: bytes that are live at the busiest step; no plan needs less.
    """

    offsets: Mapping[str, int]
    size: int
    peak: int


def tensor_name(index: int) -> str:
    """The buffer of the tensor with that number in the file."""
    return f"t{index}"


def scratch_name(step: int) -> str:
    """The scratch space of the operator at ``step``."""
    return f"s{step}"


def plan_arena(graph: Graph, scratch: Sequence[int]) -> Arena:
    """Place the input, the activations and the scratch spaces of a network.

    The largest first, each at the lowest offset where it meets no other (the greedy order of
    Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).

    Args:
        graph: the network.
        scratch: bytes of scratch space of each operator.
    """
    owner = _owners(graph)
    buffers = _buffers(graph, scratch, owner)
    placed: list[tuple[int, Buffer]] = []
    for buffer in sorted(buffers, key=lambda b: (-b.size, b.first, b.name)):
        offset = 0
        for start, other in sorted(placed, key=lambda item: item[0]):
            if buffer.meets(other) and offset < start + other.size:
                if offset + buffer.size <= start:
                    break
                offset = start + other.size
        placed.append((offset, buffer))
    offsets = {buffer.name: offset for offset, buffer in placed}
    for index, owned_by in owner.items():
        offsets[tensor_name(index)] = offsets[tensor_name(owned_by)]
    size = max(offset + buffer.size for offset, buffer in placed)
    return Arena(offsets, size, _peak(buffers))


def _owners(graph: Graph) -> dict[int, int]:
    """The tensor whose bytes each tensor uses: its own, or those that it reshapes."""
    owner = {graph.input.index: graph.input.index}
    for operator in graph.operators:
        index = operator.output.index
        owner[index] = owner[operator.input.index] if isinstance(operator, Reshape) else index
    return owner


def _buffers(graph: Graph, scratch: Sequence[int], owner: Mapping[int, int]) -> list[Buffer]:
    sizes = {graph.input.index: graph.input.size}
    first = {graph.input.index: -1}
    last = {graph.input.index: -1}
    for step, operator in enumerate(graph.operators):
        for tensor in operator.inputs:
            last[owner[tensor.index]] = step
        own = owner[operator.output.index]
        sizes.setdefault(own, operator.output.size)
        first.setdefault(own, step)
        last[own] = step
    last[owner[graph.output.index]] = len(graph.operators)
    buffers = [
        Buffer(tensor_name(index), _rounded(sizes[index]), first[index], last[index])
        for index in sizes
    ]
    return buffers + [
        Buffer(scratch_name(step), _rounded(size), step, step)
        for step, size in enumerate(scratch)
        if size
    ]


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _peak(buffers: Sequence[Buffer]) -> int:
    steps = range(min(b.first for b in buffers), max(b.last for b in buffers) + 1)
    return max(sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps)
