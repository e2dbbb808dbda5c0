import pytest
import torch

from kwslib.cost import cost_of
from kwslib.models.layers import Separable


@pytest.mark.parametrize(
    ("kernel", "stride", "places"), [((3, 3), (1, 2), 25 * 10), ((9, 1), (2, 1), 13 * 20)]
)
def test_cost_by_its_formula(kernel, stride, places):
    cost = cost_of(Separable(8, 12, kernel, stride), image_shape=(8, 25, 20))
    taps = kernel[0] * kernel[1]
    assert cost.parameters == (taps + 1) * 8 + (8 + 1) * 12
    assert cost.macs == places * (taps * 8 + 8 * 12)


def test_a_residual_block_that_has_learned_nothing_passes_its_input_on():
    block = Separable(4, 4, residual=True).eval()
    torch.nn.init.zeros_(block.pointwise_norm.weight)
    x = torch.rand(2, 4, 5, 6)
    assert torch.equal(block(x), x)
    torch.nn.init.zeros_(block.pointwise_norm.weight)
    assert not Separable(4, 4).eval().load_state_dict(block.state_dict()).missing_keys
