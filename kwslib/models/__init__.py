"""Networks: a registry in which a new network is one small class in a module of its own."""

from kwslib.models.registry import check_name, create, model, names

__all__ = ["check_name", "create", "model", "names"]
