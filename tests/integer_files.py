"""Quantized networks and .tflite files: one read back into the other, run layer by layer, cut."""

from dataclasses import replace

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.deploy.flatfile import parse
from kwslib.deploy.tflite_file import facts_in
from kwslib.quantize.integer import IntegerNetwork
from kwslib.quantize.integer_layers import Conv2d, FullyConnected, Reshape, Softmax
from kwslib.quantize.integer_tensor import IntegerTensor


def integer_network_of(data):
    """The quantized network in a file of convolutions and fully connected layers."""
    file = parse(data)
    facts = facts_in(data)

    def tensor(index):
        found = file.tensors[index]
        (scale,), (zero_point,) = found.scales, found.zero_points
        return IntegerTensor(found.name, found.shape, float(scale), int(zero_point))

    layers = []
    for operator in file.operators:
        first, *others = operator.inputs
        ends = (tensor(first),), tensor(operator.outputs[0])
        if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
            weights, bias = (file.tensors[index] for index in others)
            numbers = weights.elements(), weights.scales, bias.elements()
            activation = operator.options["FusedActivationFunction"]
            if operator.name == "CONV_2D":
                stride = operator.options["StrideH"], operator.options["StrideW"]
                given = {"stride": stride, "padding": operator.options["Padding"]}
                layers.append(Conv2d(*ends, *numbers, activation=activation, **given))
            else:
                layers.append(FullyConnected(*ends, *numbers, activation=activation))
        else:
            layers.append({"RESHAPE": Reshape, "SOFTMAX": Softmax}[operator.name](*ends))
    labels = tuple(facts.pop("labels"))
    return IntegerNetwork(tensor(file.inputs[0]), tuple(layers), labels, facts)


def with_tensors(network, change):
    """The network with each of its tensors changed."""
    layers = tuple(
        replace(layer, inputs=tuple(map(change, layer.inputs)), output=change(layer.output))
        for layer in network.layers
    )
    return IntegerNetwork(change(network.input), layers, network.labels, network.facts)


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
