import pytest
import torch

from kwslib import models
from kwslib.errors import InputError
from kwslib.models import model


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("n_labels", [3, 4, 12])
def test_every_network_gives_finite_logits_and_trains(name, n_labels):
    network = models.create(name, n_labels)
    logits = network(torch.rand(2, 1, 49, 40))
    assert logits.shape == (2, n_labels)
    logits.square().mean().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all()


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="tiny_conv"):
        models.create("huge_conv", 4)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="tiny_conv"):
        model("tiny_conv")(torch.nn.Identity)
