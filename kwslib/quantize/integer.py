"""A quantized network in integers only: what is run, written to a file and compiled.

>>> import numpy as np
>>> from kwslib.quantize.integer_layers import FullyConnected, Softmax
>>> image = IntegerTensor("image", (1, 49, 40, 1), 1 / 255, -128)
>>> logits = IntegerTensor("logits", (1, 4), 0.1, 0)
>>> scores = IntegerTensor("scores", (1, 4), 1 / 256, -128)
>>> weights, bias = np.ones((4, 1960), np.int8), np.zeros(4, np.int32)
>>> layer = FullyConnected((image,), logits, weights, np.float32([0.01]), bias, bits=2)
>>> labels = ("_silence_", "_unknown_", "yes", "no")
>>> IntegerNetwork(image, (layer, Softmax((logits,), scores)), labels).weight_bits
(2,)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kwslib.errors import InputError
from kwslib.quantize.integer_layers import (
    Layer,
    Softmax,
    Weighted,
)
from kwslib.quantize.integer_tensor import IntegerTensor

INPUT = (float(np.float32(1 / 255)), -128)
"""Scale and zero point of the input: a pixel minus 128 stands for the pixel over 255."""


@dataclass(frozen=True)
class IntegerNetwork:
    """A quantized network.

    Attributes:
        input: image of uint8 minus 128.
        layers: in the order of execution, a Softmax last.
        labels: names of the outputs, in order.
        facts: what else it is to say of itself (network, training), as JSON can hold it.
    """

    input: IntegerTensor
    layers: tuple[Layer, ...]
    labels: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what joins the layers.

        Raises:
            InputError: the input is no image, a layer reads what is not there, or the end is no
                Softmax over the labels.
        """
        if self.input.quantization != INPUT or self.input.bits != 8:
            raise InputError(
                f"tensor {self.input.name!r}: is the network's input, so it needs "
                "the scale 1/255, the zero point -128 and 8 bits"
            )
        known = {self.input.name: self.input}
        for layer in self.layers:
            for tensor in layer.inputs:
                if known.get(tensor.name) != tensor:
                    raise InputError(
                        f"layer {layer.output.name!r}: reads tensor {tensor.name!r}, which is not "
                        "there yet; order the layers as they are executed"
                    )
            if layer.output.name in known:
                raise InputError(f"two tensors are named {layer.output.name!r}; rename one")
            known[layer.output.name] = layer.output
        ends = [isinstance(layer, Softmax) for layer in self.layers]
        if ends.count(True) != 1 or not ends[-1]:
            raise InputError("the network needs one Softmax, as its last layer")
        labels = set(self.labels)
        if self.output.shape != (1, len(labels)) or len(labels) != len(self.labels):
            raise InputError(
                f"the network gives {self.output.size} scores for the labels "
                f"{' '.join(self.labels)}; name each output once"
            )

    @property
    def output(self) -> IntegerTensor:
        """The scores."""
        return self.layers[-1].output

    @property
    def weight_bits(self) -> tuple[int, ...]:
        """Width of each weighted layer's weights, in order."""
        return tuple(layer.bits for layer in self.layers if isinstance(layer, Weighted))
