import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kwslib.models.layers import SameConv2d, same_padding


def test_tiny_conv_is_padded_as_the_contract_says():
    assert same_padding(49, 10, 2) == (4, 5)
    assert same_padding(40, 8, 2) == (3, 3)


@given(st.integers(1, 200), st.integers(1, 12), st.integers(1, 5))
def test_output_has_the_ceiling_of_size_over_stride(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert 0 <= before <= after <= before + 1
    covered = (size + before + after - kernel) // stride + 1
    assert covered == -(-size // stride) or (kernel < stride and before == after == 0)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(5, 20), st.integers(5, 20), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)
)
def test_convolution_equals_tensorflow_same(height, width, kernel_h, kernel_w, stride):
    tf = pytest.importorskip("tensorflow")
    conv = SameConv2d(2, 3, (kernel_h, kernel_w), stride=stride)
    x = torch.randn(1, 2, height, width)
    expected = tf.nn.conv2d(
        x.permute(0, 2, 3, 1).numpy(),
        conv.weight.detach().permute(2, 3, 1, 0).numpy(),
        strides=stride,
        padding="SAME",
    ).numpy()
    ours = (conv(x) - conv.bias[:, None, None]).detach().permute(0, 2, 3, 1).numpy()
    assert ours.shape == expected.shape
    assert abs(ours - expected).max() < 1e-5
