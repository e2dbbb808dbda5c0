"""Where each buffer of a network lies in one static arena, planned from what is live when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kwslib.network.graph import Graph
from kwslib.network.operators import Reshape

ALIGNMENT = 4
"""Buffers start at, and are filled up to, multiples of this: kernels read whole words."""


@dataclass(frozen=True)
class Buffer:
    """Bytes that are needed from one step to another, both included.

    Attributes:
        name: of a tensor, or the step of an operator for its scratch space.
        size: in bytes, a multiple of ``ALIGNMENT``.
        first: step that writes it; -1 is before the first.
        last: step that reads it last.
    """

    name: str | int
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
        offsets: byte offset of each tensor by its name, and of each operator's scratch space by
            its step; tensors that share bytes share an offset.
        size: bytes of the arena.
        peak: bytes that are live at the busiest step; no plan needs less.
    """

    offsets: Mapping[str | int, int]
    size: int
    peak: int


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
    for buffer in sorted(buffers, key=lambda b: (-b.size, b.first, isinstance(b.name, str))):
        offset = 0
        for start, other in sorted(placed, key=lambda item: item[0]):
            if buffer.meets(other) and offset < start + other.size:
                if offset + buffer.size <= start:
                    break
                offset = start + other.size
        placed.append((offset, buffer))
    offsets = {buffer.name: offset for offset, buffer in placed}
    offsets |= {name: offsets[owned_by] for name, owned_by in owner.items()}
    size = max(offset + buffer.size for offset, buffer in placed)
    return Arena(offsets, size, _peak(buffers))


def _owners(graph: Graph) -> dict[str, str]:
    """The tensor whose bytes each tensor uses: its own, or those that it reshapes."""
    owner = {graph.input.name: graph.input.name}
    for operator in graph.operators:
        name = operator.output.name
        owner[name] = owner[operator.input.name] if isinstance(operator, Reshape) else name
    return owner


def _buffers(graph: Graph, scratch: Sequence[int], owner: Mapping[str, str]) -> list[Buffer]:
    sizes = {graph.input.name: graph.input.size}
    first = {graph.input.name: -1}
    last = {graph.input.name: -1}
    for step, operator in enumerate(graph.operators):
        for tensor in (*operator.inputs, operator.output):
            last[owner[tensor.name]] = step
        own = owner[operator.output.name]
        sizes.setdefault(own, operator.output.size)
        first.setdefault(own, step)
    last[owner[graph.output.name]] = len(graph.operators)
    buffers = [
        Buffer(name, _rounded(size), first[name], last[name]) for name, size in sizes.items()
    ]
    return buffers + [
        Buffer(step, _rounded(size), step, step) for step, size in enumerate(scratch) if size
    ]


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _peak(buffers: Sequence[Buffer]) -> int:
    steps = range(min(b.first for b in buffers), max(b.last for b in buffers) + 1)
    return max(sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps)
