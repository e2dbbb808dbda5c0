"""A network with its weights rounded to fewer bits, whatever that does to its accuracy."""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from kwslib.deploy.tflite_file import facts_in, with_facts

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
    graph = model.subgraphs[0]
    codes = [code.builtinCode for code in model.operatorCodes]
    weighted = [each for each in graph.operators if codes[each.opcodeIndex] in _WEIGHTED]
    for operator, width in zip(weighted, bits, strict=True):
        weights, bias = (graph.tensors[index] for index in operator.inputs[1:3])
        _narrow(model.buffers, weights, bias, width)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return with_facts(bytes(builder.Output()), {**facts_in(data), "weight_bits": list(bits)})


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
