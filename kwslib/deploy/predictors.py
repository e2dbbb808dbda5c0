"""What scores clips: a checkpoint in PyTorch, or a ``.tflite`` file by the reference kernels, which
define what is right.

Full-int8 files run in TensorFlow Lite Micro's interpreter, float files in TensorFlow Lite's with
its reference kernels. Never XNNPACK, which differs in the last bit.
"""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.config import DEPLOYED
from kwslib.errors import InputError, naming
from kwslib.evaluation.accuracy import Predict
from kwslib.models.checkpoint import PUBLISHED, NetworkInfo, load, located
from kwslib.network.facts import facts_in
from kwslib.network.flatfile import parse, read_file
from kwslib.network.reader import graph_of
from kwslib.network.reference import pixels
from kwslib.network.writer import tflite_bytes


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
        from kwslib.training.predict import predictor as float_scores

        network, info = load(model)
        return float_scores(network), info
    info = info_of(path)
    predict = predictor(path)
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


_ARENA = 2**20


def predictor(path: Path | str) -> Predict:
    """Scores from images uint8 ``[n, 49, 40]``: int8 outputs, or probabilities of a float file.

    Raises:
        InputError: the file is damaged, not for images, or holds operators of others.
    """
    return file_predictor(read_file(path), str(path))


def file_predictor(data: bytes, where: str = "the network") -> Predict:
    """Scores as of :func:`predictor`, of the content of a file.

    Args:
        data: the content.
        where: what messages call it.

    Raises:
        InputError: as of :func:`predictor`.
    """
    file = parse(data, where)
    shapes = [file.tensors[i].shape for i in file.inputs if 0 <= i < len(file.tensors)]
    if len(shapes) != 1 or math.prod(shapes[0]) != DEPLOYED.frames * DEPLOYED.bands:
        raise InputError(f"{where}: takes {shapes}, not one image of 49 x 40")
    if file.tensors[file.inputs[0]].type == "FLOAT32":
        return float_predictor(data, shapes[0], where)
    graph = graph_of(data, where)
    with naming(where):
        labels = graph.output.size
    # TensorFlow Lite Micro trusts what it is given, so it gets what was read, written anew
    return _int8_predictor(tflite_bytes(replace(graph, facts={})), shapes[0], labels)


def micro_interpreter(data: bytes) -> Any:
    """TensorFlow Lite Micro's interpreter of a file that has been checked."""
    from tflite_micro.python.tflite_micro import runtime

    return runtime.Interpreter.from_bytes(data, arena_size=_ARENA)


def _int8_predictor(data: bytes, shape: tuple[int, ...], labels: int) -> Predict:
    interpreter = micro_interpreter(data)

    def predict(images: NDArray[np.uint8]) -> NDArray[np.int8]:
        scores = np.empty((len(images), labels), np.int8)
        for index, image in enumerate(pixels(images)):
            interpreter.set_input(image.reshape(shape), 0)
            interpreter.invoke()
            scores[index] = interpreter.get_output(0).reshape(-1)
        return scores

    return predict


def float_predictor(data: bytes, shape: tuple[int, ...], where: str) -> Predict:
    """Outputs float32 ``[n, size]`` of a float file, by TensorFlow Lite's reference kernels.

    Args:
        data: the content.
        shape: of its input, one image.
        where: what messages call it.

    Raises:
        InputError: TensorFlow Lite cannot run it.
    """
    with _damage_named(where):
        interpreter = reference_interpreter(data)
        source = interpreter.get_input_details()[0]["index"]
        result = interpreter.get_output_details()[0]["index"]

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = []
        with _damage_named(where):
            for image in images.astype(np.float32) / np.float32(255):
                interpreter.set_tensor(source, image.reshape(shape))
                interpreter.invoke()
                scores.append(interpreter.get_tensor(result).reshape(-1).copy())
        return np.stack(scores)

    return predict


def reference_interpreter(data: bytes) -> Any:
    """TensorFlow Lite's interpreter with its reference kernels, ready to run."""
    tf = quiet_tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class moves to another package
        interpreter = tf.lite.Interpreter(
            model_content=data,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        )
    interpreter.allocate_tensors()
    return interpreter


def quiet_tensorflow() -> Any:
    """TensorFlow, without what it says when it is loaded and when it converts."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    with no_stderr():
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    return tf


@contextmanager
def no_stderr() -> Iterator[None]:
    """The file descriptor itself, since C++ writes to it past ``sys.stderr``."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _damage_named(where: str) -> Iterator[None]:
    """What TensorFlow Lite raises on a file that it cannot run, in one line."""
    try:
        yield
    except (ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{where}: cannot be run ({error}); convert or copy it again") from error
