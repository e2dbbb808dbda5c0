"""The state of a fit between two passes, which is saved and gone on from."""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from kwslib.models.standardise import Standardised
from kwslib.training.passes import Hooks, optimizer_for
from kwslib.training.recipe import Recipe


class Average(Hooks):
    """Follows a network's weights, and BatchNorm's statistics among them, step by step.

    Attributes:
        network: the average, a network like the other.
    """

    def __init__(self, network: Standardised, decay: float) -> None:
        """Begin with the weights of ``network`` as they are.

        Args:
            network: what learns.
            decay: of the average, from 0 to below 1; see :func:`decay_at`.
        """
        self.network = copy.deepcopy(network)
        self._learning, self._decay, self._step = network, decay, 0

    def before_step(self, step: int, steps: int) -> None:
        """Know which step it is."""
        self._step = step

    @torch.no_grad()
    def after_step(self) -> None:
        """Move towards the new weights; BatchNorm's count of steps is taken as it is."""
        share = 1 - decay_at(self._decay, self._step)
        means, news = self.network.state_dict(), self._learning.state_dict()
        for mean, new in zip(means.values(), news.values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, share)
            else:
                mean.copy_(new)


def decay_at(decay: float, step: int) -> float:
    """Decay of the moving average at ``step``, from 0: at first the mean of about all steps."""
    return min(decay, (1 + step) / (10 + step))


class Run:
    """A network that learns, its optimizer, and the moving average of its weights.

    Attributes:
        network: what is trained.
        average: of its weights, where the recipe asks for one.
        optimizer: of :func:`kwslib.training.passes.optimizer_for`.
    """

    def __init__(self, network: Standardised, recipe: Recipe) -> None:
        """Begin with the weights of ``network`` as they are.

        They are laid out channels last, in which convolutions of few channels train in two thirds
        of the time.
        """
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        self.network = network
        self.average = Average(network, recipe.averaging) if recipe.averaging else None
        self.optimizer = optimizer_for(network, recipe, rates_by_inputs=True)

    @property
    def hooks(self) -> Sequence[Hooks]:
        """What is done around each step of a pass."""
        return () if self.average is None else (self.average,)

    @property
    def result(self) -> Standardised:
        """What is validated and kept: the average where there is one."""
        return self.network if self.average is None else self.average.network

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Everything that another run needs to go on from here, by name."""
        for name, tensor in self.network.state_dict().items():
            yield f"network.{name}", tensor
        if self.average is not None:
            for name, tensor in self.average.network.state_dict().items():
                yield f"average.{name}", tensor
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                yield f"optimizer.{index}.{name}", tensor

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what :meth:`tensors` gave."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.network.load_state_dict(parts["network"])
        if self.average is not None:
            self.average.network.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
