"""The API reference: one section a module, made from docstrings, on a few pages."""

import importlib
import pkgutil
from types import ModuleType

SKIPPED = ("kwslib.cli",)
"""The command's own help says what its modules do."""

PARTS = {
    "sound": ("data", "features", "field", "streaming"),
    "networks": ("network", "models", "training", "cost", "quantize", "prune"),
    "board": ("deploy", "board"),
    "report": ("studies", "results", "live", "site"),
}
"""Packages by the page that they stand on; all that is not named here stands on the first page."""

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


def names_of(part: str = "") -> list[str]:
    """Names of the modules of one of :data:`PARTS`, or of those in none of them.

    Raises:
        ValueError: there is no such part.
    """
    if part and part not in PARTS:
        raise ValueError(f"the API reference has the parts {', '.join(PARTS)}, no {part!r}")
    by_package = {package: name for name, packages in PARTS.items() for package in packages}
    names = ["kwslib", *module_names(importlib.import_module("kwslib"))]
    return [name for name in names if by_package.get(f"{name}.".split(".")[1], "") == part]


def markdown(part: str = "") -> str:
    """A heading and an ``automodule`` for each module of a part, as MyST Markdown.

    Raises:
        ValueError: there is no such part.
    """
    return "\n".join(_SECTION.format(name=name) for name in names_of(part))
