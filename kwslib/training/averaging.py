"""The moving average of a network's weights while it is trained."""

import copy

import torch

from kwslib.models.standardise import Standardised
from kwslib.training.passes import Hooks


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
