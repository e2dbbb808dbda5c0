"""Estimated prices beside what the emulated board counts."""

import numpy as np
import pytest
from batches import Batch, Example
from sparse_layers import convolution_network, fully_connected_network

from kwslib.deploy.choice import Price, choose, price_of
from kwslib.deploy.codegen import generate

LAYERS = {
    "tiny_conv's": convolution_network((49, 40), (10, 8), (2, 2), outputs=8, zeros=0.9),
    "one channel": convolution_network((30, 33), (5, 6), (1, 1), outputs=3, zeros=0.8),
    "channels": convolution_network((13, 10), (3, 3), (1, 1), channels=8, outputs=6, zeros=0.9),
    "pointwise": convolution_network((12, 5), (1, 1), (1, 1), channels=32, outputs=8, zeros=0.8),
    "single": fully_connected_network(2000, 6, zeros=0.9),
    "blocks": fully_connected_network(2000, 6, zeros=0.9, block=4),
}
WAYS = ("never", ("single", "taps"), ("blocks", "straight"))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """All layers in all ways, in the order in which they stand above."""
    examples = [
        Example(
            name,
            generate(graph, sparse=sparse),
            np.zeros((1, graph.input.size), np.int8),
            np.zeros((1, graph.output.size), np.int8),
        )
        for name, graph in LAYERS.items()
        for sparse in WAYS
    ]
    return Batch(examples, tmp_path_factory.mktemp("layers")).board()


@pytest.mark.parametrize("name", LAYERS)
def test_near_what_is_counted(name, board):
    operator = LAYERS[name].operators[0]
    for number, sparse in enumerate(WAYS, len(WAYS) * list(LAYERS).index(name)):
        (layer,) = choose(operator, True, sparse)
        price = price_of(operator, layer)
        (called,) = generate(LAYERS[name], sparse=sparse).layers
        function = f"{called}_{number}"
        cycles = board.call(function).cycles
        (code,) = [each.size for each in board.elf.functions if each.name == function]
        code += layer.weights.nbytes + sum(table.values.nbytes for table in layer.tables)
        assert price.cycles == pytest.approx(cycles, rel=0.25), layer.function
        assert price.flash == pytest.approx(code, rel=0.25, abs=500), layer.function


def test_shares_of_time_and_flash():
    """20 ms are 1,280,000 cycles; a byte of flash weighs as much as 1.2."""
    assert Price(1_280_000, 0).share == 1
    assert Price(0, 2**20).share == 1
    assert Price(100, 100).share == pytest.approx(100 / 1_280_000 + 100 / 2**20)
    assert Price(1, 2) + Price(3, 4) == Price(4, 6)
