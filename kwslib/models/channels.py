"""Which channels of a network belong together, and the network without some of them.

A channel that goes takes along the filter that makes it, its BatchNorm and its depthwise filter,
the weights with which later layers read it, and, where tensors are added, the other's channel. All
of that is found by walking over the network's trace with tensors of the activations' shapes that
hold, instead of an activation, the number of the channel it belongs to. What reorders activations,
such as a flatten with channels last, reorders the numbers alike, so a fully connected layer's
inputs are known one by one.
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.models.traced import PASSED, RELUS, module_of, step_name, trace

_SAME = {*RELUS, *PASSED, "hardtanh", "Hardtanh"}
"""Steps that leave every activation in its place."""

_POOLING = {
    "avg_pool2d", "max_pool2d", "adaptive_avg_pool2d", "AvgPool2d", "MaxPool2d",
    "AdaptiveAvgPool2d",
}  # fmt: skip
"""Steps that leave every channel in its place."""

_MOVING = {
    "permute", "flatten", "view", "reshape", "transpose", "squeeze", "unsqueeze", "mean",
    "Flatten",
}  # fmt: skip
"""Steps that can be taken with the channels' numbers in place of activations."""

_ADDING = {"add", "iadd"}

_FIXED = ""
"""The group of channels of which none can be removed: that of the image, and the labels."""


@dataclass(frozen=True)
class Axis:
    """The channels along an axis of a layer.

    Attributes:
        group: the channels' group; empty where none can be removed: image and labels.
        channels: for each position of the axis the number of the channel within its group, int64.
    """

    group: str
    channels: Tensor


@dataclass(frozen=True)
class LayerChannels:
    """The channels that a layer reads and makes.

    Attributes:
        input: along the second axis of its weights; None for a depthwise convolution and for
            BatchNorm, whose channels are those of the output.
        output: along the first axis of its weights.
    """

    input: Axis | None
    output: Axis


@dataclass(frozen=True)
class Channels:
    """The channels of a network.

    Attributes:
        sizes: channels of each group that may lose some, by the name of the first layer that
            makes them, in the order of the network.
        layers: what each layer reads and makes.
    """

    sizes: Mapping[str, int]
    layers: Mapping[str, LayerChannels]

    def makers(self, group: str) -> list[str]:
        """The layers whose filters make the channels of a group; several where they are added."""
        return [
            name
            for name, layer in self.layers.items()
            if layer.input is not None and layer.output.group == group
        ]

    def readers(self, group: str) -> list[str]:
        """The layers that sum over the channels of a group."""
        return [
            name
            for name, layer in self.layers.items()
            if layer.input is not None and layer.input.group == group
        ]


def channels_of(network: nn.Module) -> Channels:
    """Follow the channels of a network, which is left as it is.

    Args:
        network: takes images ``[n, 1, 49, 40]``.

    Raises:
        InputError: it cannot be traced, or has a step through which channels cannot be followed.
    """
    return _Walk(trace(copy.deepcopy(network).eval())).channels()


def narrowed(network: nn.Module, kept: Mapping[str, Sequence[int]]) -> nn.Module:
    """A smaller copy of a network, with some channels of some groups alone.

    Args:
        network: takes images ``[n, 1, 49, 40]``.
        kept: channels that stay, by group, in whatever order; a group that is not named stays
            whole.

    Raises:
        InputError: a group is not known, would lose all its channels, or has fewer.
    """
    channels = channels_of(network)
    check_widths({group: len(indices) for group, indices in kept.items()}, channels.sizes)
    for group, indices in kept.items():
        size = channels.sizes[group]
        if len(set(indices)) < len(indices) or not 0 <= min(indices) <= max(indices) < size:
            raise InputError(
                f"layer {group}: cannot keep the channels {list(indices)}; it has 0 to {size - 1}"
            )
    smaller = copy.deepcopy(network)
    for name, layer in channels.layers.items():
        _cut(smaller.get_submodule(name), layer, kept)
    return smaller


def with_widths(network: nn.Module, widths: Mapping[str, int]) -> nn.Module:
    """A smaller copy of a network, with the first ``widths[group]`` channels of each group named.

    Raises:
        InputError: a group is not known, or has not so many channels.
    """
    check_widths(widths, channels_of(network).sizes)  # some are too large for a range
    return narrowed(network, {group: range(width) for group, width in widths.items()})


def check_widths(widths: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    """Refuse widths that a network cannot have.

    Args:
        widths: channels to keep, by group.
        sizes: channels of each group, as of :class:`Channels`.

    Raises:
        InputError: a group is not known, or would lose all its channels or has fewer.
    """
    for group, width in widths.items():
        if group not in sizes:
            raise InputError(
                f"layer {group!r}: makes no channels that can be removed; "
                f"these do: {', '.join(sizes) or 'none'}"
            )
        if not 1 <= width <= sizes[group]:
            raise InputError(
                f"layer {group}: cannot keep {width} channels; give 1 to {sizes[group]}"
            )


def widths_of(network: nn.Module, whole: nn.Module) -> dict[str, int]:
    """The widths by which :func:`with_widths` makes a network of the shape of ``network``.

    Args:
        network: that has lost channels, or none.
        whole: the same that has all of them.
    """
    sizes = channels_of(whole).sizes
    weights = {group: network.get_submodule(group).weight for group in sizes}
    return {
        group: len(weight)  # type: ignore[arg-type]
        for group, weight in weights.items()
        if len(weight) < sizes[group]  # type: ignore[arg-type]
    }


class _Walk(fx.Interpreter):
    """One walk over a trace. Every channel that a layer makes gets a number of its own, that of the
    image is 0; where two are added, both get the lesser.
    """

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.extra_traceback = False  # messages are for users
        self._same = [0]
        self._layers: dict[str, tuple[Tensor | None, Tensor]] = {}

    @torch.no_grad()
    def run_node(self, n: fx.Node) -> Any:
        """The numbers of channels in the shape of the activations that a step gives."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        if n.op == "placeholder":
            return torch.zeros(1, 1, DEPLOYED.frames, DEPLOYED.bands, dtype=torch.long)
        if n.op == "output":
            return args[0]
        module, name = module_of(n, self.module), step_name(n, self.module)
        if isinstance(module, nn.Conv2d | nn.Linear | _BatchNorm):
            return self._layer(str(n.target), module, args[0])
        if name in _SAME:
            return args[0]
        if name in _ADDING:
            return self._added(args[0], args[1])
        if name not in _POOLING | _MOVING:
            raise InputError(
                f"step {n.name}: channels cannot be followed through {name}; "
                "leave it out, or teach kwslib/models/channels.py"
            )
        # The numbers are moved as the step moves activations; a mean of equals is exact.
        moved = getattr(super(), n.op)(n.target, (args[0].double(), *args[1:]), kwargs)
        return _spread(_by_channel(args[0]), moved) if name in _POOLING else moved.long()

    def _layer(self, name: str, layer: nn.Conv2d | nn.Linear | _BatchNorm, x: Tensor) -> Tensor:
        numbers = _by_channel(x)
        if name in self._layers:
            raise InputError(f"layer {name}: is used twice, so its channels cannot be removed")
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            if layer.groups != layer.in_channels:
                raise InputError(f"layer {name}: has {layer.groups} groups; one a channel would do")
            numbers = numbers.repeat_interleave(layer.out_channels // layer.groups)
            self._layers[name] = None, numbers
        elif isinstance(layer, _BatchNorm):
            self._layers[name] = None, numbers
        else:
            made = range(len(self._same), len(self._same) + layer.weight.shape[0])
            self._same += made
            self._layers[name] = numbers, torch.tensor(made)
        return _spread(self._layers[name][1], layer(torch.zeros(x.shape)))

    def _added(self, first: Tensor, other: Tensor) -> Tensor:
        first, other = torch.broadcast_tensors(first, other)
        for one, another in torch.stack([first, other]).flatten(1).unique(dim=1).T.tolist():
            least, greatest = sorted((self._least(one), self._least(another)))
            self._same[greatest] = least
        return first

    def _least(self, number: int) -> int:
        while self._same[number] != number:
            number = self._same[number]
        return number

    def channels(self) -> Channels:
        """The channels, numbered within their groups.

        A group is called by the first layer that makes some of its channels.
        """
        fixed = {0, *map(self._least, self.run().unique().tolist())}
        place = {number: (_FIXED, index) for index, number in enumerate(fixed)}
        sizes, layers = Counter({_FIXED: len(fixed)}), {}
        for name, (read, numbers) in self._layers.items():
            own = [self._least(number) for number in numbers.tolist()]
            known = next((place[number][0] for number in own if number in place), name)
            group = _FIXED if fixed.intersection(own) else known
            for number in own:
                if number not in place:
                    place[number] = group, sizes[group]
                    sizes[group] += 1
            layers[name] = LayerChannels(None if read is None else self._axis(read, place),
                                         self._axis(numbers, place))  # fmt: skip
        del sizes[_FIXED]
        return Channels(dict(sizes), layers)

    def _axis(self, numbers: Tensor, place: Mapping[int, tuple[str, int]]) -> Axis:
        places = [place[self._least(number)] for number in numbers.tolist()]
        groups, indices = zip(*places, strict=True)
        if len(set(groups)) > 1:
            raise InputError("a layer reads the channels of several others side by side")
        return Axis(groups[0], torch.tensor(indices))


def _by_channel(numbers: Tensor) -> Tensor:
    """Along the second axis, since a channel is the same everywhere."""
    return numbers[0] if numbers.ndim == 2 else numbers[0].flatten(1)[:, 0]


def _spread(numbers: Tensor, like: Tensor) -> Tensor:
    """Numbers of channels in the shape of activations."""
    return numbers.reshape(1, -1, *[1] * (like.ndim - 2)).expand(like.shape)


def _cut(layer: nn.Module, channels: LayerChannels, kept: Mapping[str, Sequence[int]]) -> None:
    """Leave a layer with those positions of its axes whose channels are kept."""
    for name, tensor in [*layer.named_parameters(), *layer.named_buffers()]:
        if tensor.ndim == 0:  # BatchNorm's count of steps
            continue
        smaller = tensor.detach()[_positions(channels.output, kept)]
        if name == "weight" and channels.input is not None:
            smaller = smaller[:, _positions(channels.input, kept)]
        is_learned = isinstance(tensor, nn.Parameter)
        setattr(layer, name, nn.Parameter(smaller) if is_learned else smaller)
    _tell_sizes(layer)


def _positions(axis: Axis, kept: Mapping[str, Sequence[int]]) -> Tensor:
    """Whether each position of an axis stays."""
    if axis.group not in kept:
        return torch.ones(len(axis.channels), dtype=torch.bool)
    return torch.isin(axis.channels, torch.tensor(kept[axis.group]))


def _tell_sizes(layer: Any) -> None:
    """Make the numbers that a layer is described by those of its weights."""
    outputs = len(layer.weight)
    if isinstance(layer, _BatchNorm):
        layer.num_features = outputs
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif layer.groups == 1:
        layer.out_channels, layer.in_channels = layer.weight.shape[:2]
    else:
        multiplier = layer.out_channels // layer.groups
        layer.out_channels, layer.in_channels = outputs, outputs // multiplier
        layer.groups = layer.in_channels
