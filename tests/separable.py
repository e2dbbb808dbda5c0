"""A small network with depthwise-separable convolutions: what chains of channels go through."""

from torch import nn

from kwslib.models.layers import SameConv2d


def convolved(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Sequential(
        SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=groups == 1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Separable(nn.Module):
    """A convolution, two depthwise-separable ones with an addition over the second, a pooling, and
    a fully connected layer on what is flattened with channels last.
    """

    def __init__(self):
        super().__init__()
        self.stem = convolved(1, 6, (5, 4), 4)
        self.first = nn.Sequential(convolved(6, 6, 3, groups=6), convolved(6, 8, 1))
        self.second = nn.Sequential(convolved(8, 8, 3, groups=8), convolved(8, 8, 1))
        self.pool = nn.MaxPool2d(3)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(8 * 4 * 3, 4)

    def forward(self, x):
        x = self.first(self.stem(x))
        x = self.pool(x + self.second(x))  # [n, 8, 4, 3]
        return self.head(self.dropout(x.permute(0, 2, 3, 1).flatten(1)))
