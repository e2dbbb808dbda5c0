"""A network in integers: what is run, read from a file and written to one, and compiled.

>>> import numpy as np
>>> from kwslib.network.operators import Softmax
>>> from kwslib.network.weighted import FullyConnected
>>> image = Tensor("image", (1, 49, 40, 1), 1 / 255, -128)
>>> logits = Tensor("logits", (1, 4), 0.1, 0)
>>> scores = Tensor("scores", (1, 4), 1 / 256, -128)
>>> weights, bias = np.ones((4, 1960), np.int8), np.zeros(4, np.int32)
>>> layer = FullyConnected((image,), logits, weights, np.float32([0.01]), bias, bits=2)
>>> Graph((image,), (scores,), (layer, Softmax((logits,), scores))).weight_bits
(2,)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kwslib.errors import InputError
from kwslib.network.operators import Operator
from kwslib.network.tensors import Tensor
from kwslib.network.weighted import Weighted


@dataclass(frozen=True)
class Graph:
    """Operators in the order of execution.

    Attributes:
        inputs: what is given.
        outputs: what is asked for.
        operators: each reads tensors that exist by then.
        facts: what the network says of itself (labels, network, training), as JSON can hold it.
        sha256: of the file that it was read from.
        variables: what keeps its values from one inference to the next.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    variables: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        """Check what joins the operators.

        Raises:
            InputError: an operator reads what is not there, two tensors have one name, or nothing
                writes an output.
        """
        written = [operator.output for operator in self.operators]
        known: dict[str, Tensor] = {}
        for tensor in (*self.inputs, *self.variables, *written):
            if tensor.name in known:
                raise InputError(f"two tensors are named {tensor.name!r}; rename one")
            known[tensor.name] = tensor
        for operator in reversed(self.operators):
            del known[operator.output.name]
            for tensor in operator.inputs:
                if known.get(tensor.name) != tensor:
                    raise InputError(
                        f"operator {operator.output.name!r}: reads tensor {tensor.name!r}, which "
                        "is not there yet; order the operators as they are executed"
                    )
        for tensor in self.outputs:
            if tensor not in written:
                raise InputError(f"no operator writes the network's output {tensor.name!r}")

    @property
    def input(self) -> Tensor:
        """The only input.

        Raises:
            InputError: there are several.
        """
        return _only("inputs", self.inputs)

    @property
    def output(self) -> Tensor:
        """The only output.

        Raises:
            InputError: there are several.
        """
        return _only("outputs", self.outputs)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the outputs, none where the network does not tell them."""
        labels = self.facts.get("labels")
        return tuple(map(str, labels)) if isinstance(labels, list) else ()

    @property
    def weight_bits(self) -> tuple[int, ...]:
        """Width of the weights of each operator that has some, in order."""
        return tuple(each.bits for each in self.operators if isinstance(each, Weighted))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all operators."""
        return sum(operator.macs for operator in self.operators)


def _only(what: str, tensors: tuple[Tensor, ...]) -> Tensor:
    if len(tensors) != 1:
        raise InputError(f"the network has {len(tensors)} {what}; one can be compiled")
    return tensors[0]
