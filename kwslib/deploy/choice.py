"""Dense or sparse: how each layer is stored and computed, chosen when a network is compiled.

The rule. A layer of which less than a quarter of the weights is zero is dense, and so is a
depthwise one, whose filters are too small to skip in. Of the others, each sparse form that is
faster than the dense kernel is weighed by the board's time and flash that it takes (the share of
20 ms and the share of the flash, added), and the least wins; where none takes less than the dense
kernel, the layer stays dense. A convolution in lanes may have its emptiest channels sparse and the
others dense.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from kwslib.deploy.packing import Packed, pack, pack_lanes
from kwslib.deploy.prices import Price, price_of
from kwslib.deploy.sparse_packing import CONV2D, FULLY_CONNECTED, Form
from kwslib.network.operators import Operator
from kwslib.network.weighted import Conv2d, FullyConnected

Sparse = Literal["auto", "never"] | tuple[Form, ...]
"""What may be sparse: what pays, nothing, or every layer that can be in one of these forms,
whether that pays or not."""

FORMS: tuple[Form, ...] = get_args(Form)

LEAST_ZEROS = 0.25
"""Share of a layer's weights below which nobody has pruned it."""


@dataclass(frozen=True)
class Choice:
    """A way to compute a layer.

    Attributes:
        parts: kernels, each for other channels; one for all in most cases.
        price: of all.
    """

    parts: tuple[Packed, ...]
    price: Price


def choose(operator: Operator, dsp: bool, sparse: Sparse = "auto") -> tuple[Packed, ...]:
    """The kernels of a layer.

    Args:
        operator: of the graph.
        dsp: whether DSP kernels may be chosen; the portable ones are dense.
        sparse: what may be sparse.
    """
    dense = pack(operator, dsp)
    if sparse == "never" or not isinstance(operator, (FullyConnected, Conv2d)):
        return (dense,)
    if dense.channel_type != "kws_channel_dsp":  # whose arithmetic the sparse ones share
        return (dense,)
    if sparse != "auto":
        forced = [choice for form in sparse for choice in _whole(operator, form)]
        return forced[0].parts if forced else (dense,)
    if np.mean(operator.weights == 0) < LEAST_ZEROS:
        return (dense,)
    best = Choice((dense,), price_of(operator, dense))
    most = best.price.cycles
    for choice in _choices(operator, dense):
        if choice.price.cycles < most and choice.price.share < best.price.share:
            best = choice
    return best.parts


def _choices(operator: FullyConnected | Conv2d, dense: Packed) -> Iterator[Choice]:
    for form in FORMS:
        yield from _whole(operator, form)
        if isinstance(operator, Conv2d) and dense.function == "kws_conv2d_lanes":
            yield from _mixed(operator, form)


def _whole(operator: FullyConnected | Conv2d, form: Form) -> Iterator[Choice]:
    """All of a layer in a form, if it can be."""
    layer = None
    if isinstance(operator, FullyConnected):
        layer = FULLY_CONNECTED[form](operator) if form in FULLY_CONNECTED else None
    elif form in CONV2D:
        layer = CONV2D[form](operator, range(len(operator.weights)))
    if layer is not None:
        yield Choice((layer,), price_of(operator, layer))


def _mixed(operator: Conv2d, form: Form) -> Iterator[Choice]:
    """The emptiest channels in a form, the others in lanes; one more at a time."""
    if form not in CONV2D:
        return
    taps = np.count_nonzero(operator.weights.reshape(len(operator.weights), -1), axis=1)
    order = np.argsort(taps, kind="stable").tolist()
    for n in range(1, len(order)):
        few, many = sorted(order[:n]), sorted(order[n:])
        emptier, fuller = _channels_of(operator, few), _channels_of(operator, many)
        layer, lanes = CONV2D[form](emptier, few), pack_lanes(fuller, many)
        if layer is not None:
            price = price_of(emptier, layer) + price_of(fuller, lanes)
            yield Choice((lanes, layer), price)


def _channels_of(operator: Conv2d, places: Sequence[int]) -> Conv2d:
    """The layer with these output channels alone."""
    rows = list(places)
    output = replace(operator.output, shape=(*operator.output.shape[:3], len(rows)))
    scales = np.broadcast_to(operator.scales, operator.outputs)[rows]
    return replace(
        operator, output=output, weights=operator.weights[rows], bias=operator.bias[rows],
        scales=scales,
    )  # fmt: skip
