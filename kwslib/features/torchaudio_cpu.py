"""Import torchaudio beside a torch for which its compiled extension was not built.

torchaudio's wheel on PyPI is built for CUDA; beside a CPU torch its extension cannot be loaded
and the import ends in an OSError. The transforms and data sets that the project uses are plain
Python, so where the extension fails an empty module stands in for it.

Use ``from kwslib.features.torchaudio_cpu import torchaudio`` in place of ``import torchaudio``.
"""

import importlib
import sys
import types
from typing import Any

_EXTENSION = "torchaudio._extension"


def _stand_in() -> types.ModuleType:
    def fail_if_no_align(function: Any) -> Any:
        return function

    module = types.ModuleType(_EXTENSION)
    module.__dict__.update(_IS_TORCHAUDIO_EXT_AVAILABLE=False, fail_if_no_align=fail_if_no_align)
    return module


def _import_torchaudio() -> types.ModuleType:
    try:
        return importlib.import_module("torchaudio")
    except (OSError, ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[_EXTENSION] = _stand_in()
        return importlib.import_module("torchaudio")


torchaudio: Any = _import_torchaudio()
