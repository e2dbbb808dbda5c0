"""TensorFlow Lite Micro's interpreter, the truth about int8 networks."""

import numpy as np

from kwslib.deploy.predictors import micro_interpreter
from kwslib.network.flatfile import parse


def run_reference(data, inputs):
    """Outputs, int8 ``[n, size]``, of a .tflite file for inputs ``[n, size]``."""
    file = parse(data)
    shape = file.tensors[file.inputs[0]].shape
    interpreter = micro_interpreter(data)
    outputs = []
    for values in inputs:
        interpreter.set_input(values.reshape(shape), 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).reshape(-1).copy())
    return np.stack(outputs)
