"""The network that a chapter looks into: trained in this run, or the published one."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from torch import nn

from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.results.parameter_checks import check_parameters
from kwslib.training.study import Findings, findings, published_network


def spread(examples: NDArray[Any], count: int = 400) -> NDArray[Any]:
    """About ``count`` of the examples, evenly spread, so that all labels are among them."""
    return examples[:: max(1, len(examples) // count)]


@dataclass(frozen=True)
class Subject:
    """A network and clips to run it on.

    Attributes:
        name: of the network and its task, as published networks are called.
        network: ready to evaluate.
        dataset: the clips of this run; embedded speech where the run has no data.
        run: how the network came about.
    """

    name: str
    network: nn.Module
    dataset: Dataset
    run: Findings

    @property
    def is_trained(self) -> bool:
        """Whether it was trained in this run."""
        return self.run.origin == "trained"

    @property
    def data(self) -> str:
        """Name of the data of :attr:`dataset`."""
        return self.dataset.source.name

    @property
    def training_data(self) -> str:
        """Name of the data on which the network was trained."""
        return self.run.study.dataset_name


def load_subject(
    profile: str,
    data: str,
    model: str,
    keywords: str,
    epochs: int,
    seed: int,
) -> Subject:
    """The network that the parameters of a chapter ask for, trained now if need be.

    Args and errors are those of :func:`kwslib.training.study.findings`; nor can epochs and seed
    be what :mod:`kwslib.results.parameter_checks` refuses.
    """
    check_parameters(epochs=epochs, seed=seed)
    run = findings(profile, data, model, keywords, epochs, seed)
    task = Task.of(keywords)
    return Subject(
        f"{model}-{task.name}",
        run.network or published_network(model, task)[0],
        run.dataset or Dataset(open_source(None), task),
        run,
    )
