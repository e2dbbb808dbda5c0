"""What a ``.tflite`` file says of itself: JSON in its metadata entry ``kwslib``."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import flatbuffers
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

_ENTRY = b"kwslib"
_MOST_ENTRIES = 64
_LARGEST = 2**16
_ALIGNMENT = 16
_STUMBLES = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError)


def facts_in(data: bytes) -> dict[str, Any]:
    """The facts in a file: network, labels, task, training; none where it was not made by kwslib.

    Facts only describe, so a damaged entry counts as none.
    """
    try:
        model = schema.Model.GetRootAs(data)
        for i in range(min(model.MetadataLength(), _MOST_ENTRIES)):
            entry = model.Metadata(i)
            if entry.Name() != _ENTRY or not 0 <= entry.Buffer() < model.BuffersLength():
                continue
            buffer = model.Buffers(entry.Buffer())
            if 0 < buffer.DataLength() <= _LARGEST:
                facts = json.loads(buffer.DataAsNumpy().tobytes())
                return facts if isinstance(facts, dict) else {}
    except (*_STUMBLES, RecursionError):
        return {}
    return {}


def with_facts(data: bytes, facts: Mapping[str, Any]) -> bytes:
    """A file with ``facts`` in place of all its other metadata, and without signatures.

    Args:
        data: a file that a converter wrote, not one from elsewhere.
        facts: what JSON can hold.
    """
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for entry in model.metadata or []:
        model.buffers[entry.buffer].data = None
    model.signatureDefs = None
    return pack(model, facts)


def pack(model: schema.ModelT, facts: Mapping[str, Any]) -> bytes:
    """A model of the schema's object API as a file, with ``facts`` as its only metadata.

    The same model and facts give the same bytes.

    Args:
        model: is changed.
        facts: what JSON can hold.
    """
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()
    model.buffers.append(schema.BufferT(list(text)))
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    model.metadata = [schema.MetadataT(_ENTRY.decode(), len(model.buffers) - 1)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _AlignedBuffer(schema.BufferT):
    """Packed as the schema's ``force_align: 16`` asks, which Python's packer overlooks.

    An interpreter on the board reads constants in place, and a misaligned load may be a fault.
    """

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802
        data = None
        if self.data is not None:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            for byte in reversed(self.data):
                builder.PrependUint8(byte)
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)
