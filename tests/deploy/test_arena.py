"""No two buffers that are live together share a byte."""

import numpy as np
from accepted import graph_or_reject
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import NETWORKS

from kwslib.deploy.arena import ALIGNMENT, plan_arena, scratch_name, tensor_name
from kwslib.deploy.graph import Reshape
from kwslib.deploy.reader import read_graph
from kwslib.models.checkpoint import PUBLISHED


def live_spans(graph, scratch, arena):
    """First and last step, offset and size of everything, written without the planner."""
    spans = []
    for step, size in enumerate(scratch):
        if size:
            spans.append((step, step, arena.offsets[scratch_name(step)], size))
    tensors = {graph.input.index: (-1, graph.input)}
    for step, operator in enumerate(graph.operators):
        tensors[operator.output.index] = (step, operator.output)
    for index, (first, tensor) in tensors.items():
        reads = [
            step
            for step, operator in enumerate(graph.operators)
            if any(source.index == index for source in operator.inputs)
        ]
        last = len(graph.operators) if index == graph.output.index else max(reads, default=first)
        spans.append((first, last, arena.offsets[tensor_name(index)], tensor.size))
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
    offsets = [arena.offsets[tensor_name(t.index)] for t in (reshape.input, reshape.output)]
    assert offsets[0] == offsets[1]
    # The image and what the convolution makes of it are live together, and nothing else is more.
    assert arena.size == arena.peak == np.prod([49, 40]) + np.prod([25, 20, 8])
