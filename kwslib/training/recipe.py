"""How a network is trained, as data."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kwslib.data.augment import Augmentation
from kwslib.errors import check

_TRIED = {"pretraining": None, "distillation": None}
"""Settings that the records name and that no network has: they made none better."""


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
        stock: silence and other words come from so many times the clips of them that the task has,
            or from as many as the data have; a pass takes its share of them at random. A network
            learns a few clips by heart, and with them what only they have in common.
        unknown_share: a pass takes so many times the other words of the task, which differ more
            among themselves than keywords do. The loss allows for it, so that other words do not
            become likelier.
        words_weight: of a second loss, for which the network tells all words of the data apart
            beside the labels while it learns; 0 learns from the labels alone.
        augmentation: how clips are varied; None leaves them as they are.
        averaging: decay of a moving average of the weights, BatchNorm's statistics among them,
            which is what is validated and kept; 0 keeps the weights themselves. It is shorter at
            the start, so that the first weights are soon forgotten.
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
    stock: int = 1
    unknown_share: int = 1
    words_weight: float = 0.0
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    averaging: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "stock", "unknown_share"):
            check(f"{name} {getattr(self, name)}", getattr(self, name) >= 1, "at least 1")
        share, stock = self.unknown_share, self.stock
        check(f"unknown_share {share}", share <= stock, f"at most the stock, {stock}")
        weight, rate = self.words_weight, self.learning_rate
        check(f"words weight {weight}", 0 <= weight < math.inf, "0 or more, and finite")
        check(f"learning rate {rate}", 0 < rate < math.inf, "above 0 and finite")
        decay = self.averaging
        check(f"averaging {decay}", 0 <= decay < 1, "a decay from 0 to below 1")

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON, read back by :meth:`from_json`."""
        return {**asdict(self), **_TRIED}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe that :meth:`as_json` wrote, also before a setting was added that it lacks."""
        known = {name: _read(value) for name, value in settings.items() if name not in _TRIED}
        if known.get("augmentation"):
            varied = known["augmentation"].items()
            known["augmentation"] = Augmentation(**{name: _read(each) for name, each in varied})
        return cls(**known)


def _read(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_VARIED = Augmentation(
    noise_volume=0.2, gain_db=6.0, equalizer_db=8.0, time_stretch=0.08, mel_warp=0.05
)
_STRONG = replace(_VARIED, time_stretch=0.1, mel_warp=0.06, time_mask_ms=100, band_mask=4)

_NORMED = Recipe(
    epochs=80, learning_rate=6e-3, gradient_norm=1e3, warm_up=0.1, averaging=0.998,
    stock=12, augmentation=_VARIED,
)  # fmt: skip
"""For networks with BatchNorm, which bounds what a step does: gradients are hardly ever cut."""

RECIPES: Mapping[str, Recipe] = {
    "tiny_conv": Recipe(),
    "funnel_small": replace(_NORMED, epochs=100),
    "funnel_medium": replace(
        _NORMED,
        epochs=100,
        label_smoothing=0.1,
        unknown_share=4,
        words_weight=0.3,
        augmentation=replace(_VARIED, noise_snr_db=(0.0, 40.0)),
    ),
    "funnel_large": replace(_NORMED, epochs=60, augmentation=replace(_VARIED, noise_volume=0.1)),
    "funnel_teacher": replace(_NORMED, epochs=30, weight_decay=0.02, augmentation=_STRONG),
    "ds_cnn": replace(_NORMED, epochs=40),
    "tc_resnet8": replace(_NORMED, epochs=50),
}
"""The recipe of each network; one without an entry takes the default."""


def recipe_for(model: str, **changes: Any) -> Recipe:
    """The recipe of a network, with the given settings changed; None changes nothing."""
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(RECIPES.get(model, Recipe()), **given)
