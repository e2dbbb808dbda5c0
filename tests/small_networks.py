"""Small int8 networks for tests, as bytes of a .tflite file, built tensor by tensor."""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

OPERATORS = schema.BuiltinOperator
ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
PADDINGS = {"SAME": 0, "VALID": 1}
_TYPES = {"int8": 9, "int32": 2, "float32": 0, "int64": 4}


class Builder:
    """Adds tensors and operators one by one; ``finish`` gives the file."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors, self.subgraph.operators = [], []
        self.model.subgraphs = [self.subgraph]

    def tensor(self, shape, scale=None, zero_point=0, constant=None, axis=0, name=None):
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.name = name or f"tensor{len(self.subgraph.tensors)}"
        kind = "int8" if constant is None else str(np.asarray(constant).dtype)
        tensor.type = _TYPES[kind]
        tensor.buffer = 0
        if constant is not None:
            buffer = schema.BufferT()
            buffer.data = list(np.ascontiguousarray(constant).tobytes())
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        if scale is not None:
            scales = [float(s) for s in np.atleast_1d(scale)]
            quantization = schema.QuantizationParametersT()
            quantization.scale = scales
            quantization.zeroPoint = [zero_point] * len(scales)
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def operator(self, name, inputs, output, options=None):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(OPERATORS, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            kind = type(options).__name__[:-1]
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)
        return output

    def finish(self, inputs, outputs):
        self.subgraph.inputs, self.subgraph.outputs = list(inputs), list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(kind, **fields):
    """An options table of the schema by its name, with fields in the object API's spelling."""
    table = getattr(schema, f"{kind}T")()
    for field, value in fields.items():
        assert hasattr(table, field), f"{kind} has no {field}"
        setattr(table, field, value)
    return table


def same(size, kernel, stride, dilation=1):
    return -(-size // stride)


def valid(size, kernel, stride, dilation=1):
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def window_options(kind, stride, padding, activation, dilation=(1, 1), **more):
    fields = {
        "strideH": stride[0],
        "strideW": stride[1],
        "padding": PADDINGS[padding],
        "fusedActivationFunction": ACTIVATIONS[activation],
        **more,
    }
    if kind != "Pool2DOptions":
        fields |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    return options(kind, **fields)
