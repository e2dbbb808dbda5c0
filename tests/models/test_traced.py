import torch
from residual import Residual, trained_looking
from torch import nn

from kwslib.models.traced import folded_trace


def test_the_folded_network_is_the_same_and_has_no_batch_norm_in_its_steps():
    network = trained_looking(Residual())
    folded = folded_trace(network)
    images = torch.rand(4, 1, 49, 40)
    assert torch.allclose(folded(images), network(images), atol=1e-5)
    called = [folded.get_submodule(n.target) for n in folded.graph.nodes if n.op == "call_module"]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in called)
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
