"""Chapter 4: a network on its way to the board, as values, tables and charts."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CLexer
from torch import nn

from kwslib.board.profile import Profile
from kwslib.board.target import board_predictor, open_board
from kwslib.deploy.codegen import generate
from kwslib.deploy.convert import convert_float, convert_int8
from kwslib.deploy.host import build_host_network
from kwslib.deploy.predictors import file_predictor
from kwslib.deploy.toolchain import CORE
from kwslib.evaluation.accuracy import evaluate_split
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.graph import Graph
from kwslib.network.reader import graph_of
from kwslib.network.weighted import FullyConnected
from kwslib.quantize.network import QuantizedLayer, QuantizedNetwork, Widths
from kwslib.records import read_records, select
from kwslib.results import page
from kwslib.results.provenance import resting_on
from kwslib.results.subject import Subject, spread
from kwslib.results.values import Estimate
from kwslib.training.predict import to_input

_COMPARED = 8
_SHOWN_BYTES = 12
_WIDTH = 79  # characters of a line of C
_LONG_ARRAY = re.compile(r"(weights\[\d+\] = \{\n +(?:-?\d+, ){8}).*?\}", re.S)


# Conversion.


def convert(subject: Subject) -> bytes:
    """The int8 ``.tflite`` file of the subject, calibrated on its training clips."""
    facts = {"model": subject.name.rpartition("-")[0], "labels": list(subject.dataset.task.labels)}
    return convert_int8(subject.network, subject.dataset.examples("training").deployed, facts)


def deployed_file(subject: Subject, converted: bytes) -> bytes:
    """The file that goes onto the board: the published one, or what this run converted."""
    if subject.is_trained:
        return converted
    return (PUBLISHED / f"{subject.name}.tflite").read_bytes()


def first_layer(
    network: nn.Module, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Weights, biases and outputs of the first layer, BatchNorm folded, activation included.

    Args:
        network: PyTorch.
        images: uint8 ``[n, 49, 40]``, whose outputs are wanted.

    Returns:
        Weights ``[out, height, width, in]``, biases ``[out]``, outputs ``[n, out, ...]``.
    """
    folded = QuantizedNetwork(network, Widths(None, None)).eval()
    _, layer = next(iter(folded.layers()))
    assert isinstance(layer, QuantizedLayer) and layer.layer.bias is not None
    seen: list[torch.Tensor] = []
    next(iter(folded.activations())).register_forward_hook(lambda _, __, x: seen.append(x))
    with torch.no_grad():
        folded(to_input(torch.from_numpy(images)))
    weights = layer.layer.weight.detach().permute(0, 2, 3, 1)
    return weights.numpy(), layer.layer.bias.detach().numpy(), seen[0].numpy()


def float_difference(network: nn.Module, images: NDArray[np.uint8]) -> tuple[int, float]:
    """Bytes of the float ``.tflite`` file, and by how much a probability differs at most from
    PyTorch's.

    Args:
        network: PyTorch.
        images: uint8 ``[n, 49, 40]``; some of them are compared.
    """
    few = spread(images, _COMPARED)
    data = convert_float(network, {})
    found = file_predictor(data)(few)
    with torch.no_grad():
        expected = network.eval()(to_input(torch.from_numpy(few))).softmax(1).numpy()
    return len(data), float(np.abs(expected - found).max())


def int8_change(subject: Subject, file: bytes) -> Estimate:
    """By how many points the int8 file's test accuracy differs from that of its float weights.

    Args:
        subject: the network.
        file: its int8 file; it is scored now if it is no published one.
    """
    before = subject.run.study.value("accuracy", split="testing")
    if subject.is_trained:
        predict = file_predictor(file)
        after = evaluate_split(predict, subject.dataset, "testing").accuracy
    else:
        records = read_records(PUBLISHED / f"{subject.name}-int8.json")
        after = select(records, "accuracy", split="testing")[0].value
    return Estimate(100 * float(after - before), None, "points")


def count_equal_clips(file: bytes, images: NDArray[np.uint8]) -> int:
    """For how many images the emulated board, asked over its protocol, and TensorFlow Lite
    Micro's reference kernels give the same bytes.

    Args:
        file: int8 ``.tflite``.
        images: uint8 ``[n, 49, 40]``.
    """
    with open_board("emulator", graph_of(file), "the network") as board:
        found = board_predictor(board)(images)
    return int((found == reference_scores(file, images)).all(axis=1).sum())


def reference_scores(file: bytes, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """TensorFlow Lite Micro's int8 scores ``[n, labels]`` of images uint8 ``[n, 49, 40]``."""
    scores: NDArray[np.int8] = file_predictor(file)(images)
    return scores


def tabulate_steps(
    network: nn.Module, float_file: tuple[int, float], file: bytes, change: Estimate,
    board: Profile, equal: tuple[int, int], data: str,
) -> page.Html:  # fmt: skip
    """The forms of a network on its way, their sizes, and how each differs from the one before.

    Args:
        network: PyTorch.
        float_file: of :func:`float_difference`.
        file: int8 ``.tflite``.
        change: of :func:`int8_change`.
        board: profile of the program.
        equal: clips with the same bytes, and all that were compared.
        data: name of the data of the compared clips.
    """
    size, difference = float_file
    parameters = 4 * sum(each.numel() for each in network.parameters())
    rows = [
        ("PyTorch, float32", f"{parameters:,}", ""),
        ("TensorFlow Lite, float32", f"{size:,}", f"probabilities ±{difference:.7f}"),
        ("TensorFlow Lite, int8", f"{len(file):,}", f"test accuracy changes by {change}"),
        ("C program, int8", f"{board.flash:,}", f"same bytes for {equal[0]} of {equal[1]} clips"),
    ]  # fmt: skip
    keys = ("form", "bytes", "compared with the form before")
    table = [dict(zip(keys, row, strict=True)) for row in rows]
    return page.table(table, data=data, method="measured")


def tabulate_messages(messages: Mapping[str, bytes]) -> page.Html:
    """Messages of the protocol with their number of bytes and the first of them."""
    return page.table(
        [
            {
                "message": name,
                "bytes": f"{len(data):,}",
                "first bytes": data[:_SHOWN_BYTES].hex(" ")
                + (" …" if len(data) > _SHOWN_BYTES else ""),
            }
            for name, data in messages.items()
        ],
        method="emulated",
    )


# The C of one layer.


def last_layer(file: bytes) -> tuple[FullyConnected, NDArray[np.float32]]:
    """The last fully connected layer of an int8 file, and the scales of its weights ``[out]``."""
    layers = [each for each in graph_of(file).operators if isinstance(each, FullyConnected)]
    return layers[-1], np.broadcast_to(layers[-1].scales, len(layers[-1].weights))


def run_in_c(layer: FullyConnected, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Outputs ``[n, out]`` of a layer's generated C, compiled for this machine.

    Args:
        layer: the layer.
        inputs: int8 ``[n, in]``.
    """
    compiled = build_host_network(_alone(layer))
    return np.stack([compiled.run(row) for row in inputs])


def show_c(layer: FullyConnected) -> page.Html:
    """The generated C of a layer, long arrays shortened, and the kernels that it calls."""
    source = generate(_alone(layer), "portable").source
    start = source.index("static __attribute__((noinline)) void layer_0")
    function = source[start : source.index("\n}", start) + 2]
    function = function.replace("__attribute__((noinline)) ", "")
    function = _LONG_ARRAY.sub(r"\1...}", function)
    code = "\n\n".join(
        [
            function,
            _definition("fully_connected.h", "kws_fully_connected"),
            _definition("requantize.h", "kws_requantize"),
        ]
    )
    code = re.sub(r",\n {20,}", ", ", code)
    code = "\n".join(_wrapped(line) for line in code.splitlines())
    body = highlight(code, CLexer(), HtmlFormatter(cssclass="highlight"))
    box = '<div role="region" tabindex="0" aria-label="Generated C" style="text-align: left">'
    return resting_on(page.Html(f"{box}{body}</div>"), method="generated in this run")


def _wrapped(line: str) -> str:
    """A line of C, broken after a comma where it is too long for the page."""
    if len(line) <= _WIDTH or (at := line.rfind(", ", 0, _WIDTH)) < 0:
        return line
    indent = len(line) - len(line.lstrip())
    rest = " " * (indent if indent % 8 == 0 and indent else indent + 8) + line[at + 2 :]
    return f"{line[: at + 1]}\n{_wrapped(rest)}"


def _definition(header: str, function: str) -> str:
    """The definition of an inline function in a header of the core."""
    text = (CORE / header).read_text(encoding="utf-8")
    end = text.index("{", text.index(f"{function}("))
    start = text.rindex("KWS_INLINE", 0, end)
    return text[start : text.index("\n}", start) + 2]


def _alone(layer: FullyConnected) -> Graph:
    """A network of one layer."""
    source = replace(layer.input, shape=(1, layer.weights.shape[1]))
    return Graph((source,), (layer.output,), (replace(layer, inputs=(source,)),))
