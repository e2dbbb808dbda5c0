"""A network as the steps that it takes, with BatchNorm folded: what converters start from."""

import copy
from collections.abc import Mapping
from typing import Any, Literal

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from kwslib.errors import InputError

RELUS: Mapping[str, Literal["RELU", "RELU6"]] = {
    "relu": "RELU", "relu_": "RELU", "ReLU": "RELU", "relu6": "RELU6", "ReLU6": "RELU6",
}  # fmt: skip
"""Steps that are a clamp, by what they call, and their names in TensorFlow Lite."""

PASSED = ("dropout", "contiguous", "Dropout", "Dropout2d", "Identity")
"""Steps that change nothing once a network is trained."""


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d) or super().is_leaf_module(m, module_qualified_name)


def trace(network: nn.Module) -> fx.GraphModule:
    """A network as a graph of its layers; both share the layers.

    Raises:
        InputError: the network's steps depend on its input.
    """
    try:
        return fx.GraphModule(network, _Tracer().trace(network))
    except (fx.proxy.TraceError, TypeError) as error:
        raise InputError(
            f"the network cannot be traced ({error}); let no step depend on its input"
        ) from error


def folded_trace(network: nn.Module) -> fx.GraphModule:
    """A copy of a network, in evaluation mode, as a graph whose BatchNorms are in the convolutions
    before them. ``network`` itself stays as it is.

    Raises:
        InputError: it cannot be traced, or a BatchNorm does not follow a convolution that nothing
            else uses.
    """
    traced = trace(copy.deepcopy(network).eval())
    for node in list(traced.graph.nodes):
        norm = module_of(node, traced)
        if isinstance(norm, nn.BatchNorm2d):
            _fold(node, norm, traced)
    traced.recompile()
    return traced


def module_of(node: object, traced: nn.Module) -> nn.Module | None:
    """The module that a step calls, None where it calls something else."""
    if not isinstance(node, fx.Node) or node.op != "call_module":
        return None
    return traced.get_submodule(str(node.target))


def step_name(node: fx.Node, traced: nn.Module) -> str:
    """What a step calls: the class of a layer, or the name of a function or method."""
    module = module_of(node, traced)
    called = node.target if module is None else type(module)
    return str(getattr(called, "__name__", called))


def replace_module(name: str, module: nn.Module, traced: fx.GraphModule) -> None:
    """Put a module in the place of the one of that name."""
    parent, _, own = name.rpartition(".")
    setattr(traced.get_submodule(parent), own, module)


def _fold(node: fx.Node, norm: nn.BatchNorm2d, traced: fx.GraphModule) -> None:
    before: Any = node.args[0]
    conv: Any = module_of(before, traced)
    is_conv = isinstance(before, fx.Node) and isinstance(conv, nn.Conv2d)
    calls = [each for each in traced.graph.nodes if is_conv and each.target == before.target]
    if len(calls) != 1 or len(before.users) != 1:
        raise InputError(
            f"layer {node.name}: BatchNorm must follow a convolution that nothing else uses; "
            "put one before it"
        )
    replace_module(str(before.target), fuse_conv_bn_eval(conv, norm), traced)
    node.replace_all_uses_with(before)
    traced.graph.erase_node(node)
