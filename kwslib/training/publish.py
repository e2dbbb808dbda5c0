"""What is kept of a network under ``measurements/published/``.

:mod:`kwslib.studies.published` makes it.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from kwslib.data.task import Task
from kwslib.files import write_beside
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import write_records
from kwslib.training.study import Study, published_paths


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
