"""The published figures of the default network, and the original report's arithmetic."""

import json

import pytest
from torch import nn

from kwslib import models
from kwslib.config import Board
from kwslib.cost import cost_of
from kwslib.cost.original import as_original


@pytest.fixture(scope="module")
def tiny_conv():
    return cost_of(models.create("tiny_conv", 4))


def test_published_counts(tiny_conv):
    assert tiny_conv.parameters == 16_652
    assert tiny_conv.macs == 336_000
    assert tiny_conv.flops == 676_004
    assert tiny_conv.flash == {"float32": 66_608, "int8": 16_688}
    assert tiny_conv.channel_scales == 48


def test_shares_are_of_powers_of_two(tiny_conv):
    assert tiny_conv.flash_share["float32"] == 66_608 / 2**20
    assert tiny_conv.ram_share["int8"] == 5_960 / 2**18


def test_shares_follow_the_board():
    board = Board("small", "Cortex-M0", flash=1000, ram=100, clock_hz=1)
    cost = cost_of(nn.Sequential(nn.Linear(10, 10)), board, (10,))

    assert cost.flash_share == {"float32": 0.44, "int8": 0.14}
    assert cost.ram_share == {"float32": 0.8, "int8": 0.2}


def test_json_names_every_contract_key(tiny_conv):
    result = json.loads(json.dumps(tiny_conv.as_dict()))

    assert {"parameters", "macs", "flops", "flash", "ram", "ram_input_output"} <= set(result)
    assert sum(layer["parameters"] for layer in result["layers"]) == result["parameters"]
    assert sum(layer["flops"] for layer in result["layers"]) == result["flops"]
    assert sum(layer["flash"]["int8"] for layer in result["layers"]) == result["flash"]["int8"]


def test_the_original_report_recomputed(tiny_conv):
    original = as_original(tiny_conv)

    assert original.flops == 660_004
    assert original.ram_bytes == 7_856
    assert f"{original.flash_share:.1%}" == "6.7%"
    assert f"{original.ram_share:.1%}" == "3.1%"


def test_last_layer_loses_one_flop_a_mac(tiny_conv):
    assert tiny_conv.flops - as_original(tiny_conv).flops == 4 * 4_000


def test_batch_norm_costs_what_it_costs_once_folded():
    network = nn.Sequential(nn.Conv2d(1, 3, 2, bias=False), nn.BatchNorm2d(3), nn.ReLU())
    cost = cost_of(network, image_shape=(1, 5, 5))

    assert [layer.kind for layer in cost.layers] == ["Conv2d"]
    assert cost.parameters == 3 * 4 + 3
    assert (cost.macs, cost.flops) == (16 * 3 * 4, 2 * 16 * 3 * 4 + 16 * 3)
    assert isinstance(network[1], nn.BatchNorm2d), "the network itself stays as it is"


def test_batch_norm_that_cannot_be_folded_is_counted_as_it_is():
    cost = cost_of(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(2)), image_shape=(2, 3, 3))

    assert (cost.parameters, cost.macs) == (4, 18)
