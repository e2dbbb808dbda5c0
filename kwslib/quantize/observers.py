"""What is remembered of the numbers that pass, so that a grid can be chosen for them."""

import torch
from torch import Tensor, nn

from kwslib.errors import InputError
from kwslib.quantize.affine import QParams, qparams_for_range


class MovingAverageObserver(nn.Module):
    """The range of the numbers, as an exponential moving average of each batch's.

    Source: Jacob et al. (CVPR 2018), 3.1.
    """

    least: Tensor
    greatest: Tensor

    def __init__(self, momentum: float = 0.99) -> None:
        """Begin with nothing seen; ``momentum`` is the weight of what was seen before."""
        super().__init__()
        self._momentum = momentum
        self.register_buffer("least", torch.tensor(float("nan")))
        self.register_buffer("greatest", torch.tensor(float("nan")))

    def observe(self, x: Tensor) -> None:
        """Take a batch's numbers into account."""
        for bound, new in ((self.least, x.detach().min()), (self.greatest, x.detach().max())):
            bound.copy_(new if bool(bound.isnan()) else bound.lerp(new, 1 - self._momentum))

    @property
    def has_seen(self) -> bool:
        """Whether there is a range."""
        return not bool(self.least.isnan())

    def qparams(self, bits: int) -> QParams:
        """An asymmetric grid for the range.

        Raises:
            InputError: nothing was seen.
        """
        if not self.has_seen:
            raise InputError("nothing was observed; calibrate on some clips")
        return qparams_for_range(float(self.least), float(self.greatest), bits, symmetric=False)


class BatchObserver:
    """All numbers of the batches that passed, or as many of them as are kept, evenly spread."""

    def __init__(self, kept: int = 2**20) -> None:
        """Begin with nothing seen; of each batch at most ``kept`` numbers are remembered."""
        self._kept = kept
        self._batches: list[Tensor] = []

    def observe(self, x: Tensor) -> None:
        """Take a batch's numbers into account; its extremes are always kept."""
        kept = x.detach()
        if kept.numel() > self._kept:
            flat = kept.flatten()
            step = -(-flat.numel() // self._kept)
            kept = torch.cat([flat[::step], flat.min()[None], flat.max()[None]])
        self._batches.append(kept)

    def rows(self) -> Tensor:
        """All batches, one after the other, where they were small enough to be kept whole."""
        return torch.cat(self._batches)

    def numbers(self) -> Tensor:
        """What was kept, flat.

        Raises:
            InputError: nothing was seen.
        """
        if not self._batches:
            raise InputError("nothing was observed; calibrate on some clips")
        return torch.cat([batch.flatten() for batch in self._batches])
