"""Networks: a registry in which a new network is one small class in a module of its own.

A network is an ``nn.Module`` decorated with :func:`model`. It is created with the number of
labels, takes images ``[n, 1, frames, bands]`` in 0 to 1 and gives logits ``[n, labels]``.
"""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import nn

from kwslib.errors import InputError

_Make = TypeVar("_Make", bound=Callable[[int], nn.Module])
_MODELS: dict[str, Callable[[int], nn.Module]] = {}

_NOT_NETWORKS = {
    "layers",
    "checkpoint",
    "standardise",
    "traced",
    "channels",
}


def model(name: str) -> Callable[[_Make], _Make]:
    """Register what is decorated, a class made with the number of labels, under ``name``."""

    def register(network: _Make) -> _Make:
        if name in _MODELS:
            raise ValueError(f"two networks are named {name!r}")
        _MODELS[name] = network
        return network

    return register


def _load() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in _NOT_NETWORKS:
            importlib.import_module(f"kwslib.models.{module.name}")


def names() -> list[str]:
    """Names of all networks, in alphabetical order."""
    _load()
    return sorted(_MODELS)


def check_name(name: str) -> None:
    """Raise :class:`~kwslib.errors.InputError` unless a network is called ``name``."""
    if name not in names():
        raise InputError(f"model {name!r}: not known; choose one of {', '.join(names())}")


def create(name: str, n_labels: int) -> nn.Module:
    """A freshly initialised network.

    Args:
        name: one of :func:`names`.
        n_labels: number of outputs.

    Raises:
        InputError: no network has that name.
    """
    check_name(name)
    return _MODELS[name](n_labels)
