"""Training in standardised coordinates, which is the same network in other variables.

Pixels lie in 0 to 1 with a mean far from zero, so all gradients of a kernel share one large
component and gradient descent crawls along the others. Subtracting the mean and dividing by the
standard deviation mends that (LeCun et al., "Efficient BackProp", 1998), and can be undone
exactly afterwards: ``w * (x - m) / s + b`` is ``(w / s) * x + (b - m / s * sum(w))``. The zeros
of SAME padding become ``-m / s`` in standardised coordinates.
"""

import torch
from torch import Tensor, nn

from kwslib.models.layers import SameConv2d


class Standardised(nn.Module):
    """A network that learns in standardised coordinates of its input."""

    def __init__(self, network: nn.Module, mean: float, deviation: float) -> None:
        """Wrap ``network``, whose first layer must be a :class:`SameConv2d`.

        Args:
            network: takes images in 0 to 1; its padding is changed to suit.
            mean: of the training pixels, in 0 to 1.
            deviation: their standard deviation, above 0.
        """
        super().__init__()
        self.network = network
        self.mean, self.deviation = mean, deviation
        self._name, first = input_convolution(network)
        first.padding_value = -mean / deviation

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images ``[n, 1, frames, bands]`` in 0 to 1."""
        return self.network((x - self.mean) / self.deviation)

    @classmethod
    @torch.no_grad()
    def of_trained(cls, network: nn.Module, mean: float, deviation: float) -> "Standardised":
        """Wrap a network whose weights are for images in 0 to 1, so that its logits stay.

        It is changed until :meth:`restore` undoes it: zeros among its weights stay zeros.
        """
        wrapped = cls(network, mean, deviation)
        _, first = input_convolution(network)
        assert first.bias is not None
        first.bias += mean * first.weight.sum(dim=(1, 2, 3))
        first.weight *= deviation
        return wrapped

    def restore(self) -> nn.Module:
        """The network itself, with weights and padding for images in 0 to 1 again."""
        self.network.load_state_dict(self.folded())
        input_convolution(self.network)[1].padding_value = 0.0
        return self.network

    def folded(self) -> dict[str, Tensor]:
        """Weights with which the network itself gives the same logits from images in 0 to 1."""
        state = {
            name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()
        }
        weight, bias = state[f"{self._name}.weight"], state[f"{self._name}.bias"]
        shift = weight.sum(dim=(1, 2, 3)) * (self.mean / self.deviation)
        state[f"{self._name}.bias"] = bias - shift
        state[f"{self._name}.weight"] = weight / self.deviation
        return state


def input_convolution(network: nn.Module) -> tuple[str, SameConv2d]:
    """Name and module of the convolution that sees the image.

    Raises:
        TypeError: the network's first layer is none, or has no bias to take the mean.
    """
    leaves = ((n, m) for n, m in network.named_modules() if not list(m.children()))
    name, first = next(leaves)
    if not isinstance(first, SameConv2d) or first.bias is None:
        raise TypeError(f"the first layer must be a SameConv2d with a bias, not {first}")
    return name, first


def pixel_statistics(images: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of 8-bit images, in 0 to 1."""
    counts = torch.bincount(images.flatten().int(), minlength=256).double()
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = float((counts * levels).sum() / counts.sum())
    variance = float((counts * (levels - mean).square()).sum() / counts.sum())
    return mean, max(variance, 1e-12) ** 0.5
