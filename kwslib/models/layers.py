"""Layers of which networks are built: convolution with TensorFlow's SAME padding, which every
strided layer uses so that it converts exactly, and the depthwise-separable block of small networks.
"""

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


class Separable(nn.Module):
    """A filter for each channel, then a 1x1 convolution that mixes them, each with BatchNorm and
    ReLU; optionally with the input added before the last ReLU.

    With a kernel of k taps, c channels in and d out it has ``(k + 1) c + (c + 1) d`` parameters
    once BatchNorm is folded, and ``k c + c d`` multiply-accumulates at each place of its output.

    Source: Howard et al., "MobileNets", arXiv:1704.04861.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        kernel: tuple[int, int] = (3, 3),
        stride: tuple[int, int] = (1, 1),
        residual: bool = False,
    ) -> None:
        """Make it.

        Args:
            channels: in.
            outputs: channels out.
            kernel: time x frequency.
            stride: time x frequency.
            residual: add the input; shapes must then agree.
        """
        super().__init__()
        self.depthwise = SameConv2d(channels, channels, kernel, stride, groups=channels, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(channels)
        self.pointwise = SameConv2d(channels, outputs, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(outputs)
        self._residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """``[n, channels, time, frequency]`` to ``[n, outputs, ceil(time / s), ...]``."""
        y = F.relu(self.depthwise_norm(self.depthwise(x)))
        y = self.pointwise_norm(self.pointwise(y))
        return F.relu(x + y if self._residual else y)
