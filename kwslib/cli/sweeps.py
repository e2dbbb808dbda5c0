"""What every verb that sweeps shares: who measures, and the file of the records."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kwslib.cli.output import show
from kwslib.errors import InputError

if TYPE_CHECKING:
    from kwslib.records import Record
    from kwslib.sweep.runs import Backend, Workers

_BACKENDS = ("processes", "dask")


def sweep_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--jobs``, ``--backend`` and ``--scheduler`` of :func:`kwslib.sweep.runs.sweep`."""
    for option in (
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            envvar="DASK_SCHEDULER_ADDRESS",
            help="Of the cluster, e.g. tcp://node1:8786. [env: DASK_SCHEDULER_ADDRESS]",
        ),
        click.option(
            "--backend",
            type=click.Choice(_BACKENDS),
            default="processes",
            show_default=True,
            help="Who measures the settings of a sweep: this machine, or a dask cluster.",
        ),
        click.option(
            "--jobs", type=click.IntRange(min=1), help="Processes of a sweep; one a core without."
        ),
    ):
        command = option(command)
    return command


def sweep_workers(jobs: int | None, backend: "Backend", scheduler: str | None) -> "Workers":
    """The three as keywords of a study; an address from the environment is for dask alone.

    Raises:
        InputError: they do not go together.
    """
    from kwslib.sweep.runs import check_workers

    source = click.get_current_context().get_parameter_source("scheduler")
    if backend != "dask" and source is click.core.ParameterSource.ENVIRONMENT:
        scheduler = None
    workers: Workers = {"jobs": jobs, "backend": backend, "scheduler": scheduler}
    check_workers(**workers)
    return workers


def seeds_of(text: str) -> list[int]:
    """``"0,1,2"`` as numbers.

    Raises:
        InputError: one is none.
    """
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise InputError(f"--seeds {text}: must be whole numbers, e.g. 0,1,2") from None


def records_file(*out: Path | None) -> Path:
    """The one file of ``--out`` that takes the records of a sweep.

    Raises:
        InputError: there is none, or more than one, or it is no .json file.
    """
    given = [path for path in out if path]
    if len(given) != 1 or given[0].suffix != ".json":
        told = ", ".join(map(str, given)) or "none"
        raise InputError(f"--out {told}: a sweep needs one .json file for its records")
    return given[0]


def keep_records(kind: str, records: Sequence["Record"], path: Path, as_json: bool) -> None:
    """Write the records of a sweep, and say so."""
    from dataclasses import asdict

    from kwslib.records import write_records

    write_records(path, records)
    result = {"sweep": kind, "records": [asdict(record) for record in records], "file": str(path)}
    show(result, as_json, f"{len(records)} records of the sweep {kind} in {path}")
