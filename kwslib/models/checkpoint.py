"""A network on disk: weights and what they are, in one safetensors file that is never pickle.

The facts (architecture, labels, how it was trained) stand as JSON in the file's own header, so
weights and facts cannot part; the same JSON is written beside it for people to read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from kwslib.data.homophones import keeps_homophones
from kwslib.data.task import Task
from kwslib.errors import InputError, naming
from kwslib.files import check_file, write_beside, write_json
from kwslib.models import create, names
from kwslib.models.channels import with_widths
from kwslib.records import FOLDER

PUBLISHED = FOLDER / "published"
"""The networks that the repository holds, as ``<network>-<task>.safetensors``."""

_FACTS = "kwslib"
_LARGEST = 2**30


@dataclass(frozen=True)
class NetworkInfo:
    """What a checkpoint holds.

    Attributes:
        model: name in the registry.
        labels: names of the outputs, in order.
        training: how it was trained: recipe, seed, data, epoch, accuracy.
        widths: channels of each group of :func:`kwslib.models.channels.channels_of` that has lost
            some.
    """

    model: str
    labels: tuple[str, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)


def save_tensors(path: Path | str, tensors: Mapping[str, Tensor], facts: Any) -> None:
    """Write ``tensors`` with ``facts`` (JSON) in the header, whole or not at all."""
    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with write_beside(path) as temporary:
        # save_file would put a file of its own in its place, which nobody else may read.
        temporary.write_bytes(safetensors.torch.save(plain, {_FACTS: json.dumps(facts)}))


def load_tensors(path: Path | str) -> tuple[dict[str, Tensor], Any]:
    """Read what :func:`save_tensors` wrote.

    Raises:
        InputError: the file is missing, damaged, or was not written by kwslib.
    """
    path = Path(path)
    check_file(path, "'kws train' makes a checkpoint")
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: is larger than any checkpoint of ours; name another file")
        with safetensors.safe_open(path, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {})[_FACTS])
            return {name: stream.get_tensor(name) for name in stream.keys()}, facts  # noqa: SIM118
    except KeyError as error:
        raise InputError(f"{path}: was not written by kwslib; 'kws train' makes one") from error
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise InputError(f"{path}: is no readable checkpoint ({error})") from error


def save(path: Path | str, state: Mapping[str, Tensor], info: NetworkInfo) -> None:
    """Write a network's weights to ``path`` (``.safetensors``), its facts to ``.json`` beside."""
    save_tensors(path, state, asdict(info))
    write_json(Path(path).with_suffix(".json"), asdict(info))


def load(path: Path | str) -> tuple[nn.Module, NetworkInfo]:
    """The network in a checkpoint, ready to evaluate.

    Args:
        path: a ``.safetensors`` file, a folder that ``kws train`` wrote, or the name of a
            published network, such as ``tiny_conv-yes_no``.

    Raises:
        InputError: there is none, or its weights do not fit the network it names.
    """
    path = located(path)
    tensors, facts = load_tensors(path)
    try:
        info = NetworkInfo(
            facts["model"], tuple(facts["labels"]), facts.get("training", {}), _widths(facts)
        )
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: names no network; 'kws train' makes a checkpoint") from error
    with naming(path):
        network = create(info.model, len(info.labels))
        if info.widths:
            network = with_widths(network, info.widths)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(
            f"{path}: its weights are of another network than the {info.model} with "
            f"{len(info.labels)} labels that it names"
        ) from error
    return network.eval(), info


def _widths(facts: Mapping[str, Any]) -> dict[str, int]:
    """Widths by group; a checkpoint of a network with all its channels needs none."""
    widths = dict(facts.get("widths", {}))
    if not all(type(width) is int for width in widths.values()):
        raise TypeError(f"widths {widths}: must be whole numbers")
    return widths


def located(path: Path | str) -> Path:
    """The weights that ``path`` stands for, which need not exist."""
    published = PUBLISHED / f"{path}.safetensors"
    path = Path(path)
    if path.is_dir():
        return path / "best.safetensors"
    return published if published.exists() and not path.exists() else path


def resolve(model: str, labels: Sequence[str]) -> tuple[nn.Module, NetworkInfo]:
    """A network by its registry name (untrained) or by the path of its checkpoint.

    Args:
        model: a name of :func:`kwslib.models.names`, of a published network, or a path.
        labels: labels of the untrained network; a checkpoint brings its own.

    Raises:
        InputError: it is neither.
    """
    if model in names():
        return create(model, len(labels)).eval(), NetworkInfo(model, tuple(labels))
    if not located(model).exists():
        raise InputError(
            f"model {model!r}: is neither a checkpoint nor one of {', '.join(names())}"
        )
    return load(model)


def task_of(path: Path | str, info: NetworkInfo, wanted: Task | None = None) -> Task:
    """The task that a checkpoint was trained for.

    Args:
        path: the checkpoint, for the message.
        info: its facts.
        wanted: a task whose labels the checkpoint must have.

    Raises:
        InputError: the checkpoint has other labels, or names no task or one with other labels.
    """
    if wanted is not None and wanted.labels != info.labels:
        raise InputError(
            f"{path}: has the labels {' '.join(info.labels)}, not {' '.join(wanted.labels)}; "
            "train one for these keywords, or leave --keywords out"
        )
    try:
        facts = info.training["task"]
        percents = int(facts["silence_percent"]), int(facts["unknown_percent"])
        with naming(path):
            task = Task(tuple(facts["keywords"]), *percents, keeps_homophones(info.training))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: names no task; 'kws train' makes a checkpoint") from error
    if task.labels != info.labels:
        raise InputError(
            f"{path}: names the labels {' '.join(info.labels)} but a task with "
            f"{' '.join(task.labels)}; 'kws train' makes a checkpoint"
        )
    return task
