"""What scores clips: a checkpoint in PyTorch, a ``.tflite`` file, or its compiled C code."""

from pathlib import Path

import numpy as np

from kwslib.config import DEPLOYED
from kwslib.deploy.flatfile import read_bytes
from kwslib.deploy.tflite_file import facts_in
from kwslib.errors import InputError
from kwslib.evaluation import Predict
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, load


def predictor_of(model: str, target: str | None = None) -> tuple[Predict, NetworkInfo]:
    """The predictor of a network and what it is.

    Args:
        model: a checkpoint, a ``.tflite`` file or the name of a published network.
        target: ``"host"`` for the compiled C code; None for the form that ``model`` names.

    Raises:
        InputError: there is no such network, or it does not come in the form that is asked for.
    """
    path = Path(model)
    if target is not None and path.suffix != ".tflite":
        path = _published(model)
    if path.suffix != ".tflite":
        from kwslib.training.predict import predictor

        network, info = load(model)
        return predictor(network), info
    from kwslib.deploy import host, interpreter

    info = info_of(path)
    predict = host.predictor(path) if target else interpreter.predictor(path)
    outputs = predict(np.zeros((1, DEPLOYED.frames, DEPLOYED.bands), np.uint8)).shape[1]
    if outputs != len(info.labels):
        raise InputError(
            f"{path}: gives {outputs} scores but names the labels {' '.join(info.labels)}; "
            "'kws convert' makes files that agree"
        )
    return predict, info


def _published(model: str) -> Path:
    """The ``.tflite`` file of a published network."""
    path = PUBLISHED / f"{model}.tflite"
    if path.parent != PUBLISHED or Path(model).exists() or not path.exists():
        raise InputError(
            f"{model}: only a .tflite file can be compiled; 'kws convert {model}' makes one"
        )
    return path


def info_of(path: Path) -> NetworkInfo:
    """What a ``.tflite`` file says of itself.

    Raises:
        InputError: it cannot be read, or was not made by kwslib.
    """
    facts = facts_in(read_bytes(path))
    labels, training = facts.get("labels"), facts.get("training")
    if not isinstance(labels, list) or not isinstance(training, dict):
        raise InputError(f"{path}: does not name its labels; 'kws convert' makes files that do")
    return NetworkInfo(str(facts.get("model")), tuple(map(str, labels)), training)
