"""The committed figures of others: complete, sourced, and converted as they say."""

import math
import re
from pathlib import Path

import pytest
from torch import nn

from kwslib.cost import layer_costs
from kwslib.cost.literature import ORIGINAL, PATH, published
from kwslib.records import Record, read_records

NETWORKS = {network.name: network for network in published()}


def test_the_two_of_the_original_and_the_known_families_are_there():
    assert {"CRNN", "EdgeCRNN-0.5x", "EdgeCRNN-2x", ORIGINAL} <= set(NETWORKS)
    for family in ("DS-CNN", "TC-ResNet", "BC-ResNet"):
        assert any(name.startswith(family) for name in NETWORKS)


def test_macs_count_as_two_flops():
    facts = {"network": "a", "cite": "b"}
    records = [
        Record("parameters", 10, "count", "published", facts),
        Record("macs", 21, "count", "published", facts),
    ]

    assert published(records)[0].flops == 42


def test_a_network_without_operations_is_left_out():
    assert published([Record("parameters", 1, "count", "published", {"network": "a"})]) == []


def test_every_record_names_its_source():
    for record in read_records(PATH):
        assert record.source
        assert record.method in ("published", "modelled")


def test_every_citation_is_in_the_bibliography():
    bibliography = (Path(__file__).parents[2] / "book/references.bib").read_text("utf-8")
    keys = set(re.findall(r"^@\w+\{([^,]+),", bibliography, re.MULTILINE))

    assert {str(r.subject["cite"]) for r in read_records(PATH)} - {""} <= keys


def ds_cnn(channels, first_stride, second_stride, blocks):
    """DS-CNN of Hello Edge, batch norms folded, on 49 x 10 coefficients."""
    right = 1 if first_stride[1] == 2 else 2
    layers = [nn.ZeroPad2d((1, right, 4, 5)), nn.Conv2d(1, channels, (10, 4), first_stride)]
    for block in range(blocks):
        stride = second_stride if block == 0 else 1
        layers += [
            nn.Conv2d(channels, channels, 3, stride, 1, groups=channels),
            nn.Conv2d(channels, channels, 1),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 12))


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("DS-CNN-S", ds_cnn(64, (2, 2), 1, 4)),
        ("DS-CNN-M", ds_cnn(172, (2, 1), 2, 4)),
        ("DS-CNN-L", ds_cnn(276, (2, 1), 2, 5)),
    ],
)
def test_our_counter_finds_the_published_ds_cnn(name, network):
    layers = layer_costs(network, (1, 49, 10))

    assert sum(layer.parameters for layer in layers) == NETWORKS[name].parameters.value
    assert math.isclose(sum(layer.flops for layer in layers), NETWORKS[name].flops, rel_tol=0.02)


def test_mlperf_tiny_is_ds_cnn_s():
    layers = layer_costs(ds_cnn(64, (2, 2), 1, 4), (1, 49, 10))
    (reference,) = (r for r in read_records(PATH) if "MLPerf" in r.subject["network"])

    assert math.isclose(sum(layer.macs for layer in layers), reference.value, rel_tol=0.005)


def test_the_original_claims():
    assert NETWORKS[ORIGINAL].flops == 660_004
