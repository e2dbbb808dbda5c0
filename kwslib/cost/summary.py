"""All costs of one network in one object."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from kwslib.config import NANO33BLE, Board
from kwslib.cost.operations import IMAGE_SHAPE, LayerCost, layer_costs
from kwslib.cost.storage import (
    ACTIVATION_BYTES,
    NUMBER_TYPES,
    Memory,
    NumberType,
    flash_bytes,
    live_memory,
    scale_bytes,
)
from kwslib.errors import InputError
from kwslib.models.traced import folded_trace


@dataclass(frozen=True)
class Cost:
    """Operations and memory of a network at batch 1, and the board it shall fit."""

    layers: tuple[LayerCost, ...]
    memory: Memory
    board: Board = NANO33BLE

    @property
    def parameters(self) -> int:
        """Learnable numbers."""
        return sum(each.parameters for each in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(each.macs for each in self.layers)

    @property
    def flops(self) -> int:
        """``2 * MAC + one per biased output`` of one image."""
        return sum(each.flops for each in self.layers)

    @property
    def flash(self) -> dict[NumberType, int]:
        """Bytes of the parameters; int8 weights come with 32-bit biases."""
        return {each: flash_bytes(self.layers, each) for each in NUMBER_TYPES}

    @property
    def ram(self) -> dict[NumberType, int]:
        """Bytes of the activations alive together at the worst moment."""
        return {each: self.memory.peak * ACTIVATION_BYTES[each] for each in NUMBER_TYPES}

    @property
    def ram_input_output(self) -> dict[NumberType, int]:
        """Bytes of image and logits alone."""
        numbers = self.memory.inputs + self.memory.outputs
        return {each: numbers * ACTIVATION_BYTES[each] for each in NUMBER_TYPES}

    @property
    def channel_scales(self) -> int:
        """Bytes of int8 scales, one a channel, that ``flash`` leaves out."""
        return scale_bytes(self.layers)

    @property
    def flash_share(self) -> dict[NumberType, float]:
        """``flash`` as a fraction of the board's."""
        return {each: size / self.board.flash for each, size in self.flash.items()}

    @property
    def ram_share(self) -> dict[NumberType, float]:
        """``ram`` as a fraction of the board's."""
        return {each: size / self.board.ram for each, size in self.ram.items()}

    def as_dict(self) -> dict[str, Any]:
        """What ``kws cost --json`` prints, but for the network's name."""
        return {
            "parameters": self.parameters,
            "macs": self.macs,
            "flops": self.flops,
            "flash": self.flash,
            "ram": self.ram,
            "ram_input_output": self.ram_input_output,
            "flash_share": self.flash_share,
            "ram_share": self.ram_share,
            "channel_scales": self.channel_scales,
            "board": asdict(self.board),
            "layers": [_layer_dict(each) for each in self.layers],
        }


def _layer_dict(layer: LayerCost) -> dict[str, Any]:
    flash = {each: flash_bytes([layer], each) for each in NUMBER_TYPES}
    derived = {"parameters": layer.parameters, "flops": layer.flops, "flash": flash}
    return asdict(layer) | derived


def cost_of(
    network: nn.Module, board: Board = NANO33BLE, image_shape: tuple[int, ...] = IMAGE_SHAPE
) -> Cost:
    """Count what a network costs as the board runs it, with BatchNorm folded into the convolutions
    before it; one forward pass of one image, no training needed.
    """
    deployed = as_deployed(network)
    return Cost(layer_costs(deployed, image_shape), live_memory(deployed, image_shape), board)


def as_deployed(network: nn.Module) -> nn.Module:
    """A network without BatchNorm, as the board runs it, or as it is where that cannot be folded
    or traced.
    """
    try:
        return folded_trace(network)
    except InputError:
        return network
