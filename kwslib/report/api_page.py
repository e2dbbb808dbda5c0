"""The API reference: one section a module, made from docstrings."""

import importlib
import pkgutil
from types import ModuleType

SKIPPED = ("kwslib.cli",)
"""The command's own help says what its modules do."""

_SECTION = """\
## {name}

```{{eval-rst}}
.. automodule:: {name}
   :members:
   :no-value:
   :ignore-module-all:
```
"""


def module_names(package: ModuleType) -> list[str]:
    """Names of all public modules under ``package``, in the order of the alphabet."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names = [module.name for module in found if not module.name.rpartition(".")[2].startswith("_")]
    return [name for name in sorted(names) if not name.startswith(SKIPPED)]


def markdown(package_name: str = "kwslib") -> str:
    """A heading and an ``automodule`` for each module, as MyST Markdown."""
    names = [package_name, *module_names(importlib.import_module(package_name))]
    return "\n".join(_SECTION.format(name=name) for name in names)
