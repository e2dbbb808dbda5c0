"""Networks: a registry in which a new network is one small class in a module of its own."""

from kwslib.models.registry import create, model, names

__all__ = ["create", "model", "names"]
