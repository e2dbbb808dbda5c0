"""Run times on a GPU, kept from where there was one for readers who have none.

``python -m kwslib.cost.gpu [NETWORK ...]`` measures all networks, or those that are named.
"""

from pathlib import Path

import click

from kwslib import models
from kwslib.cost.timing import run_time
from kwslib.errors import mistakes_in_a_line
from kwslib.records import FOLDER, Record, of_version, select, write_records

RECORDS = FOLDER / "gpu"

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

_LABELS = 4
_BATCHES = (1, 64)


def measured(model: str) -> list[Record]:
    """Time a network with four labels, whose weights do not matter, on this machine's GPU.

    Raises:
        InputError: no network of that name is registered, or no GPU is present.
    """
    network = models.create(model, _LABELS)
    timings = [
        run_time(network, subject={"network": model}, device="cuda", batch=batch)
        for batch in _BATCHES
    ]
    found = (record for each in timings for record in (each.median, each.quantiles))
    return of_version(found, VERSION)


@click.command()
@click.argument("networks", nargs=-1)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=RECORDS,
    help="Folder of the records. [default: measurements/gpu]",
)
def main(networks: tuple[str, ...], out: Path) -> None:
    """Time NETWORKS, or all there are, in PyTorch on this machine's GPU, and keep the records."""
    for name in networks or models.names():
        records = measured(name)
        write_records(out / f"{name}.json", records)
        for record in select(records, "run_time"):
            click.echo(
                f"{name}, batch {record.subject['batch']}: {record.value:,.1f} us a call "
                f"on {record.machine}"
            )


if __name__ == "__main__":
    with mistakes_in_a_line():
        main()
