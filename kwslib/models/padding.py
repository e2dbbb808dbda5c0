"""Padding as TensorFlow's SAME, which every strided layer uses so that it converts exactly."""

from torch import Tensor, nn
from torch.nn import functional as F


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis of ``size`` so that the output has ``ceil(size / stride)``.

    The odd zero goes after, unlike PyTorch's symmetric padding.

    Source: TensorFlow, "Neural Network", notes on padding (``tf.nn.convolution``).

    >>> same_padding(49, 10, 2), same_padding(40, 8, 2)
    ((4, 5), (3, 3))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """``nn.Conv2d`` padded as TensorFlow's SAME. Axes: ``[n, channels, time, frequency]``."""

    padding_value = 0.0
    """What is padded; another value than 0 only while training in other coordinates."""

    def forward(self, x: Tensor) -> Tensor:
        """``[n, in, time, frequency]`` to ``[n, out, ceil(time / s), ceil(frequency / s)]``."""
        time, frequency = (
            same_padding(size, (kernel - 1) * dilation + 1, stride)
            for size, kernel, stride, dilation in zip(
                x.shape[-2:], self.kernel_size, self.stride, self.dilation, strict=True
            )
        )
        return super().forward(F.pad(x, (*frequency, *time), value=self.padding_value))
