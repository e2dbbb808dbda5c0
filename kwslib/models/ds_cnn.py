"""DS-CNN: a convolution and four depthwise-separable ones."""

from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.models import model
from kwslib.models.layers import SameConv2d, Separable

_FILTERS = 64
_BLOCKS = 4


@model("ds_cnn")
class DsCnn(nn.Module):
    """The keyword network of MLPerf Tiny: a 10x4 convolution to 64 channels, four 3x3
    depthwise-separable ones, the mean, dropout, one fully connected layer.

    With BatchNorm folded it has 22,604 parameters for twelve labels, as there, where Keras counts
    24,908 before, and 2,125,568 multiply-accumulates. There the image is 49 frames of 10
    coefficients and the first stride 2x2, which leaves 25x5 places. With 40 bands that would be
    25x20, four times the work; a stride of 5x4 leaves 10x10 and skips no pixel.

    Source: Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", arXiv:1711.07128;
    ``keras_model.py`` of MLPerf Tiny's keyword_spotting (Banbury et al., arXiv:2106.07597).
    """

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.first = SameConv2d(1, _FILTERS, kernel_size=(10, 4), stride=(5, 4))
        self.first_norm = nn.BatchNorm2d(_FILTERS)
        self.first_dropout = nn.Dropout(0.2)
        self.blocks = nn.Sequential(*(Separable(_FILTERS, _FILTERS) for _ in range(_BLOCKS)))
        self.dropout = nn.Dropout(0.4)
        self.classifier = nn.Linear(_FILTERS, n_labels)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, 1, 49, 40]`` in 0 to 1 to logits ``[n, labels]``."""
        x = self.first_dropout(F.relu(self.first_norm(self.first(x))))  # [n, 64, 10, 10]
        x = self.blocks(x)
        return self.classifier(self.dropout(x.mean(dim=(2, 3))))
