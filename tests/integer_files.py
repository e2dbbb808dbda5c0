"""Quantized networks and .tflite files: changed, run layer by layer, cut."""

from dataclasses import replace

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.network.flatfile import parse


def with_tensors(network, change):
    """The network with each of its tensors changed."""
    operators = tuple(
        replace(each, inputs=tuple(map(change, each.inputs)), output=change(each.output))
        for each in network.operators
    )
    inputs, outputs = (tuple(map(change, ends)) for ends in (network.inputs, network.outputs))
    return replace(network, inputs=inputs, outputs=outputs, operators=operators)


def reference_activations(data, images):
    """What each tensor of a file holds in TensorFlow Lite Micro, by its name, ``[n, ...]``."""
    file = parse(data)
    interpreter = runtime.Interpreter.from_bytes(
        data,
        arena_size=2**22,
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
    names = {t.name: t for t in file.tensors if t.constant is None}
    found = {name: [] for name in names}
    for image in images:
        values = (image.astype(np.int16) - 128).astype(np.int8)
        interpreter.set_input(values.reshape(file.tensors[file.inputs[0]].shape), 0)
        interpreter.invoke()
        for name, tensor in names.items():
            held = interpreter.GetTensor(tensor.index, 0)["tensor_data"]
            found[name].append(np.array(held).reshape(tensor.shape[1:]))
    return {name: np.stack(values) for name, values in found.items()}


def part_of(data, first, last):
    """The file of a chain's operators ``first`` to ``last`` (not included) alone."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[first:last]
    graph.inputs = [graph.operators[0].inputs[0]]
    graph.outputs = graph.operators[-1].outputs
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
