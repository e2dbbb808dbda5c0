"""The committed sweeps of chapters 5 and 6."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from kwslib.records import FOLDER, Record, read_records

SWEEPS = FOLDER / "sweeps"
"""Where they lie."""

Study = Literal["quantization", "pruning"]

Kind = TypeVar("Kind", bound=str)


def committed(
    study: Study, kinds: Iterable[Kind], name: str, sweeps: Path = SWEEPS
) -> dict[Kind, Sequence[Record]]:
    """Records of the sweeps of a network and task, of every kind that there is.

    Args:
        study: which.
        kinds: of sweeps that it has.
        name: of the network and its task, as published networks are called.
        sweeps: folder of the records.
    """
    paths = {kind: sweeps / _file(study, kind, name) for kind in kinds}
    return {kind: read_records(path) for kind, path in paths.items() if path.exists()}


def _file(study: Study, kind: str, name: str) -> str:
    return f"{study}-{kind}-{name}.json"
