"""What scores clips: a checkpoint in PyTorch, or a ``.tflite`` file in the interpreter."""

from pathlib import Path

import numpy as np

from kwslib.config import DEPLOYED
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Predict
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, load, located
from kwslib.network.facts import facts_in
from kwslib.network.flatfile import read_file


def predictor_of(model: str) -> tuple[Predict, NetworkInfo]:
    """The predictor of a network and what it is: PyTorch for a checkpoint, the reference
    interpreter for a ``.tflite`` file.

    Args:
        model: a checkpoint, a ``.tflite`` file or the name of a published network.

    Raises:
        InputError: there is no such network.
    """
    path = _file_or_name(model)
    if path.suffix != ".tflite":
        from kwslib.training.predict import predictor

        network, info = load(model)
        return predictor(network), info
    from kwslib.deploy import interpreter

    info = info_of(path)
    predict = interpreter.predictor(path)
    outputs = predict(np.zeros((1, DEPLOYED.frames, DEPLOYED.bands), np.uint8)).shape[1]
    if outputs != len(info.labels):
        raise InputError(
            f"{path}: gives {outputs} scores but names the labels {' '.join(info.labels)}; "
            "'kws convert' makes files that agree"
        )
    return predict, info


def _file_or_name(model: str) -> Path:
    """``model`` as a path, that of a published file where it names one without a checkpoint."""
    given, published = Path(model), PUBLISHED / f"{model}.tflite"
    has_checkpoint = given.exists() or (PUBLISHED / f"{model}.safetensors").exists()
    named = published.parent == PUBLISHED and published.exists() and not has_checkpoint
    return published if named else given


def file_of(model: str) -> Path:
    """The file that :func:`predictor_of` reads."""
    path = _file_or_name(model)
    return path if path.suffix == ".tflite" else located(path)


def tflite_of(model: str) -> Path:
    """The ``.tflite`` file of a network that is to run as C.

    Args:
        model: a ``.tflite`` file or the name of a published network.

    Raises:
        InputError: it is neither.
    """
    given, published = Path(model), PUBLISHED / f"{model}.tflite"
    if given.suffix == ".tflite":
        return given
    if published.parent != PUBLISHED or given.exists() or not published.exists():
        raise InputError(
            f"{model}: only a .tflite file can be compiled; 'kws convert {model}' makes one"
        )
    return published


def info_of(path: Path) -> NetworkInfo:
    """What a ``.tflite`` file says of itself.

    Raises:
        InputError: it cannot be read, or was not made by kwslib.
    """
    facts = facts_in(read_file(path))
    labels, training = facts.get("labels"), facts.get("training")
    if not isinstance(labels, list) or not isinstance(training, dict):
        raise InputError(f"{path}: does not name its labels; 'kws convert' makes files that do")
    return NetworkInfo(str(facts.get("model")), tuple(map(str, labels)), training)
