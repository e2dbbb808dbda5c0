"""What the studies share: the clips and the float networks that they begin with, and how what is
measured becomes a record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, Unpack

from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.homophones import keeps_homophones
from kwslib.data.task import Split, Task
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Predict, evaluate_split
from kwslib.models.checkpoint import NetworkInfo, load
from kwslib.network.reference import run as run_integers
from kwslib.quantize.network import QuantizedNetwork
from kwslib.quantize.to_integers import integers_of
from kwslib.records import Method, Record, machine_name, of_version
from kwslib.sweep.runs import Workers, check_workers, sweep
from kwslib.training.fit import Fitted, fitted
from kwslib.training.predict import predictor
from kwslib.training.recipe import Recipe, recipe_for

SPLITS: tuple[Split, ...] = ("validation", "testing")
"""Those on which a setting is scored."""


@dataclass(frozen=True)
class Base:
    """What all settings of a sweep begin with: a network trained on a task, a seed each.

    Attributes:
        data: folder of Speech Commands, or empty for embedded speech.
        model: name in the registry.
        keywords: comma-separated.
        epochs: of the float training; None for the recipe's.
        keep_homophones: as a :class:`~kwslib.data.task.Task` has it.
    """

    data: str
    model: str = "tiny_conv"
    keywords: str = "yes,no"
    epochs: int | None = None
    keep_homophones: bool = False

    @property
    def recipe(self) -> Recipe:
        """Of the float training."""
        return recipe_for(self.model, epochs=self.epochs)

    @property
    def dataset(self) -> Dataset:
        """The task and its clips."""
        return dataset_of(self.data, Task.of(self.keywords, self.keep_homophones))

    def float_network(self, seed: int) -> Fitted:
        """The network of a seed, trained by an earlier call or now."""
        return _float_network(self, seed)

    @classmethod
    def like(cls, checkpoint: str, data: str) -> "Base":
        """Networks trained as a checkpoint was.

        Args:
            checkpoint: its file, or the name of a published network.
            data: folder of Speech Commands, or empty for embedded speech.

        Raises:
            InputError: it is no checkpoint or published network.
        """
        return cls.trained_as(load(checkpoint)[1], data)

    @classmethod
    def trained_as(cls, info: NetworkInfo, data: str, epochs: int | None = None) -> "Base":
        """Networks trained as one was of which these are the facts."""
        kept = keeps_homophones(info.training)
        return cls(data, info.model, ",".join(info.labels[2:]), epochs, kept)


def study_networks(
    name: str,
    settings: Sequence[Any],
    measure: Callable[..., list[Record]],
    seeds: Sequence[int],
    base: Base,
    version: int,
    **workers: Unpack[Workers],
) -> list[Record]:
    """The records of a sweep; settings that an earlier call finished are not measured again.

    The float networks are trained first, one after the other, so that no two processes train the
    same. A cluster's workers train them again unless they share this machine's cache.

    Args:
        name: of the sweep, without the network's.
        settings: what to measure.
        measure: measures one setting, with the keyword ``base``.
        seeds: of the float networks.
        base: of these.
        version: of the study.
        workers: keywords of :func:`kwslib.sweep.runs.sweep`.

    Raises:
        InputError: no seed, or workers that do not go together.
    """
    check_workers(**workers)
    if not seeds:
        raise InputError("seeds: none given; name at least one, e.g. 0,1,2")
    for seed in seeds:
        base.float_network(seed)
    run, key = partial(measure, base=base), partial(key_of, base, version)
    results = sweep(f"{name}-{base.model}", settings, run, key=key, **workers)
    return of_version((record for records in results for record in records), version)


def key_of(base: Base, version: int) -> str:
    """Stands for the data and the recipe behind a float network, and for a study's version."""
    source = open_source(base.data or None).identity()
    kept = " with homophones" if base.keep_homophones else ""
    return f"{version} {source} {base.recipe!r} {base.keywords}{kept}"


@cache
def dataset_of(data: str, task: Task) -> Dataset:
    """The clips of a task, of a folder of Speech Commands or, where it is empty, embedded."""
    return Dataset(open_source(data or None), task)


@cache
def _float_network(base: Base, seed: int) -> Fitted:
    return fitted(base.model, base.dataset, base.recipe, seed)


class Recorder:
    """Makes records of one subject."""

    def __init__(self, subject: Mapping[str, Any], dataset: Dataset) -> None:
        self.subject = subject
        self._dataset = dataset

    @classmethod
    def of(cls, setting: Any, model: str, dataset: Dataset) -> "Recorder":
        """Of a setting of a sweep, of a network by its name in the registry."""
        return cls({"model": model, "task": dataset.task.name, **asdict(setting)}, dataset)

    def __call__(
        self, metric: str, value: Any, unit: str, method: Method = "modelled", **more: Any
    ) -> Record:
        """A record of what needs no clips; ``more`` is as of a record."""
        facts = {"machine": machine_name(), **more}
        return Record(metric, value, unit, method, self.subject, **facts)

    def on(self, split: Split, metric: str, value: Any, unit: str, **more: Any) -> Record:
        """A record of what was measured on the clips of a split."""
        clips = len(self._dataset.names[split])
        data = {**self._dataset.identity(), "split": split, "clips": clips}
        return self(metric, value, unit, "measured", data=data, **more)

    def accuracies(self, metric: str, predict: Predict) -> list[Record]:
        """Accuracy on every one of :data:`SPLITS`, with its interval."""
        results = {split: evaluate_split(predict, self._dataset, split) for split in SPLITS}
        return [
            self.on(split, metric, result.accuracy, "fraction", interval=result.interval)
            for split, result in results.items()
        ]

    def of_network(self, network: nn.Module) -> list[Record]:
        """``accuracy`` and, of one quantized to integers, ``integer_accuracy``: all of it in these.

        Args:
            network: that takes images and gives logits.
        """
        records = self.accuracies("accuracy", predictor(network))
        if isinstance(network, QuantizedNetwork) and network.widths.are_integers:
            integers = partial(run_integers, integers_of(network, self._dataset.task.labels))
            records += self.accuracies("integer_accuracy", integers)
        return records
