"""``python -m kwslib.studies --data DIR``: make the published run again."""

import click

from kwslib.errors import mistakes_in_a_line
from kwslib.studies.published import chosen, published_run


@click.command()
@click.option("--data", required=True, help="Folder of Speech Commands.")
@click.option("--networks", default="", help="Names of published networks, comma-separated; all.")
@click.option("--jobs", type=click.IntRange(min=1), help="Trainings at once; one a core.")
def main(data: str, networks: str, jobs: int | None) -> None:
    """Train, score, convert and profile the published networks."""
    for path in published_run(data, chosen(networks), jobs=jobs):
        click.echo(path)


if __name__ == "__main__":
    with mistakes_in_a_line():
        main()
