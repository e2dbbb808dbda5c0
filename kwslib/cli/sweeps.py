"""``--sweep``: many settings are measured in the place of one, and their records kept."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import show
from kwslib.errors import InputError
from kwslib.records import Record, write_records
from kwslib.sweep.runs import BACKENDS, Backend, Workers, check_workers


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
            type=click.Choice(BACKENDS),
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


def swept_by(study: Callable[..., Sequence[Record]]) -> Callable[[Any], Any]:
    """With ``--sweep``, a study measures instead of the command, and ``--out`` takes its records.

    Args:
        study: takes the kind of sweep, MODEL, the folder of the data (or empty), the seeds, and as
            keywords the workers.
    """

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def chosen(
            *,
            model: str,
            sweep: str | None,
            seeds: str,
            jobs: int | None,
            backend: Backend,
            scheduler: str | None,
            **options: Any,
        ) -> None:
            if not sweep:
                command(model=model, **options)
                return
            workers = _workers(jobs, backend, scheduler)
            path = _records_file(options["out"])
            records = study(sweep, model, options["data"] or "", _seeds(seeds), **workers)
            write_records(path, records)
            told = [asdict(record) for record in records]
            result = {"sweep": sweep, "records": told, "file": str(path)}
            text = f"{len(records)} records of the sweep {sweep} in {path}"
            show(result, options["as_json"], text)

        return chosen

    return decorated


def _workers(jobs: int | None, backend: Backend, scheduler: str | None) -> Workers:
    """The three as keywords of a study; an address from the environment is for dask alone.

    Raises:
        InputError: they do not go together.
    """
    source = click.get_current_context().get_parameter_source("scheduler")
    if backend != "dask" and source is click.core.ParameterSource.ENVIRONMENT:
        scheduler = None
    workers: Workers = {"jobs": jobs, "backend": backend, "scheduler": scheduler}
    check_workers(**workers)
    return workers


def _seeds(text: str) -> list[int]:
    """``"0,1,2"`` as numbers."""
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise InputError(f"--seeds {text}: must be whole numbers, e.g. 0,1,2") from None


def _records_file(out: Path | tuple[Path, ...] | None) -> Path:
    """The one ``.json`` file that ``--out`` names, however often it may be given."""
    given = out if isinstance(out, tuple) else (out,)
    match [path for path in given if path]:
        case [path] if path.suffix == ".json":
            return path
        case paths:
            told = ", ".join(map(str, paths)) or "none"
            raise InputError(f"--out {told}: a sweep needs one .json file for its records")
