"""How much a network stands: accuracy by noise and its ratio, by shift, by level; and networks
trained on real speech heard by embedded speech, and the other way round.

The first three score one network on disturbed test clips. They decide nothing: no setting of a
network or its training is chosen by them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal, Unpack

from kwslib.data.dataset import open_source
from kwslib.data.disturb import Disturbance
from kwslib.data.synthetic_noise import noises_of
from kwslib.deploy.predictors import file_of, predictor_of
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Evaluation, Predict, evaluate_split
from kwslib.files import sha256_of_file
from kwslib.models.checkpoint import NetworkInfo, task_of
from kwslib.records import Record, of_version
from kwslib.studies.base import Base, Recorder, dataset_of, key_of
from kwslib.sweep.runs import Workers, sweep
from kwslib.training.predict import predictor

VERSION = 1
"""Raised by hand when the same data, model and settings can give other records."""

Kind = Literal["snr", "shift", "level", "transfer"]
KINDS: tuple[Kind, ...] = ("snr", "shift", "level", "transfer")

SNR_DB = (20.0, 15.0, 10.0, 5.0, 0.0, -5.0)
SHIFTS_MS = (-300, -200, -150, -100, -50, 0, 50, 100, 150, 200, 300)
LEVELS_DB = (-40.0, -30.0, -20.0, -10.0, 0.0, 10.0, 20.0)

Speech = Literal["real", "embedded"]


@dataclass(frozen=True)
class Transfer:
    """A network trained on one kind of speech and scored on another.

    Attributes:
        trained_on: real speech, or embedded.
        tested_on: likewise.
        seed: of the training.
    """

    trained_on: Speech
    tested_on: Speech
    seed: int


def settings(
    kind: Kind, data: str = "", seeds: Sequence[int] = (0,)
) -> list[Disturbance | Transfer]:
    """The settings of a sweep.

    ``snr``: undisturbed, and every noise of the data at each of :data:`SNR_DB`. ``shift`` and
    ``level``: each of :data:`SHIFTS_MS` and :data:`LEVELS_DB`. ``transfer``: both kinds of speech
    by both, seed by seed.
    """
    if kind == "snr":
        noises = noises_of(open_source(data or None))
        noisy = [Disturbance(noise=name, snr_db=snr) for name in noises for snr in SNR_DB]
        return [Disturbance(), *noisy]
    if kind == "shift":
        return [Disturbance(shift_ms=shift) for shift in SHIFTS_MS]
    if kind == "level":
        return [Disturbance(level_db=level) for level in LEVELS_DB]
    both: tuple[Speech, ...] = ("real", "embedded")
    return [Transfer(one, other, seed) for seed in seeds for one in both for other in both]


def measure(setting: Disturbance, *, model: str, data: str) -> list[Record]:
    """The accuracy of a network on disturbed test clips.

    Args:
        setting: how they are disturbed.
        model: a checkpoint, a ``.tflite`` file or a published network.
        data: folder of Speech Commands, or empty for embedded speech.
    """
    predict, info = _predictor(model)
    dataset = dataset_of(data, task_of(model, info))
    result = evaluate_split(predict, dataset, "testing", setting)
    subject = {
        "network": Path(model).stem, "model": info.model, "task": dataset.task.name,
        "sha256": sha256_of_file(file_of(model)), **asdict(setting),
    }  # fmt: skip
    return _records(result, Recorder(subject, dataset))


def measure_transfer(setting: Transfer, *, base: Base) -> list[Record]:
    """The accuracy of a network that is trained on one kind of speech, on test clips of another.

    Args:
        setting: which kinds, and the seed.
        base: network, keywords and training; its data are the real speech.
    """
    embedded = replace(base, data="")
    bases: dict[Speech, Base] = {"real": base, "embedded": embedded}
    network = bases[setting.trained_on].float_network(setting.seed).network
    dataset = bases[setting.tested_on].dataset
    result = evaluate_split(predictor(network), dataset, "testing")
    return _records(result, Recorder.of(setting, base.model, dataset))


def _records(result: Evaluation, record: Recorder) -> list[Record]:
    """Accuracy with its interval, and the recall of each label."""
    recall = {label: scores["accuracy"] for label, scores in result.per_label().items()}
    return [
        record.on("testing", "accuracy", result.accuracy, "fraction", interval=result.interval),
        record.on("testing", "recall", recall, "fraction"),
    ]


def study(
    kind: Kind,
    model: str,
    *,
    data: str,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    **workers: Unpack[Workers],
) -> list[Record]:
    """The records of a sweep; settings that an earlier call finished are not measured again.

    Args:
        kind: one of :data:`KINDS`.
        model: a checkpoint, a ``.tflite`` file or a published network; for ``transfer`` networks
            like it are trained, on its keywords.
        data: folder of Speech Commands, or empty for embedded speech; ``transfer`` needs one.
        seeds: of ``transfer``'s trainings.
        epochs: of these; None for the recipe's.
        workers: keywords of :func:`kwslib.sweep.runs.sweep`.

    Raises:
        InputError: no such sweep or network, or no data for ``transfer``.
    """
    if kind not in KINDS:
        raise InputError(f"sweep {kind!r}: must be one of {', '.join(KINDS)}")
    if kind == "transfer" and not data:
        raise InputError("sweep transfer: needs real speech beside embedded; name it with --data")
    network = _predictor(model)[1]
    name = Path(model).stem
    if kind == "transfer":
        base = Base.trained_as(network, data, epochs)
        run, key = partial(measure_transfer, base=base), partial(_transfer_key, base)
    else:
        run = partial(measure, model=model, data=data)
        key = partial(_key, model, data)
    swept = settings(kind, data, seeds)
    results = sweep(f"robustness-{kind}-{name}", swept, run, key=key, **workers)
    return of_version((record for records in results for record in records), VERSION)


def _key(model: str, data: str) -> str:
    """What the records of a disturbed network rest on: network and data."""
    return f"{VERSION} {sha256_of_file(file_of(model))} {open_source(data or None).identity()}"


def _transfer_key(base: Base) -> str:
    """What the records of transfer rest on: recipe and both kinds of data."""
    return f"{key_of(base, VERSION)} {open_source(None).identity()}"


@cache
def _predictor(model: str) -> tuple[Predict, NetworkInfo]:
    return predictor_of(model)
