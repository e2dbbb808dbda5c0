"""The state of a training run between two passes, and one pass.

All randomness of a pass derives from the seed and the number of the pass.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kwslib.models.standardise import Standardised
from kwslib.training.predict import to_input
from kwslib.training.recipe import Distillation, Recipe

Batches = Callable[[Tensor, torch.Generator], Tensor]
"""Training images uint8 ``[n, 98, 40]`` to deployed ones, ``[n, 49, 40]``."""


@dataclass(frozen=True)
class Pass:
    """What a pass over the training clips gave.

    Attributes:
        loss: mean over the clips, in nats.
        accuracy: share of the clips, varied as they were, that were told right.
        learning_rate: of the last step.
    """

    loss: float
    accuracy: float
    learning_rate: float


class Run:
    """A network that learns, its optimizer, and the moving average of its weights.

    Attributes:
        network: what is trained.
        average: the average, where the recipe asks for one.
        optimizer: with a group for each rate and decay; both follow from a parameter's shape.
    """

    def __init__(self, network: Standardised, recipe: Recipe) -> None:
        """Begin with the weights of ``network`` as they are."""
        self.network = network
        self.average = copy.deepcopy(network) if recipe.averaging else None
        self._recipe = recipe
        groups: dict[tuple[float, float], list[Tensor]] = {}
        for parameter in network.parameters():
            scale = min(recipe.full_rate_inputs / max(_inputs(parameter), 1), 1.0)
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": parameters, "scale": scale, "weight_decay": decay}
                for (scale, decay), parameters in groups.items()
            ],
            lr=recipe.learning_rate,
            betas=recipe.momenta,
            foreach=True,
        )

    @property
    def result(self) -> Standardised:
        """What is validated and kept: the average where there is one."""
        return self.average or self.network

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Everything that another run needs to go on from here, by name."""
        for name, tensor in self.network.state_dict().items():
            yield f"network.{name}", tensor
        if self.average is not None:
            for name, tensor in self.average.state_dict().items():
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
            self.average.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, moment = name.partition(".")
            moments.setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})

    def step(
        self, images: Tensor, labels: Tensor, number: int, steps: int, teacher: nn.Module | None
    ) -> tuple[float, int]:
        """Learn from a batch.

        Args:
            images: float ``[n, 1, 49, 40]`` in 0 to 1.
            labels: ``[n]``.
            number: of the step, from 0.
            steps: of the whole run.
            teacher: whose probabilities are learned too, where the recipe asks for it.

        Returns:
            The mean loss, and how many were told right.
        """
        recipe = self._recipe
        rate = recipe.learning_rate_at(number, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        logits = self.network(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        if recipe.distillation is not None and teacher is not None:
            with torch.inference_mode():
                wanted = teacher(images)
            weight = recipe.distillation.weight
            loss = (1 - weight) * loss + weight * divergence(logits, wanted, recipe.distillation)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.gradient_norm)
        self.optimizer.step()
        if self.average is not None:
            _move(self.average, self.network, 1 - recipe.averaging_at(number))
        return loss.item(), int((logits.argmax(1) == labels).sum())


def one_pass(
    run: Run,
    number: int,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    prepare: Batches,
    seed: int,
    teacher: nn.Module | None = None,
) -> Pass:
    """Learn from all training clips once, in an order of the pass's own.

    Args:
        run: what learns.
        number: of the pass, from 0.
        images: uint8 ``[clips, 98, 40]``.
        labels: ``[clips]``.
        recipe: how to train.
        prepare: varies a batch.
        seed: of the run.
        teacher: whose probabilities are learned too.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    torch.manual_seed(seed * 1_000_003 + number)  # dropout draws from the global generator
    batches = torch.randperm(len(images), generator=generator).split(recipe.batch)
    steps = recipe.epochs * len(batches)
    run.network.train()
    total, correct = 0.0, 0
    for index, batch in enumerate(batches, number * len(batches)):
        seen = to_input(prepare(images[batch], generator))
        loss, right = run.step(seen, labels[batch], index, steps, teacher)
        total += loss * len(batch)
        correct += right
    rate = recipe.learning_rate_at((number + 1) * len(batches) - 1, steps)
    return Pass(total / len(images), correct / len(images), rate)


def divergence(logits: Tensor, wanted: Tensor, distillation: Distillation) -> Tensor:
    """Mean Kullback-Leibler divergence in nats from a teacher's probabilities, both of logits
    ``[n, labels]`` over the temperature, times its square, which keeps gradients as large.
    """
    temperature = distillation.temperature
    return temperature**2 * F.kl_div(
        (logits / temperature).log_softmax(1),
        (wanted / temperature).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )


def _inputs(parameter: Tensor) -> int:
    """Inputs of a unit: the product of all axes but the first."""
    return parameter[0].numel() if parameter.ndim > 1 else 1


@torch.no_grad()
def _move(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move an average towards a network, BatchNorm's statistics too, but for its count of steps."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, now in pairs:
        if mean.is_floating_point():
            mean.lerp_(now, share)
        else:
            mean.copy_(now)
