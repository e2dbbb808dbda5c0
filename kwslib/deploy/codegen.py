"""From a graph to C99: constants in flash, a static arena, one function a layer.

The layers call the kernels of ``firmware/core`` with constant shapes; the kernels are inline
functions, so that the C compiler specialises each call to its layer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kwslib.deploy.arena import Arena, plan_arena
from kwslib.deploy.choice import Sparse, choose
from kwslib.deploy.packing import Packed, Table
from kwslib.network.graph import Graph
from kwslib.network.operators import Add, Mean, Operator, Pad, Pool, Reshape, Softmax
from kwslib.network.requantization import ADD_LEFT_SHIFT
from kwslib.network.weighted import FullyConnected, Weighted

Kernels = Literal["dsp", "portable"]
KERNELS: tuple[Kernels, ...] = ("dsp", "portable")

_PER_LINE = 16

_OPTIMISED = """/* The Arduino IDE compiles for size; the kernels need their loops unrolled. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif"""


@dataclass(frozen=True)
class NetworkSource:
    """The C of a network.

    Attributes:
        source: ``network.c``.
        header: ``network.h``.
        arena: the plan of its RAM.
        layers: the C functions of the layers, in order; a reshape has none.
        kernels: what each of them calls: one kernel, or two for different channels.
        weights: bytes of the weights in flash, without those that are constants of instructions.
    """

    source: str
    header: str
    arena: Arena
    layers: tuple[str, ...]
    kernels: tuple[tuple[str, ...], ...]
    weights: int


def generate(
    graph: Graph,
    kernels: Kernels = "dsp",
    sparse: Sparse = "auto",
) -> NetworkSource:
    """The C of a network.

    Args:
        graph: the network.
        kernels: ``"dsp"`` for the Cortex-M4 (its instructions are emulated in C elsewhere), or
            ``"portable"``, which are dense.
        sparse: which layers skip their zeros; see :mod:`kwslib.deploy.choice`.
    """
    packed = [choose(operator, kernels == "dsp", sparse) for operator in graph.operators]
    arena = plan_arena(graph, [max(part.scratch for part in parts) for parts in packed])
    functions, names, called = [], [], []
    for step, (operator, parts) in enumerate(zip(graph.operators, packed, strict=True)):
        if isinstance(operator, Reshape):
            continue
        names.append(f"layer_{step}_{operator.kind}")
        called.append(tuple(part.function.removeprefix("kws_") for part in parts))
        functions.append(_function(names[-1], step, operator, parts, arena))
    used = [part for parts in packed for part in parts]
    includes = sorted({part.header for part in used if part.header})
    source = "\n\n".join(
        [
            _title(graph),
            _OPTIMISED,
            "\n".join(['#include "network.h"', "", *(f'#include "{name}"' for name in includes)]),
            f"static uint32_t arena[{arena.size // 4}]; /* {arena.peak} bytes live at the peak */",
            *functions,
            _interface(graph, arena, names),
        ]
    )
    header = _header(graph, arena, len(names))
    weights = sum(part.weights.nbytes for part in used)
    return NetworkSource(source, header, arena, tuple(names), tuple(called), weights)


def _title(graph: Graph) -> str:
    facts = graph.facts
    name = f"{facts['model']}: " if isinstance(facts.get("model"), str) else ""
    name = name.replace("*/", "").replace("\n", " ")
    return (
        f"/* {name}{graph.macs:,} multiply-accumulates.\n"
        f"   Generated from a .tflite file with SHA-256\n   {graph.sha256 or 'unknown'}. */"
    )


def _at(arena: Arena, name: str | int, kind: str = "int8_t") -> str:
    size = {"int8_t": 1, "int16_t": 2, "int32_t": 4}[kind]
    return f"({kind} *)arena + {arena.offsets[name] // size}"


def _function(
    name: str, step: int, operator: Operator, parts: Sequence[Packed], arena: Arena
) -> str:
    """The function of a layer; where it has several kernels, each stands in a block of its own."""
    lines = [f"static __attribute__((noinline)) void {name}(void)", "{"]
    for part in parts:
        block = [f"    {line}" for line in _statements(name, step, operator, part, arena)]
        if len(parts) > 1:
            block = ["    {", *(f"    {line}" for line in block), "    }"]
        lines += block
    return "\n".join([*(_channels(name, part) for part in parts if part.lines), *lines, "}"])


def _channels(name: str, part: Packed) -> str:
    """The function that a kernel calls for each row of outputs."""
    return "\n".join(
        [
            f"KWS_INLINE void {name}_channels(const struct kws_window *window,",
            "    const struct kws_quantization *quantization, const int16_t *row, int8_t *output)",
            "{",
            "    (void)row; /* where no channel has a tap */",
            *part.lines,
            "}\n",
        ]
    )


def _statements(name: str, step: int, operator: Operator, layer: Packed, arena: Arena) -> list[str]:
    """The constants of a kernel and its call."""
    arguments = _arguments(operator, layer)
    constants = _constants(operator, layer, arguments)
    if layer.scratch:
        arguments.append(_at(arena, step, layer.scratch_type))
    if layer.row_stride is not None:
        arguments.append(str(layer.row_stride))
    arguments.append(_at(arena, operator.output.name))
    pointers = [_at(arena, tensor.name) for tensor in operator.inputs]
    call = ", ".join(argument.format(*pointers, name=name) for argument in arguments)
    return [
        *(line for text in constants for line in text.splitlines()),
        f"{layer.function}({call});",
    ]


def _arguments(operator: Operator, layer: Packed) -> list[str]:
    """Those of a kernel up to its scratch space; ``{0}`` stands for the first input."""
    if layer.arguments:
        return list(layer.arguments)
    if isinstance(operator, Weighted):
        return _weighted(operator, layer)
    if isinstance(operator, Pool):
        return ["&window", "&quantization", "{0}"]
    if isinstance(operator, Mean):
        return [*map(str, operator.extents), "&quantization", "&scale", "{0}"]
    if isinstance(operator, Add):
        return [str(operator.output.size), "&addition", "{0}", "{1}"]
    if isinstance(operator, Pad):
        return ["&padding", "{0}"]
    if isinstance(operator, Softmax):
        depth = operator.input.shape[-1]
        sizes = [str(operator.input.size // depth), str(depth)]
        return [*sizes, "exponentials", str(len(operator.exponentials)), "{0}"]
    raise TypeError(f"no kernel for {operator.kind}")


def _weighted(operator: Weighted, layer: Packed) -> list[str]:
    bits = [] if layer.bits is None else [str(layer.bits)]
    arguments = ["&quantization", "{0}", *bits, "weights", "channels"]
    if layer.lanes:
        places = "places" if layer.places else "0"
        arguments = ["&quantization", "&lanes", *arguments[1:], "starts", places]
    if not isinstance(operator, FullyConnected):
        return ["&window", *arguments]
    outputs, depth = operator.weights.shape
    sizes = [str(depth), str(outputs)]
    if layer.channel_type == "kws_channel":
        sizes = [str(operator.output.size // outputs), *sizes]
    return [*sizes, *arguments]


def _constants(operator: Operator, layer: Packed, arguments: Sequence[str]) -> list[str]:
    """The constants that arguments name."""
    constants = [make(operator) for name, make in _CONSTANTS.items() if name in arguments]
    if layer.channels:
        rows = np.array(layer.channels)
        constants.append(_array(layer.weight_type, "weights", layer.weights))
        constants.append(_table(Table(f"struct {layer.channel_type}", "channels", rows)))
    if layer.lanes:
        constants.append(f"static const struct kws_lanes lanes = {_braces(layer.lanes)};")
        constants.append(_array("uint64_t", "starts", layer.lane_starts))
    if layer.places:
        constants.append(_array("uint16_t", "places", np.array(layer.places)))
    return constants + [_table(table) for table in layer.tables]


def _table(table: Table) -> str:
    """An array, of structs where its values have two axes."""
    if table.values.ndim == 1:
        return _array(table.kind, table.name, table.values)
    rows = ",\n".join(f"    {_braces(row)}" for row in table.values.tolist())
    return f"static const {table.kind} {table.name}[{len(table.values)}] = {{\n{rows}}};"


def _window(operator: Any) -> str:
    window = operator.window
    _, height, width, channels = operator.input.shape
    _, out_height, out_width, out_channels = operator.output.shape
    fields = (
        height, width, channels, out_height, out_width, out_channels,
        *window.kernel, *window.stride, *window.before, *window.dilation,
    )  # fmt: skip
    return f"static const struct kws_window window = {_braces(fields)};"


def _quantization(operator: Any) -> str:
    clamp = operator.clamp
    fields = (-operator.input.zero_point, operator.output.zero_point, clamp.low, clamp.high)
    return f"static const struct kws_quantization quantization = {_braces(fields)};"


def _scale(operator: Mean) -> str:
    by = operator.multiplier
    fields = _braces((0, by.mantissa, by.left, by.right))
    return f"static const struct kws_channel scale = {fields};"


def _addition(operator: Add) -> str:
    (first, second), whole = operator.multipliers
    fields = (
        ADD_LEFT_SHIFT,
        _braces([-tensor.zero_point for tensor in operator.inputs]),
        _braces([first.mantissa, second.mantissa]),
        _braces([first.right, second.right]),
        whole.mantissa, whole.right, operator.output.zero_point,
        operator.clamp.low, operator.clamp.high,
    )  # fmt: skip
    return f"static const struct kws_add addition = {_braces(fields)};"


def _padding(operator: Pad) -> str:
    """Axes in front are filled up to four; the first is the batch, which must stay 1."""
    missing = 4 - len(operator.paddings)
    extents = [
        [1] * missing + list(operator.input.shape),
        [0] * missing + [before for before, _ in operator.paddings],
        [1] * missing + list(operator.output.shape),
    ]
    fields = [*(_braces(extent[1:]) for extent in extents), operator.output.zero_point]
    return f"static const struct kws_pad padding = {_braces(fields)};"


def _braces(fields: Iterable[Any]) -> str:
    return f"{{{', '.join(map(str, fields))}}}"


def _exponentials(operator: Softmax) -> str:
    return _array("int32_t", "exponentials", operator.exponentials)


_CONSTANTS: Mapping[str, Callable[[Any], str]] = {
    "&window": _window,
    "&quantization": _quantization,
    "&scale": _scale,
    "&addition": _addition,
    "&padding": _padding,
    "exponentials": _exponentials,
}
"""What makes a constant by its name among a kernel's arguments, in the order in which they are
written."""


def _array(kind: str, name: str, values: NDArray[Any]) -> str:
    flat = values.reshape(-1).tolist() or [0]  # C has no empty arrays
    words = [hex(v) if kind.startswith("u") else str(v) for v in flat]
    if kind == "int32_t":
        words = ["INT32_MIN" if v == np.iinfo(np.int32).min else str(v) for v in flat]
    rows = [", ".join(words[i : i + _PER_LINE]) for i in range(0, len(words), _PER_LINE)]
    body = ",\n    ".join(rows)
    return f"static const {kind} {name}[{len(flat)}] = {{\n    {body}}};"


def _interface(graph: Graph, arena: Arena, layers: Sequence[str]) -> str:
    calls = "\n".join(f"    {name}();" for name in layers)
    table = ", ".join(layers)
    return (
        f"int8_t *kws_network_input(void)\n{{\n    return {_at(arena, graph.input.name)};\n}}\n\n"
        f"const int8_t *kws_network_output(void)\n{{\n"
        f"    return {_at(arena, graph.output.name)};\n}}\n\n"
        f"void (*const kws_network_layers[KWS_NETWORK_LAYERS])(void) = {{{table}}};\n\n"
        f"void kws_network_run(void)\n{{\n{calls}\n}}\n"
    )


def _header(graph: Graph, arena: Arena, layers: int) -> str:
    named = ", ".join(map(_string, graph.labels))
    return f"""#ifndef KWS_NETWORK_H
#define KWS_NETWORK_H

#include <stdint.h>

#define KWS_NETWORK_INPUT_SIZE {graph.input.size}
#define KWS_NETWORK_OUTPUT_SIZE {graph.output.size}
#define KWS_NETWORK_ARENA_SIZE {arena.size}
#define KWS_NETWORK_LAYERS {layers}
#define KWS_NETWORK_SHA256 "{graph.sha256}"
#define KWS_NETWORK_LABELS {{{named}}}

/* Where the input belongs, int8: a log-mel image minus 128. kws_network_run overwrites it. */
int8_t *kws_network_input(void);

/* The scores of the labels after kws_network_run, int8: 256 * probability - 128. */
const int8_t *kws_network_output(void);

void kws_network_run(void);

/* What kws_network_run calls, in order, so that each layer can be timed. */
extern void (*const kws_network_layers[KWS_NETWORK_LAYERS])(void);

#endif
"""


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
