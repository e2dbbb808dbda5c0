"""How a network is trained, as data."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kwslib.data.augment import Augmentation
from kwslib.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run. The defaults are those of ``tiny_conv``.

    Attributes:
        epochs: passes over the training clips.
        batch: clips in a step.
        learning_rate: the highest rate of the one-cycle schedule.
        full_rate_inputs: a layer whose units have more inputs than this learns at a rate that is
            lower in proportion. Adam moves every weight by about the learning rate, so a unit's
            sum moves by up to its inputs times that (Yang et al., arXiv:2203.03466).
        gradient_norm: the largest norm of a step's gradient; a larger one is scaled down to it.
            Without this, a few steps at a high rate switch filters off for good.
        momenta: decay of AdamW's moving averages of the gradient and of its square.
        warm_up: share of all steps in which the rate rises; it falls in the others.
        weight_decay: of AdamW, on matrices and kernels, not on biases.
        label_smoothing: probability mass given to all labels alike.
        augmentation: how clips are varied; None leaves them as they are.
    """

    epochs: int = 40
    batch: int = 128
    learning_rate: float = 4e-2
    full_rate_inputs: int = 400
    gradient_norm: float = 0.5
    momenta: tuple[float, float] = (0.9, 0.99)
    warm_up: float = 0.2
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning rate {self.learning_rate}: must be above 0 and finite")

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON, read back by :meth:`from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe that :meth:`as_json` wrote."""
        augmentation = settings.get("augmentation")
        if augmentation is not None:
            snr = augmentation.get("noise_snr_db")
            snr = tuple(snr) if snr is not None else None
            augmentation = Augmentation(**{**augmentation, "noise_snr_db": snr})
        momenta = tuple(settings["momenta"])
        return cls(**{**settings, "augmentation": augmentation, "momenta": momenta})

    def learning_rate_at(self, step: int, steps: int) -> float:
        """Learning rate of ``step`` (from 0) of ``steps``: one cycle, cosine up and down.

        It rises from a 25th of the highest rate and falls to a 10,000th of the start.

        Source: Smith and Topin, "Super-convergence", arXiv:1708.07120.
        """
        start, end = self.learning_rate / 25, self.learning_rate / 250_000
        rising = max(round(self.warm_up * steps), 1)
        if step < rising:
            return _cosine(start, self.learning_rate, step / rising)
        return _cosine(self.learning_rate, end, (step - rising) / max(steps - rising - 1, 1))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


RECIPES: Mapping[str, Recipe] = {"tiny_conv": Recipe()}
"""The recipe of each network; one without an entry takes the default."""


def recipe_for(model: str, **changes: Any) -> Recipe:
    """The recipe of a network, with the given settings changed; None changes nothing."""
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(RECIPES.get(model, Recipe()), **given)
