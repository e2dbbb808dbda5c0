"""A trained checkpoint as files for the board, with what was found about them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Split
from kwslib.deploy.predictors import file_predictor
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import evaluate_split
from kwslib.files import sha256_of_text, write_beside, write_text
from kwslib.models.checkpoint import NetworkInfo, load, task_of
from kwslib.network.flatfile import parse
from kwslib.network.reader import graph_of
from kwslib.quantize.ptq import calibration_clips
from kwslib.training.predict import predictor

SPLIT: Split = "validation"
"""The split on which float and int8 are compared; the test set is not for choices."""

LOGIT_TOLERANCE = 1e-4
_COMPARED_CLIPS = 8


def export(
    checkpoint: str,
    out: Path,
    data: str | None,
    *,
    with_float: bool = False,
    c_array: bool = False,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Convert a checkpoint to int8 and score float and int8 on the validation split.

    Nothing is written before all of it is known to be right.

    Args:
        checkpoint: a path, or the name of a published network.
        out: the ``.tflite`` file to write.
        data: a folder of Speech Commands; embedded speech without it.
        with_float: write ``<name>-float.tflite`` as well.
        c_array: write ``<name>.cc`` and ``<name>.h`` as well.

    Returns:
        What ``kws convert --json`` prints, and what the user should know.

    Raises:
        InputError: checkpoint, ``out`` or data do not suit, or the file is not PyTorch's network.
    """
    from kwslib.deploy import convert  # loads TensorFlow

    if out.suffix != ".tflite":
        raise InputError(f"--out {out}: must end in .tflite")
    network, info = load(checkpoint)
    dataset = Dataset(open_source(data), task_of(checkpoint, info))
    training = dataset.examples("training").deployed
    differences = _differences(network, training[:_COMPARED_CLIPS], checkpoint)
    facts = _facts(info, dataset, network)
    int8 = convert.convert_int8(network, training, facts)
    graph_of(int8, checkpoint)
    accuracies = _accuracies(network, int8, checkpoint, dataset)
    floats = convert.convert_float(network, facts) if with_float else None
    summary = {
        "tflite": str(out),
        "bytes": len(int8),
        "files": [str(path) for path in _write_all(out, int8, floats, c_array)],
        "dataset": dataset.source.name,
        "calibration_clips": len(calibration_clips(training)),
        "split": SPLIT,
        **accuracies,
        "logit_difference": max(differences.values()),
        "layer_differences": differences,
    }
    return summary, _remarks(info, dataset)


def _differences(
    network: nn.Module, images: NDArray[np.uint8], checkpoint: str
) -> Mapping[str, float]:
    """How far each layer of the float file is from PyTorch's; refused where that is far."""
    from kwslib.deploy.convert import layer_differences

    differences = layer_differences(network, images)
    worst = max(differences, key=differences.__getitem__)
    if differences[worst] > LOGIT_TOLERANCE:
        raise InputError(
            f"{checkpoint}: layer {worst} of the float file differs from PyTorch by "
            f"{differences[worst]:.1e}; this TensorFlow does not suit"
        )
    return differences


def _accuracies(
    network: nn.Module, int8: bytes, checkpoint: str, dataset: Dataset
) -> dict[str, float]:
    # from its bytes: the file may go where nothing can be read from
    predictors = {"float": predictor(network), "int8": file_predictor(int8, checkpoint)}
    return {
        f"{form}_accuracy": evaluate_split(predict, dataset, SPLIT).accuracy
        for form, predict in predictors.items()
    }


def _write_all(out: Path, int8: bytes, floats: bytes | None, c_array: bool) -> list[Path]:
    contents = {out: int8}
    if floats is not None:
        contents[out.with_name(f"{out.stem}-float.tflite")] = floats
    for path, data in contents.items():
        with write_beside(path) as temporary:
            temporary.write_bytes(data)
    return [*contents, *(write_c_array(int8, out.with_suffix(".cc")) if c_array else ())]


def _facts(info: NetworkInfo, dataset: Dataset, network: nn.Module) -> Mapping[str, Any]:
    """What the file says of itself: enough to evaluate it, and where it is from."""
    weights = [f"{name} {tensor.tolist()}" for name, tensor in network.state_dict().items()]
    return {
        "model": info.model,
        "labels": list(info.labels),
        "training": {key: info.training[key] for key in ("task", "seed") if key in info.training},
        "weights": sha256_of_text(*weights),
        "calibration": dataset.identity(),
    }


def _remarks(info: NetworkInfo, dataset: Dataset) -> tuple[str, ...]:
    trained_on = info.training.get("data")
    name = trained_on.get("name") if isinstance(trained_on, Mapping) else trained_on
    if not name or name == dataset.source.name:
        return ()
    return (
        f"note: trained on {name} but calibrated on {dataset.source.name}; --data names other data",
    )


_PER_LINE = 12

_RESOLVER_CALLS = {
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "FULLY_CONNECTED": "AddFullyConnected",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "MAX_POOL_2D": "AddMaxPool2D",
    "ADD": "AddAdd",
    "SOFTMAX": "AddSoftmax",
    "MEAN": "AddMean",
    "PAD": "AddPad",
    "RESHAPE": "AddReshape",
}
"""What a MicroMutableOpResolver has to be told for each operator."""


def write_c_array(data: bytes, source: Path) -> tuple[Path, Path]:
    """Write ``g_model`` to ``source`` (``.cc``) and its declaration beside it (``.h``).

    Args:
        data: the ``.tflite`` file.
        source: where to write.
    """
    header = source.with_suffix(".h")
    guard = "KWS_" + re.sub(r"[^A-Z0-9]", "_", header.name.upper(), flags=re.ASCII) + "_"
    names = dict.fromkeys(operator.name for operator in parse(data).operators)
    calls = "".join(f"//   resolver.{_RESOLVER_CALLS[name]}();\n" for name in names)
    write_text(
        header,
        f"#ifndef {guard}\n#define {guard}\n\n"
        f"// The model needs a MicroMutableOpResolver<{len(names)}> with\n{calls}\n"
        "extern const unsigned char g_model[];\nextern const int g_model_len;\n\n#endif\n",
    )
    rows = [data[i : i + _PER_LINE] for i in range(0, len(data), _PER_LINE)]
    body = ",\n    ".join(", ".join(f"0x{byte:02x}" for byte in row) for row in rows)
    write_text(
        source,
        f'#include "{header.name}"\n\n'
        f"alignas(16) const unsigned char g_model[] = {{\n    {body}}};\n"
        f"const int g_model_len = {len(data)};\n",
    )
    return source, header
