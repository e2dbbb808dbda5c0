"""Unstructured pruning: which weights go, one by one or in blocks, by how small they are.

Own masks, not those of ``torch.nn.utils.prune``: that library replaces each weight by a product,
which a checkpoint, a trace and the quantizers would see. It chooses the same weights, which tests
show.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from kwslib.errors import InputError, check, check_one_of
from kwslib.prune.masks import Masks, weights_of
from kwslib.prune.norms import Norm, block_norms, blocks_to_weights

Scope = Literal["global", "layer", "lamp"]
SCOPES: tuple[Scope, ...] = ("global", "layer", "lamp")

Choose = Callable[[nn.Module, float], Masks]
"""Which weights of a network remain when a share of them is pruned."""


def check_amount(amount: float, what: str = "amount") -> None:
    """Refuse what is no share that can go.

    Raises:
        InputError: it is not from 0 to below 1.
    """
    check(f"{what} {amount:g}", 0 <= amount < 1, "a share from 0 to below 1, e.g. 0.8")


def below(network: nn.Module, threshold: float | Mapping[str, float]) -> Masks:
    """Prune the weights whose magnitude is below a threshold.

    Args:
        network: with convolutions and fully connected layers.
        threshold: one for all layers, or one for each layer by its name; a layer without one is
            left as it is.

    Raises:
        InputError: a threshold is negative, or names no layer.
    """
    weights = weights_of(network)
    given = threshold if isinstance(threshold, Mapping) else dict.fromkeys(weights, threshold)
    for name, least in given.items():
        if name not in weights:
            raise InputError(f"layer {name!r}: not in this network; it has {', '.join(weights)}")
        check(f"threshold {least:g}", least >= 0, "0 or more")
    return Masks(
        {name: weight.detach().abs() >= given.get(name, 0.0) for name, weight in weights.items()}
    )


def smallest(network: nn.Module, amount: float, scope: Scope = "global") -> Masks:
    """Prune a share of the weights, those of the least magnitude.

    With the scope ``"global"`` all layers' weights are ranked together as they are, with
    ``"layer"`` each layer loses the same share. Neither is fair to layers of different scale and
    size: ReLU lets one layer's weights be doubled where the next one's are halved, and a large
    layer can lose a share that ruins a small one. ``"lamp"`` ranks all layers' weights by a score
    without a scale: the weight's square over the sum of the squares of those of its layer that are
    no smaller, which is 1 for the largest weight of each.

    Source of ``"lamp"``: J. Lee et al., "Layer-adaptive Sparsity for the Magnitude-based Pruning"
    (ICLR 2021), equation 4.

    Args:
        network: with convolutions and fully connected layers.
        amount: share of all weights, those that are zero already among them; ``round(amount * n)``
            of n go.
        scope: what is ranked together.

    Raises:
        InputError: ``amount`` or ``scope`` is none.
    """
    check_one_of("scope", scope, SCOPES)
    score = _lamp if scope == "lamp" else torch.abs
    scores = {name: score(weight.detach()) for name, weight in weights_of(network).items()}
    if scope == "layer":
        return Masks(
            {name: _without_smallest({name: each}, amount)[name] for name, each in scores.items()}
        )
    return Masks(_without_smallest(scores, amount))


def _lamp(weight: Tensor) -> Tensor:
    squares = weight.flatten().double().square()
    order = squares.argsort(descending=True, stable=True)
    no_smaller = torch.empty_like(squares)
    no_smaller[order] = squares[order].cumsum(0)
    return (squares / no_smaller.clamp_min(torch.finfo(torch.float64).tiny)).view_as(weight)


def smallest_blocks(network: nn.Module, amount: float, kind: Norm = "l2") -> Masks:
    """Prune a share of the fully connected layers' blocks, those of the least norm: 1 x 4 weights
    of one output that lie side by side in the board's memory.

    Blocks of all these layers are ranked together; they are of one size, so their norms compare.
    Other layers stay whole.

    Args:
        network: as of :func:`smallest`.
        amount: share of the blocks.
        kind: how a block is measured.

    Raises:
        InputError: ``amount`` or ``kind`` is none, or no layer is fully connected.
    """
    remaining, scores = {}, {}
    for name, weight in weights_of(network).items():
        remaining[name] = torch.ones_like(weight, dtype=torch.bool)
        if weight.ndim == 2:
            scores[name] = block_norms(weight.detach(), kind)
    if not scores:
        raise InputError("the network has no fully connected layer; name the layers to prune")
    for name, blocks in _without_smallest(scores, amount).items():
        remaining[name] = blocks_to_weights(blocks, remaining[name].shape[1])
    return Masks(remaining)


def _without_smallest(scores: Mapping[str, Tensor], amount: float) -> dict[str, Tensor]:
    """True for all scores but the smallest ``amount`` of them; of equals the first go."""
    check_amount(amount)
    ranked = torch.cat([each.flatten() for each in scores.values()])
    if not bool(torch.isfinite(ranked).all()):
        raise InputError("some weights are NaN or infinite; train the network again")
    remain = torch.ones_like(ranked, dtype=torch.bool)
    remain[ranked.argsort(stable=True)[: round(amount * len(ranked))]] = False
    parts = remain.split([each.numel() for each in scores.values()])
    return {
        name: part.view_as(each) for (name, each), part in zip(scores.items(), parts, strict=True)
    }
