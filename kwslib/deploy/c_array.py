"""A ``.tflite`` file as C, which drops into TensorFlow Lite Micro's Arduino examples."""

import re
from pathlib import Path

from kwslib.files import write_text
from kwslib.network.flatfile import parse

_PER_LINE = 12

_RESOLVER_CALLS = {
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "FULLY_CONNECTED": "AddFullyConnected",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "MAX_POOL_2D": "AddMaxPool2D",
    "ADD": "AddAdd",
    "SOFTMAX": "AddSoftmax",
    "MEAN": "AddMean",
    "PAD": "AddPad",
    "RESHAPE": "AddReshape",
}
"""What a MicroMutableOpResolver has to be told for each operator."""


def write_c_array(data: bytes, source: Path) -> tuple[Path, Path]:
    """Write ``g_model`` to ``source`` (``.cc``) and its declaration beside it (``.h``).

    Args:
        data: the ``.tflite`` file.
        source: where to write.
    """
    header = source.with_suffix(".h")
    guard = "KWS_" + re.sub(r"[^A-Z0-9]", "_", header.name.upper(), flags=re.ASCII) + "_"
    names = dict.fromkeys(operator.name for operator in parse(data).operators)
    calls = "".join(f"//   resolver.{_RESOLVER_CALLS[name]}();\n" for name in names)
    write_text(
        header,
        f"#ifndef {guard}\n#define {guard}\n\n"
        f"// The model needs a MicroMutableOpResolver<{len(names)}> with\n{calls}\n"
        "extern const unsigned char g_model[];\nextern const int g_model_len;\n\n#endif\n",
    )
    rows = [data[i : i + _PER_LINE] for i in range(0, len(data), _PER_LINE)]
    body = ",\n    ".join(", ".join(f"0x{byte:02x}" for byte in row) for row in rows)
    write_text(
        source,
        f'#include "{header.name}"\n\n'
        f"alignas(16) const unsigned char g_model[] = {{\n    {body}}};\n"
        f"const int g_model_len = {len(data)};\n",
    )
    return source, header
