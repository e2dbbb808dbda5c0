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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.modules.batchnorm import _BatchNorm

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.models.traced import module_of, trace

_SAME = {
    "relu", "relu_", "relu6", "hardtanh", "dropout", "contiguous",
    "ReLU", "ReLU6", "Hardtanh", "Dropout", "Dropout2d", "Identity",
}  # fmt: skip
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
    try:
        traced = trace(copy.deepcopy(network).eval())
    except (fx.proxy.TraceError, TypeError) as error:
        raise InputError(f"the network cannot be traced ({error})") from error
    ShapeProp(traced).propagate(torch.zeros(1, 1, DEPLOYED.frames, DEPLOYED.bands))
    return _Walk(traced).run()


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
    check_widths(widths, channels_of(network).sizes)
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


class _Walk:
    """One walk over a trace. Every channel that a layer makes gets a number of its own; where two
    are added, both get the lesser.
    """

    def __init__(self, traced: fx.GraphModule) -> None:
        self._traced = traced
        self._values: dict[fx.Node, Tensor] = {}
        self._same: list[int] = []
        self._made: dict[str, range] = {}
        self._read: dict[str, Tensor] = {}
        self._passed: dict[str, Tensor] = {}

    def run(self) -> Channels:
        fixed: set[int] = set()
        for node in self._traced.graph.nodes:
            if node.op == "output":
                fixed |= set(self._only(node).unique().tolist())
            elif node.op == "placeholder":
                self._made[_FIXED] = self._new(1)
                fixed |= set(self._made[_FIXED])
                self._values[node] = self._spread(node, torch.tensor(list(self._made[_FIXED])))
            else:
                self._values[node] = self._step(node)
        return self._channels({self._least(number) for number in fixed})

    def _step(self, node: fx.Node) -> Tensor:
        module = module_of(node, self._traced)
        if isinstance(module, nn.Conv2d | nn.Linear | _BatchNorm):
            return self._layer(node, module)
        name = type(module).__name__ if module else getattr(node.target, "__name__", node.target)
        if name in _SAME:
            return self._only(node)
        if name in _POOLING:
            return self._spread(node, self._by_channel(self._only(node)))
        if name in _MOVING:
            return self._moved(node, module)
        if name in _ADDING:
            return self._added(node)
        raise InputError(
            f"step {node.name}: channels cannot be followed through {name}; "
            "leave it out, or teach kwslib/models/channels.py"
        )

    def _layer(self, node: fx.Node, layer: nn.Conv2d | nn.Linear | _BatchNorm) -> Tensor:
        name, numbers = str(node.target), self._by_channel(self._only(node))
        if name in self._made or name in self._passed:
            raise InputError(f"layer {name}: is used twice, so its channels cannot be removed")
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            if layer.groups != layer.in_channels:
                raise InputError(f"layer {name}: has {layer.groups} groups; one a channel would do")
            numbers = numbers.repeat_interleave(layer.out_channels // layer.groups)
            self._passed[name] = numbers
        elif isinstance(layer, _BatchNorm):
            self._passed[name] = numbers
        else:
            self._read[name] = numbers
            self._made[name] = self._new(layer.weight.shape[0])
            numbers = torch.tensor(list(self._made[name]))
        return self._spread(node, numbers)

    def _moved(self, node: fx.Node, module: nn.Module | None) -> Tensor:
        """The numbers, moved as the step moves activations; a mean of equals is exact."""
        numbers = self._only(node).double()
        if module is not None:
            return module(numbers).long()
        arguments: Any = fx.map_arg(node.args, lambda n: numbers)
        if node.op == "call_method":
            return getattr(numbers, str(node.target))(*arguments[1:], **node.kwargs).long()
        function: Any = node.target
        return function(*arguments, **node.kwargs).long()

    def _added(self, node: fx.Node) -> Tensor:
        terms = [self._values[each] for each in node.all_input_nodes]
        first = terms[0]
        for other in terms[1:]:
            pairs = torch.stack(torch.broadcast_tensors(first, other)).flatten(1).unique(dim=1)
            for one, another in pairs.T.tolist():
                least, greatest = sorted((self._least(one), self._least(another)))
                self._same[greatest] = least
        return first.expand(node.meta["tensor_meta"].shape)

    def _new(self, count: int) -> range:
        numbers = range(len(self._same), len(self._same) + count)
        self._same += numbers
        return numbers

    def _least(self, number: int) -> int:
        while self._same[number] != number:
            number = self._same[number]
        return number

    def _only(self, node: fx.Node) -> Tensor:
        (source,) = node.all_input_nodes
        return self._values[source]

    @staticmethod
    def _by_channel(numbers: Tensor) -> Tensor:
        """Along the second axis, since a channel is the same everywhere."""
        return numbers[0] if numbers.ndim == 2 else numbers[0].flatten(1)[:, 0]

    @staticmethod
    def _spread(node: fx.Node, numbers: Tensor) -> Tensor:
        """Numbers of channels in the shape of the activations that a step gives."""
        shape = node.meta["tensor_meta"].shape
        return numbers.reshape(1, -1, *[1] * (len(shape) - 2)).expand(shape)

    def _channels(self, fixed: set[int]) -> Channels:
        """What was found, with channels numbered within their groups."""
        place, sizes = self._groups(fixed)

        def axis(numbers: Sequence[int]) -> Axis:
            groups, indices = zip(*(place[self._least(number)] for number in numbers), strict=True)
            if len(set(groups)) > 1:
                raise InputError("a layer reads the channels of several others side by side")
            return Axis(groups[0], torch.tensor(indices))

        layers = {}
        for node in self._traced.graph.nodes:
            name = str(node.target) if node.op == "call_module" else ""
            if name in self._passed:
                layers[name] = LayerChannels(None, axis(self._passed[name].tolist()))
            elif name in self._read:
                read = axis(self._read[name].tolist())
                layers[name] = LayerChannels(read, axis(self._made[name]))
        return Channels(sizes, layers)

    def _groups(self, fixed: set[int]) -> tuple[dict[int, tuple[str, int]], dict[str, int]]:
        """For each channel its group and its number there, and the sizes of the groups.

        A group is called by the first layer that makes some of its channels.
        """
        place: dict[int, tuple[str, int]] = {}
        sizes: Counter[str] = Counter()
        for name, numbers in self._made.items():
            own = dict.fromkeys(self._least(number) for number in numbers)
            known = next((place[number][0] for number in own if number in place), name)
            group = _FIXED if fixed & own.keys() else known
            for number in own:
                if number not in place:
                    place[number] = group, sizes[group]
                    sizes[group] += 1
        del sizes[_FIXED]
        return place, dict(sizes)


def _cut(layer: nn.Module, channels: LayerChannels, kept: Mapping[str, Sequence[int]]) -> None:
    """Leave a layer with those positions of its axes whose channels are kept."""
    rows, columns = _positions(channels.output, kept), _positions(channels.input, kept)
    for name, tensor in _tensors(layer):
        smaller = tensor.detach() if rows is None else tensor.detach()[rows]
        if name == "weight" and columns is not None:
            smaller = smaller[:, columns]
        smaller = smaller.clone()
        is_learned = isinstance(tensor, nn.Parameter)
        setattr(layer, name, nn.Parameter(smaller) if is_learned else smaller)
    _tell_sizes(layer)


def _positions(axis: Axis | None, kept: Mapping[str, Sequence[int]]) -> Tensor | None:
    """The positions that stay, in the order of the axis; None where all do."""
    if axis is None or axis.group not in kept:
        return None
    return torch.isin(axis.channels, torch.tensor(sorted(kept[axis.group]))).nonzero().flatten()


def _tensors(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and statistics that have a place for each output."""
    for name, tensor in [*layer.named_parameters(), *layer.named_buffers()]:
        if tensor.ndim:
            yield name, tensor


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
