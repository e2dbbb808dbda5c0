"""The published run: every network and task trained, scored, converted and profiled.

``python -m kwslib.studies --data DIR`` makes ``measurements/published`` and the emulated
board's records in ``measurements/board`` again: two trainings at once on two cores. An interrupted
call is gone on with by the same call; what is finished is not done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kwslib.board.profile import RECORDS, profile_record, record_path
from kwslib.data.dataset import open_source
from kwslib.data.task import Task
from kwslib.deploy.publish import publish as publish_integers
from kwslib.errors import InputError
from kwslib.files import sha256_of_text
from kwslib.models.checkpoint import PUBLISHED
from kwslib.records import Record, write_records
from kwslib.studies.base import Base
from kwslib.sweep.runs import sweep
from kwslib.training.recipe import recipe_for
from kwslib.training.study import VERSION, Study, study_of, write_published


@dataclass(frozen=True)
class Training:
    """One training of the run.

    Attributes:
        model: name in the registry.
        keywords: as :meth:`kwslib.data.task.Task.of` takes them.
        seed: of it.
    """

    model: str
    keywords: str
    seed: int

    def base(self, data: str) -> Base:
        """Of a training on the speech of a folder, or on embedded speech where it is empty."""
        return Base(data, self.model, self.keywords)

    @property
    def name(self) -> str:
        """Of the published network."""
        return f"{self.model}-{Task.of(self.keywords).name}"


_FOUR_LABELS = ("funnel_medium", "ds_cnn", "funnel_small", "tc_resnet8", "tiny_conv")
_TWELVE_LABELS = ("funnel_large", "ds_cnn", "funnel_medium", "funnel_small", "tc_resnet8",
                  "tiny_conv")  # fmt: skip

RUN: tuple[Training, ...] = (
    *(Training(model, "ten", 0) for model in _TWELVE_LABELS),
    *(Training(model, "yes,no", seed) for model in _FOUR_LABELS for seed in (0, 1, 2)),
    *(Training("tiny_conv", "yes,no,left", seed) for seed in (0, 1, 2)),
)
"""All trainings that are published, the longest first, so that two at once end together."""


def published_run(
    data: str,
    run: Sequence[Training] = RUN,
    *,
    jobs: int | None = None,
    folder: Path = PUBLISHED,
    board: Path = RECORDS,
) -> list[Path]:
    """Train, score, convert and profile.

    Args:
        data: folder of Speech Commands, or empty for embedded speech.
        run: what to train.
        jobs: trainings at once; by default one a core.
        folder: takes checkpoints, files and records.
        board: takes the records of the emulated board.

    Returns:
        The files of records.
    """
    source = open_source(data or None)
    recipes = [repr(recipe_for(model)) for model in sorted({each.model for each in run})]
    key = sha256_of_text(str(VERSION), source.identity(), *recipes)
    found = sweep("published", run, partial(train, data=data), key=key, jobs=jobs)
    by_name: dict[str, list[Study]] = {}
    for training, records in zip(run, found, strict=True):
        by_name.setdefault(training.name, []).append(Study(tuple(records)))
    first = {training.name: training for training in reversed(run)}
    return [
        path
        for name, studies in by_name.items()
        for path in _published(first[name], studies, data, folder, board)
    ]


def _published(
    training: Training, studies: Sequence[Study], data: str, folder: Path, board: Path
) -> list[Path]:
    """Write what was found about a network, its file in integers, and its profile."""
    checkpoint = training.base(data).float_network(training.seed).checkpoint
    task = Task.of(training.keywords)
    records = write_published(checkpoint, studies, training.model, task, folder)
    integers = publish_integers(training.name, data, folder)
    tflite = folder / f"{training.name}.tflite"
    profiled = record_path(board, training.name, "emulator")
    write_records(profiled, [profile_record(tflite, "emulator")])
    return [records, integers, profiled]


def train(training: Training, *, data: str) -> list[Record]:
    """Train a network and score it on all splits."""
    base = training.base(data)
    return list(study_of(base.float_network(training.seed), base.dataset).records)


def chosen(networks: str) -> list[Training]:
    """The trainings of the named networks, of all where none is named.

    Raises:
        InputError: a name is no published network's.
    """
    wanted = [name.strip() for name in networks.split(",") if name.strip()]
    known = {training.name for training in RUN}
    for name in wanted:
        if name not in known:
            raise InputError(f"network {name!r}: is not published; choose of {', '.join(known)}")
    return [training for training in RUN if not wanted or training.name in wanted]
