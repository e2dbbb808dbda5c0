"""A whole network with narrow weights, compiled."""

import numpy as np
import pytest
from devices import TINY_CONV, tiny_conv
from narrow_networks import narrowed
from reference import run_reference

from kwslib.board.emulator import static_memory
from kwslib.deploy.codegen import KERNELS, generate
from kwslib.deploy.compile import compile_network
from kwslib.deploy.host import build_host_network
from kwslib.network.reader import graph_of

WEIGHTS = 16_640


@pytest.fixture(scope="module")
def wide_flash(tmp_path_factory):
    return flash_of(tiny_conv(), tmp_path_factory.mktemp("wide"))


def flash_of(graph, folder):
    return static_memory(compile_network(graph, "emulator", folder, sparse="never").elf)[0]


@pytest.mark.parametrize(("bits", "less"), [((4, 4), 0.45), ((2, 2), 0.7), ((8, 3), 0.45)])
def test_flash_is_smaller(bits, less, wide_flash, tmp_path):
    graph = graph_of(narrowed(TINY_CONV.read_bytes(), bits))
    assert graph.weight_bits == bits
    wide = generate(tiny_conv()).weights
    assert generate(graph, sparse="never").weights < (1 - less) * wide
    assert wide_flash - flash_of(graph, tmp_path) > less * wide - 512  # code of other kernels


@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (5, 8), (4, 4), (3, 4), (2, 2)])
def test_portable_kernels_take_no_bit_more(bits, stored):
    graph = graph_of(narrowed(TINY_CONV.read_bytes(), (bits, bits)))
    assert generate(graph, "portable").weights == WEIGHTS * stored // 8


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("bits", [(4, 4), (2, 2), (3, 8), (8, 2)])
def test_the_same_scores_as_the_interpreter(bits, kernels):
    data = narrowed(TINY_CONV.read_bytes(), bits)
    images = np.random.default_rng(0).integers(-128, 128, (5, 1960)).astype(np.int8)
    network = build_host_network(graph_of(data), kernels)
    found = np.stack([network.run(image) for image in images])
    np.testing.assert_array_equal(found, run_reference(data, images))
