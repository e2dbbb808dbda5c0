"""TC-ResNet8: convolutions along time, with the bands as channels."""

from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.config import DEPLOYED
from kwslib.models import model
from kwslib.models.layers import SameConv2d

_CHANNELS = (16, 24, 32, 48)
_TAPS = 9


@model("tc_resnet8")
class TcResNet8(nn.Module):
    """A convolution that takes all bands at once, three residual blocks of stride 2 along time, the
    mean, dropout, one fully connected layer.

    A row of the image is a time step with 40 channels, which a kernel as wide as the image says in
    two dimensions. On 49 frames, not the 98 of the paper, it takes half the paper's
    multiply-accumulates.

    Source: Choi et al., "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices",
    arXiv:1904.03814.
    """

    def __init__(self, n_labels: int, dropout: float = 0.5) -> None:
        super().__init__()
        first, *widths = _CHANNELS
        bands = DEPLOYED.bands
        self.first = SameConv2d(1, first, kernel_size=(3, bands), stride=(1, bands))
        self.first_norm = nn.BatchNorm2d(first)
        pairs = zip(_CHANNELS, widths, strict=False)
        self.blocks = nn.Sequential(*(_Block(channels, outputs) for channels, outputs in pairs))
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(_CHANNELS[-1], n_labels)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, 1, 49, 40]`` in 0 to 1 to logits ``[n, labels]``."""
        x = F.relu(self.first_norm(self.first(x)))  # [n, 16, 49, 1]
        x = self.blocks(x)  # [n, 48, 7, 1]
        return self.classifier(self.dropout(x.mean(dim=(2, 3))))


class _Block(nn.Module):
    """Two convolutions along time, the first of stride 2, and a 1x1 beside them."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.shortcut = SameConv2d(channels, outputs, 1, stride=(2, 1), bias=False)
        self.shortcut_norm = nn.BatchNorm2d(outputs)
        self.first = SameConv2d(channels, outputs, (_TAPS, 1), stride=(2, 1), bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = SameConv2d(outputs, outputs, (_TAPS, 1), bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, channels, time, 1]`` to ``[n, outputs, ceil(time / 2), 1]``."""
        beside = F.relu(self.shortcut_norm(self.shortcut(x)))
        x = F.relu(self.first_norm(self.first(x)))
        return F.relu(beside + self.second_norm(self.second(x)))
