"""Depthwise-separable convolution, of which small networks are built. No network itself."""

from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.models.padding import SameConv2d


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
