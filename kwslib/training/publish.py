"""Train a network at several seeds and keep what was found under ``measurements/published/``.

``python -m kwslib.training.publish --data DIR`` makes the committed run of a network again;
:mod:`kwslib.studies.published` that of all. Seeds that an earlier call finished are not trained
again.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.files import write_beside
from kwslib.measurements import write_records
from kwslib.models.checkpoint import PUBLISHED
from kwslib.training.fit import fitted
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.study import Study, published_paths, study_of


def publish(
    model: str,
    dataset: Dataset,
    seeds: list[int],
    recipe: Recipe | None = None,
    folder: Path = PUBLISHED,
) -> Path:
    """Train, score and write the weights of the first seed and the records of all.

    Returns:
        The file of records.
    """
    recipe = recipe or recipe_for(model)
    networks = [fitted(model, dataset, recipe, seed) for seed in seeds]
    studies = [study_of(network, dataset) for network in networks]
    return write_published(networks[0].checkpoint, studies, model, dataset.task, folder)


def write_published(
    checkpoint: Path, studies: Sequence[Study], model: str, task: Task, folder: Path = PUBLISHED
) -> Path:
    """Write weights and records where published ones lie.

    Args:
        checkpoint: the weights of the first study.
        studies: one a seed.
        model: name in the registry.
        task: that was learned.
        folder: takes both.

    Returns:
        The file of records.
    """
    weights, records = published_paths(model, task, folder)
    with write_beside(weights) as temporary:
        shutil.copyfile(checkpoint, temporary)
    write_records(records, [record for study in studies for record in study.records])
    return records


@click.command()
@click.option("--data", required=True, help="Folder of Speech Commands.")
@click.option("--model", default="tiny_conv", show_default=True)
@click.option("--keywords", default="yes,no", show_default=True)
@click.option("--seeds", default="0,1,2", show_default=True, help="Comma-separated.")
def main(data: str, model: str, keywords: str, seeds: str) -> None:
    """Make the published run of a network again."""
    dataset = Dataset(open_source(data), Task.of(keywords))
    click.echo(publish(model, dataset, [int(seed) for seed in seeds.split(",")]))


if __name__ == "__main__":
    main()
