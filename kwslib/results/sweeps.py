"""The committed sweeps of chapters 5 and 6: their files, and the commands that make these again."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from kwslib.measurements import FOLDER, Record, read_records

SWEEPS = FOLDER / "sweeps"
"""Where they lie."""

Study = Literal["quantization", "pruning"]

Kind = TypeVar("Kind", bound=str)

_VERBS: Mapping[Study, str] = {"quantization": "quantize", "pruning": "prune"}

_THREE_SEEDS = ("minifloat", "schedules", "together", "board")
"""Kinds that were made with three seeds; the others with five."""

_WITHOUT_DATA = ("zeros",)


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


def sweep_command(study: Study, kind: str, name: str) -> str:
    """The command that makes a committed sweep; ``DIR`` stands for the folder of data."""
    seeds = "0,1,2" if kind in _THREE_SEEDS else "0,1,2,3,4"
    drawn = "" if kind in _WITHOUT_DATA else f"--seeds {seeds} --data DIR "
    path = f"measurements/sweeps/{_file(study, kind, name)}"
    return f"kws {_VERBS[study]} {name} --sweep {kind} {drawn}--out {path}"


def _file(study: Study, kind: str, name: str) -> str:
    return f"{study}-{kind}-{name}.json"
