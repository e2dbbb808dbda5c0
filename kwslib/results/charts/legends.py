"""Legends that filter: a click on an entry leaves only its marks in full strength.

Vega-Lite can tie a selection to a legend; this gives each chart whose legend names things such
a selection, and fades all marks that are not in it. Nothing is selected at first.
"""

import copy
from collections.abc import Iterator
from typing import Any

_FADED = 0.1
_LEGENDS = ("color", "fill", "shape", "strokeDash")
_BY_DEFAULT = {"point": 0.7, "tick": 0.7, "circle": 0.7, "square": 0.7}
"""Opacities that Vega-Lite gives marks which do not say theirs; all others have 1."""


def with_filters(spec: dict[str, Any]) -> dict[str, Any]:
    """A copy of a specification in which legends of names filter; facets stay as they are."""
    spec = copy.deepcopy(spec)
    for number, group in enumerate(_groups(spec)):
        _filter(group, f"legend_{number}")
    return spec


def _groups(spec: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The views of a specification: of each the layers, with their marks and encodings."""
    for name in ("hconcat", "vconcat", "concat"):
        for part in spec.get(name, ()):
            yield from _groups(part)
    if "layer" in spec and "encoding" not in spec and all("mark" in each for each in spec["layer"]):
        yield spec["layer"]
    elif "mark" in spec and not {"row", "column", "facet"} & spec.get("encoding", {}).keys():
        yield [spec]


def _filter(layers: list[dict[str, Any]], name: str) -> None:
    field = next((field for each in layers if (field := _named(each))), None)
    if field is None:
        return
    chosen = {"type": "point", "fields": [field], "toggle": "true"}
    selection = {"name": name, "select": chosen, "bind": "legend"}
    first = next(each for each in layers if _named(each) == field)
    first["params"] = [*first.get("params", ()), selection]
    for each in layers:
        channels = each.get("encoding", {})
        if "opacity" not in channels and field in _fields(channels):
            channels["opacity"] = {
                "condition": {"param": name, "value": _opacity(each["mark"])},
                "value": _FADED,
            }


def _named(layer: dict[str, Any]) -> str | None:
    """The field whose names a legend of the layer lists."""
    for channel in _LEGENDS:
        given = layer.get("encoding", {}).get(channel)
        if isinstance(given, dict) and given.get("type") == "nominal" and "field" in given:
            if "legend" in given and given["legend"] is None:
                continue
            return str(given["field"])
    return None


def _fields(channels: dict[str, Any]) -> set[str]:
    """Fields that place or colour a mark, as names of data."""
    return {
        given["field"]
        for given in channels.values()
        if isinstance(given, dict) and "field" in given
    }


def _opacity(mark: Any) -> float:
    settings = mark if isinstance(mark, dict) else {"type": mark}
    return float(settings.get("opacity", _BY_DEFAULT.get(settings["type"], 1.0)))
