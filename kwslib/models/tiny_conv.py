"""tiny_conv: one convolution and one fully connected layer."""

from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.config import DEPLOYED
from kwslib.models import model
from kwslib.models.layers import SameConv2d

FILTERS = 8
_STRIDE = 2


@model("tiny_conv")
class TinyConv(nn.Module):
    """One 10x8 convolution of stride 2, ReLU, dropout, one fully connected layer.

    16,652 parameters and 336,000 multiply-accumulates for four labels.

    Source: ``create_tiny_conv_model`` of TensorFlow's speech_commands example, which
    TensorFlow Lite Micro's micro_speech runs (Warden and Situnayake, TinyML, 2019).
    """

    def __init__(self, n_labels: int, filters: int = FILTERS, dropout: float = 0.5) -> None:
        super().__init__()
        height, width = -(-DEPLOYED.frames // _STRIDE), -(-DEPLOYED.bands // _STRIDE)
        self.conv = SameConv2d(1, filters, kernel_size=(10, 8), stride=_STRIDE)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(filters * height * width, n_labels)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, 1, 49, 40]`` in 0 to 1 to logits ``[n, labels]``."""
        x = F.relu(self.conv(x))  # [n, filters, 25, 20]
        # Channels last before flattening, the order in which TFLite and the board hold them.
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.classifier(self.dropout(x))
