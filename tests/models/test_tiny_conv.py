import torch

from kwslib import models


def test_shapes_and_parameters_are_the_published_ones():
    network = models.create("tiny_conv", 4)
    assert sum(p.numel() for p in network.parameters()) == 16_652
    assert network.conv(torch.zeros(1, 1, 49, 40)).shape == (1, 8, 25, 20)
    assert network.classifier.in_features == 4000
