"""The state of a fit between two passes, which is saved and gone on from."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from kwslib.models.standardise import Standardised
from kwslib.training.averaging import Average
from kwslib.training.passes import Hooks, optimizer_for
from kwslib.training.recipe import Recipe


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
