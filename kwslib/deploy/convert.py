"""From a PyTorch network to a float and a full-int8 ``.tflite`` file.

TensorFlow's converter does it, on a channels-last function with the network's weights
(:mod:`kwslib.deploy.translate`). The result ends in a Softmax; an int8 network's input is a pixel
minus 128, its output 256 times a probability minus 128.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kwslib.config import DEPLOYED
from kwslib.deploy.predictors import float_predictor, no_stderr, quiet_tensorflow
from kwslib.deploy.translate import Translation
from kwslib.errors import InputError
from kwslib.network.facts import with_facts
from kwslib.network.flatfile import parse
from kwslib.quantize.ptq import calibration_clips

tf: Any = quiet_tensorflow()
_INPUT_SHAPE = (1, DEPLOYED.frames, DEPLOYED.bands, 1)


def convert_float(network: nn.Module, facts: Mapping[str, Any]) -> bytes:
    """A float ``.tflite`` file: images in 0 to 1 to probabilities.

    Raises:
        InputError: a layer of the network has no translation.
    """
    return with_facts(_quietly(_converter(_probabilities(network))), facts)


def convert_int8(network: nn.Module, images: NDArray[np.uint8], facts: Mapping[str, Any]) -> bytes:
    """A full-int8 ``.tflite`` file.

    Args:
        network: PyTorch, images ``[n, 1, 49, 40]`` in 0 to 1 to logits.
        images: uint8 ``[clips, 49, 40]``, training images that set the ranges.
        facts: what the file is to say of itself.

    Raises:
        InputError: a layer has no translation.
    """

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        # The corners of the input's range are always among the images, so that its scale is
        # exactly 1/255 and its zero point -128.
        corners = np.zeros(_INPUT_SHAPE, np.float32)
        corners.flat[0] = 1.0
        yield [corners]
        for image in calibration_clips(images):
            yield [image.reshape(_INPUT_SHAPE).astype(np.float32) / np.float32(255)]

    converter = _converter(_probabilities(network))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = with_facts(_quietly(converter), facts)
    _check_interface(data)
    return data


def layer_differences(network: nn.Module, images: NDArray[np.uint8]) -> dict[str, float]:
    """For each layer, how far float TFLite is from PyTorch at most.

    A file for each layer, which ends there, is run by TensorFlow Lite's reference kernels.

    Args:
        network: PyTorch.
        images: uint8 ``[clips, 49, 40]``.
    """
    translation = Translation(network)
    expected = translation.torch_layers(torch.from_numpy(images)[:, None].float() / 255)
    differences = {}
    for name, wanted in expected.items():
        data = _quietly(_converter(_function(partial(translation.run, name=name))))
        found = float_predictor(data, _INPUT_SHAPE, name)(images)
        rows = translation.channels_last(name, wanted).reshape(found.shape).numpy()
        differences[name] = float(np.abs(rows - found).max())
    return differences


def _probabilities(network: nn.Module) -> Any:
    translation = Translation(network)
    return _function(lambda images: tf.nn.softmax(translation.run(images)))


def _function(body: Callable[[Any], Any]) -> Any:
    signature = [tf.TensorSpec(_INPUT_SHAPE, tf.float32)]
    return tf.function(body, input_signature=signature, autograph=False).get_concrete_function()


def _converter(function: Any) -> Any:
    return tf.lite.TFLiteConverter.from_concrete_functions([function], function)


def _quietly(converter: Any) -> bytes:
    """Convert; what TensorFlow's C++ says meanwhile is of no use to anybody."""
    with warnings.catch_warnings(), no_stderr():
        warnings.simplefilter("ignore")
        return converter.convert()


def _check_interface(data: bytes) -> None:
    """An int8 network's input is a pixel minus 128, its output 256 times a probability - 128."""
    file = parse(data)
    for index, scale in ((file.inputs[0], 1 / 255), (file.outputs[0], 1 / 256)):
        tensor = file.tensors[index]
        found = (tensor.scales.tolist(), tensor.zero_points.tolist())
        if found != ([float(np.float32(scale))], [-128]):
            raise InputError(
                f"the converter gave {tensor.name!r} scale and zero point {found}, "
                f"not {scale:.6g} and -128; this TensorFlow does not suit"
            )
