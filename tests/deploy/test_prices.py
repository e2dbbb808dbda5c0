"""Estimated prices beside what the emulated board counts."""

import pytest
from sparse_layers import convolution_network, fully_connected_network

from kwslib.board.emulator import Emulator
from kwslib.deploy.choice import choose
from kwslib.deploy.compile import compile_network
from kwslib.deploy.prices import Price, price_of

LAYERS = {
    "tiny_conv's": convolution_network((49, 40), (10, 8), (2, 2), outputs=8, zeros=0.9),
    "one channel": convolution_network((30, 33), (5, 6), (1, 1), outputs=3, zeros=0.8),
    "channels": convolution_network((13, 10), (3, 3), (1, 1), channels=8, outputs=6, zeros=0.9),
    "pointwise": convolution_network((12, 5), (1, 1), (1, 1), channels=32, outputs=8, zeros=0.8),
    "single": fully_connected_network(2000, 6, zeros=0.9),
    "blocks": fully_connected_network(2000, 6, zeros=0.9, block=4),
}
WAYS = ("never", ("single", "taps"), ("blocks", "straight"))


@pytest.mark.parametrize("name", LAYERS)
def test_near_what_is_counted(name, tmp_path):
    graph = LAYERS[name]
    for sparse in WAYS:
        (layer,) = choose(graph.operators[0], True, sparse)
        price = price_of(graph.operators[0], layer)
        folder = tmp_path / "_".join(sparse)
        compiled = compile_network(graph, "emulator", folder, sparse=sparse)
        board = Emulator(compiled.program)
        cycles = board.call(compiled.source.layers[0]).cycles
        (code,) = [f.size for f in board.elf.functions if f.name == compiled.source.layers[0]]
        code += layer.weights.nbytes + sum(table.values.nbytes for table in layer.tables)
        assert price.cycles == pytest.approx(cycles, rel=0.25), layer.function
        assert price.flash == pytest.approx(code, rel=0.25, abs=500), layer.function


def test_shares_of_time_and_flash():
    """20 ms are 1,280,000 cycles; a byte of flash weighs as much as 1.2."""
    assert Price(1_280_000, 0).share == 1
    assert Price(0, 2**20).share == 1
    assert Price(100, 100).share == pytest.approx(100 / 1_280_000 + 100 / 2**20)
    assert Price(1, 2) + Price(3, 4) == Price(4, 6)
