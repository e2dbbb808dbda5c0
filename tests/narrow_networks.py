"""A network with weights rounded to fewer bits or to zero, whatever that does to its accuracy."""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.network.facts import facts_in, with_facts

_WEIGHTED = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)


def narrowed(data, bits):
    """A file whose weights use ``bits``, one number for each operator that has some.

    Scales grow by what the weights shrink, channel by channel where the file has one scale for
    each; biases follow.
    """
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for (weights, bias), width in zip(_weights_and_biases(model), bits, strict=True):
        _narrow(model.buffers, weights, bias, width)
    return _packed(model, {**facts_in(data), "weight_bits": list(bits)})


def emptied(data, zeros):
    """A file of which a share of each layer's weights is zero, the smallest ones."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for weights, _ in _weights_and_biases(model):
        values = np.array(model.buffers[weights.buffer].data, np.uint8).view(np.int8)
        order = np.argsort(np.abs(values.astype(int)), kind="stable")
        values[order[: round(zeros * len(values))]] = 0
        model.buffers[weights.buffer].data = list(values.tobytes())
    return _packed(model, facts_in(data))


def _weights_and_biases(model):
    """The tensors of each operator that has some."""
    graph = model.subgraphs[0]
    codes = [code.builtinCode for code in model.operatorCodes]
    weighted = [each for each in graph.operators if codes[each.opcodeIndex] in _WEIGHTED]
    return [[graph.tensors[i] for i in operator.inputs[1:3]] for operator in weighted]


def _packed(model, facts):
    builder = flatbuffers.Builder(2**15)
    builder.Finish(model.Pack(builder), b"TFL3")
    return with_facts(bytes(builder.Output()), facts)


def _narrow(buffers, weights, bias, bits):
    values = np.array(buffers[weights.buffer].data, np.uint8).view(np.int8).reshape(weights.shape)
    scales = np.array(weights.quantization.scale, np.float32)
    greatest = np.full(len(scales), 127)
    if len(scales) > 1:
        axis = weights.quantization.quantizedDimension
        others = tuple(set(range(values.ndim)) - {axis})
        greatest = np.abs(values.astype(int)).max(axis=others).clip(1)
        values = np.moveaxis(values, axis, -1)
    factor = greatest / (2 ** (bits - 1) - 1)
    narrow = np.rint(values / factor).astype(np.int8)
    if len(scales) > 1:
        narrow = np.moveaxis(narrow, -1, axis)
    buffers[weights.buffer].data = list(np.ascontiguousarray(narrow).tobytes())
    weights.quantization.scale = [float(scale) for scale in np.float32(scales * factor)]
    biases = np.array(buffers[bias.buffer].data, np.uint8).view("<i4")
    buffers[bias.buffer].data = list(np.rint(biases / factor).astype("<i4").tobytes())
    bias.quantization.scale = [
        float(scale) for scale in np.float32(np.array(bias.quantization.scale) * factor)
    ]
