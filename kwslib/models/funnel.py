"""Funnel: depthwise-separable convolutions in two dimensions, and along time alone once the bands
have become channels.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.models import model
from kwslib.models.layers import SameConv2d, Separable

_TAPS = 9


class Funnel(nn.Module):
    """A convolution, stages of separable 3x3 convolutions that halve the bands, one that takes all
    bands that are left, separable convolutions of nine taps along time, the mean, one fully
    connected layer.

    Where a sound lies in frequency tells words apart, so nothing is averaged over bands. As in
    BC-ResNet (Kim et al., arXiv:2106.04140), work in two dimensions is done with few channels and
    most channels exist along time alone, where they are cheap, as in TC-ResNet (Choi et al.,
    arXiv:1904.03814) and MatchboxNet (Majumdar and Ginsburg, arXiv:2004.08531). Unlike in BC-ResNet
    nothing is broadcast back to the bands and BatchNorm is whole, not by sub-bands: additions are
    of equal shapes and BatchNorm folds away, so that integer kernels suffice.
    """

    def __init__(
        self,
        n_labels: int,
        first: int,
        planes: tuple[int, ...],
        plane_blocks: int,
        line: int,
        line_blocks: int,
        first_kernel: tuple[int, int] = (5, 5),
        first_stride: tuple[int, int] = (2, 2),
        line_stride: int = 2,
        dropout: float = 0.0,
    ) -> None:
        """Make it.

        Args:
            n_labels: outputs.
            first: filters of the first convolution.
            planes: channels of each stage of 3x3 convolutions.
            plane_blocks: further residual blocks of each plane.
            line: channels along time.
            line_blocks: residual blocks along time.
            first_kernel: of the first convolution, time x frequency.
            first_stride: of it, time x frequency; what it leaves of the bands is halved by each
                plane and then taken at once.
            line_stride: of a block before these; 1 leaves it out.
            dropout: before the classifier.
        """
        super().__init__()
        self.first = SameConv2d(1, first, first_kernel, first_stride)
        self.first_norm = nn.BatchNorm2d(first)
        channels, bands = first, 40 // first_stride[1]
        blocks: list[nn.Module] = []
        for width in planes:
            blocks.append(Separable(channels, width, stride=(1, 2)))
            blocks += [Separable(width, width, residual=True) for _ in range(plane_blocks)]
            channels, bands = width, -(-bands // 2)
        self.planes = nn.Sequential(*blocks)
        self.gather = Separable(channels, line, (3, bands), (1, bands))
        taps = (_TAPS, 1)
        lines = [Separable(line, line, taps, residual=True) for _ in range(line_blocks)]
        if line_stride > 1:
            lines.insert(0, Separable(line, line, taps, (line_stride, 1)))
        self.line = nn.Sequential(*lines)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(line, n_labels)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, 1, 49, 40]`` in 0 to 1 to logits ``[n, labels]``."""
        x = F.relu(self.first_norm(self.first(x)))  # [n, first, 25, 20] with the default stride
        x = self.planes(x)  # [n, planes, 25, 5]
        x = self.line(self.gather(x))  # [n, line, 13, 1]
        return self.classifier(self.dropout(x.mean(dim=(2, 3))))


_FUNNELS: Mapping[str, Mapping[str, Any]] = {
    # within the budget of tiny_conv for four labels: 16,652 parameters and 336,000
    # multiply-accumulates
    "funnel_small": {
        "first": 12, "first_kernel": (5, 8), "first_stride": (2, 4), "planes": (24,),
        "plane_blocks": 0, "line": 48, "line_blocks": 2,
    },
    # within 16,652 parameters and a million multiply-accumulates for four labels
    "funnel_medium": {
        "first": 12, "planes": (24, 32), "plane_blocks": 1, "line": 52, "line_blocks": 2,
    },
    # within 25,000 parameters and 2.7 million multiply-accumulates for twelve labels
    "funnel_large": {
        "first": 16, "planes": (32, 48), "plane_blocks": 2, "line": 60, "line_blocks": 2,
        "line_stride": 1,
    },
    # what others learn from: six times the parameters of funnel_medium and as many times its work
    "funnel_teacher": {
        "first": 32, "planes": (64, 96), "plane_blocks": 1, "line": 128, "line_blocks": 3,
        "line_stride": 1, "dropout": 0.2,
    },
}  # fmt: skip

for _name, _settings in _FUNNELS.items():
    model(_name)(partial(Funnel, **_settings))
