"""What a figure or table rests on, in fields below its caption: data, seeds, method, place."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import altair as alt

from kwslib.records import Record

FIELDS_MIME = "application/vnd.kws.fields+json"
"""Where an executed notebook holds the fields of a figure or table."""

META = "kws_fields"
"""Where a chart's ``usermeta`` holds them."""

FIELDS = ("data", "seeds", "method", "place")
"""In the order in which they stand."""

_HASH = 64
"""Letters of a file's SHA-256."""

Shown = TypeVar("Shown")


def fields_of(records: Iterable[Record], **others: str) -> dict[str, str]:
    """What records have in common or differ in, as fields.

    Args:
        records: that were drawn.
        others: fields that records do not hold, or in other words.

    Raises:
        ValueError: there is no such field.
    """
    records = list(records)
    if unknown := sorted(set(others) - set(FIELDS)):
        raise ValueError(f"there is no field {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
    found = {
        "data": _listed(_data_of(record) for record in records),
        "seeds": _seeds(records),
        "method": _listed(record.method for record in records),
        "place": _listed(_place_of(record) for record in records),
        **others,
    }
    return {name: found[name] for name in FIELDS if found.get(name)}


def resting_on(shown: Shown, records: Iterable[Record] = (), **others: str) -> Shown:
    """A chart or table with the fields that its caption is to show.

    Args:
        shown: an Altair chart, or :class:`kwslib.results.page.Html`.
        records: as of :func:`fields_of`, and so ``others``.
        others: fields that records do not hold.
    """
    fields = fields_of(records, **others)
    if isinstance(shown, alt.TopLevelMixin):
        meta: Any = getattr(shown, "usermeta", alt.Undefined)
        known: Mapping[str, Any] = {} if meta is alt.Undefined else meta
        shown.usermeta = {**known, META: fields}  # type: ignore[attr-defined]
    else:
        shown.fields = fields  # type: ignore[attr-defined]
    return shown


def _data_of(record: Record) -> str:
    name = str(record.data.get("name", ""))
    clips = record.data.get("clips")
    return f"{name}, {clips:,} clips" if name and clips else name


def _place_of(record: Record) -> str:
    return "" if record.target == "host" else record.target


def _seeds(records: Iterable[Record]) -> str:
    """How many trainings there are of each setting: a number, or two where settings differ."""
    by_setting: dict[str, set[int]] = {}
    for record in records:
        if "seed" in record.subject:
            by_setting.setdefault(_setting_of(record), set()).add(record.subject["seed"])
    counts = sorted({len(seeds) for seeds in by_setting.values()})
    if counts in ([], [1]):
        return ""
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))


def _setting_of(record: Record) -> str:
    """What was measured of what, whatever the training; hashes of its files are left out."""
    facts = {
        name: value
        for name, value in record.subject.items()
        if name != "seed" and isinstance(value, str | int | float) and len(str(value)) < _HASH
    }
    return repr((record.metric, record.data.get("split"), sorted(facts.items())))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(word for word in words if word))
