"""No two buffers that are live together share a byte."""

import numpy as np
from accepted import graph_or_reject
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import NETWORKS

from kwslib.deploy.arena import ALIGNMENT, plan_arena
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.operators import Reshape
from kwslib.network.reader import read_graph


def live_spans(graph, scratch, arena):
    """First and last step, offset and size of everything, written without the planner."""
    spans = []
    for step, size in enumerate(scratch):
        if size:
            spans.append((step, step, arena.offsets[step], size))
    tensors = {graph.input.name: (-1, graph.input)}
    for step, operator in enumerate(graph.operators):
        tensors[operator.output.name] = (step, operator.output)
    for name, (first, tensor) in tensors.items():
        reads = [
            step
            for step, operator in enumerate(graph.operators)
            if any(source.name == name for source in operator.inputs)
        ]
        last = len(graph.operators) if name == graph.output.name else max(reads, default=first)
        spans.append((first, last, arena.offsets[name], tensor.size))
    return spans


def overlapping(spans, shared):
    for i, (first, last, start, size) in enumerate(spans):
        for other_first, other_last, other, other_size in spans[i + 1 :]:
            together = first <= other_last and other_first <= last
            if together and start < other + other_size and other < start + size:
                yield (start, other) if start != other or not shared else None


@settings(max_examples=60)
@given(NETWORKS["chain"], st.lists(st.integers(0, 500), min_size=5, max_size=5))
def test_buffers_that_live_together_lie_apart(data, scratch):
    graph = graph_or_reject(data)
    arena = plan_arena(graph, scratch)
    spans = live_spans(graph, scratch, arena)
    assert list(overlapping(spans, shared=False)) == []
    assert all(start % ALIGNMENT == 0 and start + size <= arena.size for *_, start, size in spans)
    assert arena.peak <= arena.size


def test_a_reshape_shares_the_bytes_and_tiny_conv_fits_in_what_is_live():
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    arena = plan_arena(graph, [0] * len(graph.operators))
    (reshape,) = [o for o in graph.operators if isinstance(o, Reshape)]
    offsets = [arena.offsets[t.name] for t in (reshape.input, reshape.output)]
    assert offsets[0] == offsets[1]
    # The image and what the convolution makes of it are live together, and nothing else is more.
    assert arena.size == arena.peak == np.prod([49, 40]) + np.prod([25, 20, 8])
