"""``kws train``: train a network on a task."""

from dataclasses import asdict
from pathlib import Path

import click

from kwslib.cli.output import (
    Output,
    data_option,
    few_lines,
    homophone_lines,
    homophones_option,
    json_option,
    keywords_option,
    show,
)
from kwslib.data.task import Task


@click.command("train")
@click.option("--model", default="tiny_conv", show_default=True, help="A network's name.")
@keywords_option
@homophones_option
@data_option
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of weights, order and augmentation.",
)
@click.option(
    "--out",
    type=Output(folder=True),
    help="Folder of the checkpoint; runs/NETWORK-TASK-seedN without it.",
)
@click.option("--epochs", type=int, help="Passes over the clips; the network's recipe without it.")
@click.option("--batch", type=int, help="Clips in a step.")
@click.option("--learning-rate", type=float, help="Highest rate of the one-cycle schedule.")
@json_option
def command(
    model: str,
    keywords: str,
    keep_homophones: bool,
    data: str | None,
    seed: int,
    out: Path | None,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    as_json: bool,
) -> None:
    """Train a network on a task; an interrupted run goes on where it stopped."""
    from kwslib.data.dataset import Dataset, open_source
    from kwslib.evaluation.accuracy import few_clips
    from kwslib.models import check_name
    from kwslib.training.fit import fit
    from kwslib.training.recipe import recipe_for

    check_name(model)
    recipe = recipe_for(model, epochs=epochs, batch=batch, learning_rate=learning_rate)
    dataset = Dataset(open_source(data), Task.of(keywords, keep_homophones))
    folder = out or Path("runs") / f"{model}-{dataset.task.name}-seed{seed}"
    fitted = fit(model, dataset, recipe, seed, folder)
    best = fitted.best
    result = {
        "checkpoint": str(fitted.checkpoint),
        "model": model,
        "dataset": dataset.source.name,
        "labels": list(dataset.task.labels),
        "homophones": dataset.homophones,
        "seed": seed,
        "epochs": recipe.epochs,
        "best_epoch": best.number,
        "validation_accuracy": best.validation_accuracy,
        "seconds": fitted.seconds,
        "history": [asdict(epoch) for epoch in fitted.history],
    }
    few = few_clips(dataset.keyword_counts("testing"))
    lines = [
        f"{fitted.checkpoint}: validation accuracy {best.validation_accuracy:.4f} "
        f"after epoch {best.number} of {recipe.epochs}, {fitted.seconds:.0f} s",
        *homophone_lines(dataset.homophones),
        *few_lines(few),
    ]
    show({**result, "few_clips": few}, as_json, "\n".join(lines))
