"""Every committed record: which study makes it, by which command, and how to make it anew.

A record is known by its path below ``measurements/``, without ``.json``. Its kind follows from
that name; network, sweep and the like are read from it too.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from kwslib.board import profile
from kwslib.board.client import default_streaming
from kwslib.board.target import open_board
from kwslib.cost import gpu
from kwslib.data.dataset import Dataset, open_source
from kwslib.data.task import Task
from kwslib.deploy import publish
from kwslib.deploy.predictors import tflite_of
from kwslib.errors import InputError
from kwslib.field import trials
from kwslib.field.session import FieldTest
from kwslib.field.speech import make_folder
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.records import FOLDER, Record, read_records
from kwslib.streaming import listen
from kwslib.studies import (
    continuous,
    preprocessing,
    pruned_boards,
    pruning,
    quantization,
    robustness,
    sparsity,
)
from kwslib.studies.base import Base
from kwslib.studies.bench import physical
from kwslib.studies.published import chosen, train
from kwslib.training import comparison, study
from kwslib.training.recipe import Recipe, recipe_for
from kwslib.training.study import Study, write_published

Settings = Iterable[Mapping[str, Any]]
"""What was measured, each as in a record's subject."""


@dataclass(frozen=True)
class Committed:
    """A file of committed records.

    Attributes:
        name: path below the root, without ``.json``.
        kind: how it comes about.
        root: folder of all records.
    """

    name: str
    kind: "Kind"
    root: Path = FOLDER

    @property
    def path(self) -> Path:
        """The file."""
        return self.root / f"{self.name}.json"

    @cached_property
    def records(self) -> Sequence[Record]:
        """What it holds."""
        return read_records(self.path)

    @property
    def facts(self) -> dict[str, str]:
        """Network, sweep and the like, as its name has them."""
        found = re.fullmatch(self.kind.pattern, self.name)
        assert found is not None
        return found.groupdict()

    @property
    def command(self) -> str | None:
        """What makes it, ``DIR`` being the folder of data; None of what others published."""
        if self.kind.command is None:
            return None
        known = {**self.facts, "name": self.name, "path": f"{self.root.name}/{self.name}.json"}
        return self.kind.command.format(**known, seeds=",".join(map(str, self.seeds)))

    @property
    def seeds(self) -> list[int]:
        """Of its trainings."""
        return sorted({each.subject["seed"] for each in self.records if "seed" in each.subject})

    @property
    def files(self) -> list[str]:
        """Names of the network's files that are made with it and lie beside it."""
        return [name.format(**self.facts) for name in self.kind.files]

    def check(self, data: str) -> None:
        """Refuse what :meth:`make` cannot make, before anything long begins.

        Raises:
            InputError: others published it, or data are missing.
        """
        if self.kind.make is None:
            raise InputError(f"{self.name}: is not made by this command; others published it")
        if "DIR" in (self.command or "") and not data:
            raise InputError(f"{self.name}: needs real speech; name its folder with --data DIR")

    def make(self, data: str, folder: Path, jobs: int | None = None) -> list[Record]:
        """The records, made anew.

        Args:
            data: folder of Speech Commands; may be empty where the command names none.
            folder: takes what is finished, to go on from, and :attr:`files`.
            jobs: processes at once where there may be several.

        Raises:
            InputError: as of :meth:`check`, or of the study.
        """
        self.check(data)
        assert self.kind.make is not None
        return self.kind.make(self, data, folder, jobs)


@dataclass(frozen=True)
class Kind:
    """Records that come about alike.

    Attributes:
        title: what they are.
        pattern: regular expression of their names; its groups are known to the command.
        command: that makes one, and so ``make``; None where others published it.
        make: makes one anew.
        version: of the study.
        settings: what the study would measure now, and what was measured; both None where data
            are needed to tell.
        files: that are made with one and lie beside it.
    """

    title: str
    pattern: str
    command: str | None = None
    make: Callable[[Committed, str, Path, int | None], list[Record]] | None = None
    version: int = 1
    settings: Callable[[Committed, str], tuple[Settings, Settings]] | None = None
    files: tuple[str, ...] = ()


def committed(patterns: Sequence[str] = (), root: Path = FOLDER) -> list[Committed]:
    """The committed records, or those whose names match a pattern such as ``board/*``.

    Raises:
        InputError: nothing matches a pattern, or no study is known for a file.
    """
    found = [_of(path, root) for path in sorted(root.rglob("*.json"))]
    for pattern in patterns:
        if not any(fnmatchcase(each.name, pattern) for each in found):
            raise InputError(f"record {pattern!r}: there is none; 'kws measure' lists their names")
    return [
        each
        for each in found
        if not patterns or any(fnmatchcase(each.name, pattern) for pattern in patterns)
    ]


def _of(path: Path, root: Path) -> Committed:
    name = path.relative_to(root).with_suffix("").as_posix()
    for kind in KINDS:
        if re.fullmatch(kind.pattern, name):
            return Committed(name, kind, root)
    raise InputError(f"{path}: no study makes such a record; add its kind to {__name__}.KINDS")


def _field(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    """Play Flite's words to the emulated board."""
    network, spoken, out = record.facts["network"], folder / "flite", folder / "trials.json"
    if not spoken.exists():
        make_folder(spoken, ("yes", "no", "left"))
    with open_board("emulator", read_graph(tflite_of(network)), network) as board:
        streaming = default_streaming(len(board.labels))
        FieldTest(board, network, "emulator", "", out, streaming).play(spoken, [], None, _note)
    first, *others = read_records(out)  # others: it was interrupted, and went on
    return [replace(first, value=[*first.value, *(each for o in others for each in o.value)])]


def _note(line: str) -> None:
    print(line, file=sys.stderr)


def _field_settings(record: Committed, data: str) -> tuple[Settings, Settings]:
    labels = record.records[0].subject["labels"]
    usual = trials.sitting(
        "", "", labels, default_streaming(len(labels)), "emulator", "", {}
    ).subject
    names = set(usual) - {"network", "sha256"}
    return [{name: usual[name] for name in names}], _subjects(record, names)


def _trained(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    """Train a published network once for each seed."""
    run = chosen(record.facts["network"])
    studies = [Study(tuple(train(each, data=data))) for each in run]
    checkpoint = run[0].base(data).float_network(run[0].seed).checkpoint
    write_published(checkpoint, studies, run[0].model, Task.of(run[0].keywords), folder)
    return [found for each in studies for found in each.records]


def _trained_settings(record: Committed, data: str) -> tuple[Settings, Settings]:
    run = chosen(record.facts["network"])
    made = _subjects(record, {"recipe", "seed"})
    return (
        [{"recipe": recipe_for(each.model).as_json(), "seed": each.seed} for each in run],
        [{**each, "recipe": Recipe.from_json(each["recipe"]).as_json()} for each in made],
    )


def _integers(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    """Convert a published checkpoint, to as few bits as the record's name has."""
    network, bits = record.facts["network"], record.facts.get("bits")
    shutil.copy(PUBLISHED / f"{network}.safetensors", folder)
    if bits is None:
        return read_records(publish.publish(network, data, folder))
    method = record.records[0].subject["method"]
    return read_records(publish.publish_narrow(network, data, int(bits), method, folder))


def _extra(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    """Compare a published network with the one that has a keyword less."""
    network, subject = record.facts["network"], record.records[0].subject
    source, base = open_source(data), Base.like(network, data)
    words = base.keywords.split(",")
    larger = Dataset(source, Task.of(words))
    smaller = Dataset(source, Task.of([word for word in words if word != subject["extra"]]))
    for task in (smaller.task, larger.task):
        shutil.copy(study.published_paths(base.model, task)[1], folder)
    return read_records(comparison.publish(base.model, smaller, larger, folder=folder))


def _robustness(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    sweep: Any = record.facts["sweep"]
    return robustness.study(
        sweep, record.facts["network"], data=data, seeds=record.seeds, folder=folder, jobs=jobs
    )


def _robustness_settings(record: Committed, data: str) -> tuple[Settings, Settings]:
    sweep: Any = record.facts["sweep"]
    if sweep == "snr" and not data:  # the noises are the data's
        return [], []
    return _swept(record, robustness.settings(sweep, data, record.seeds))


def _continuous_settings(record: Committed, data: str) -> tuple[Settings, Settings]:
    first = record.records[0]
    keywords, noises = tuple(first.subject["labels"][2:]), tuple(first.data["noises"])
    now = {**continuous.plan(keywords, noises).as_json(), "tuned": continuous.HOURS}
    made = {**first.data, "tuned": first.subject["tuned"]["hours"]}
    return [now], [{name: made[name] for name in now}]


def _pruned_boards(record: Committed, data: str, folder: Path, jobs: int | None) -> list[Record]:
    base = Base.like(record.facts["network"], data)
    return pruned_boards.study_on_board(record.seeds, base, folder)


def _sweep(
    study: Any, record: Committed, data: str, folder: Path, jobs: int | None
) -> list[Record]:
    """A sweep of :mod:`kwslib.studies.pruning` or :mod:`kwslib.studies.quantization`."""
    base = Base.like(record.facts["network"], data)
    found: list[Record] = study.study(
        record.facts["sweep"], record.seeds, base, folder=folder, jobs=jobs
    )
    return found


def _sweep_settings(study: Any, record: Committed, data: str) -> tuple[Settings, Settings]:
    return _swept(record, study.settings(record.facts["sweep"], record.seeds))


def _swept(record: Committed, settings: Iterable[Any]) -> tuple[Settings, Settings]:
    """The settings of a sweep, as it would be now and as it was."""
    now = [asdict(each) for each in settings]
    return now, _subjects(record, set(now[0]))


def _subjects(record: Committed, names: Iterable[str]) -> list[dict[str, Any]]:
    return [{name: each.subject.get(name) for name in names} for each in record.records]


_ANEW = "kws measure {name} --record"
_SWEPT = "--sweep {sweep} --seeds {seeds} --data DIR --out {path}"

KINDS: tuple[Kind, ...] = (
    Kind("literature", r"(literature|original)\w*"),
    Kind(
        "physical boards", "board/published", _ANEW,
        lambda *_: physical.records(physical.compare()), physical.VERSION,
    ),
    Kind(
        "profile", r"board/(?P<network>.+)-(?P<target>emulator)",
        "kws profile {network} --target {target} --record",
        lambda record, *_: [
            profile.profile_record(tflite_of(record.facts["network"]), record.facts["target"])
        ],
        profile.VERSION,
    ),
    Kind(
        "preprocessing", "chapters/preprocessing", f"{_ANEW} --data DIR",
        lambda _, data, *__: preprocessing.study(data), preprocessing.VERSION,
    ),
    Kind(
        "field test", r"field/(?P<network>.+)", _ANEW, _field, trials.VERSION, _field_settings,
    ),
    Kind(
        "GPU", r"gpu/(?P<network>.+)", _ANEW,
        lambda record, *_: gpu.measured(record.facts["network"]), gpu.VERSION,
    ),
    Kind(
        "few bits", r"published/(?P<network>.+)-w(?P<bits>\d)", f"{_ANEW} --data DIR", _integers,
        publish.VERSION, files=("{network}-w{bits}.tflite",),
    ),
    Kind(
        "integers", r"published/(?P<network>.+)-int8", f"{_ANEW} --data DIR", _integers,
        publish.VERSION, files=("{network}.tflite",),
    ),
    Kind(
        "extra keyword", r"published/(?P<network>.+)-extra", f"{_ANEW} --data DIR", _extra,
        comparison.VERSION,
    ),
    Kind(
        "training", r"published/(?P<network>.+)", f"{_ANEW} --data DIR", _trained,
        study.VERSION, _trained_settings, ("{network}.safetensors",),
    ),
    Kind(
        "robustness", r"robustness/(?P<sweep>transfer)-(?P<network>.+)",
        f"kws evaluate {{network}} {_SWEPT}", _robustness, robustness.VERSION,
        _robustness_settings,
    ),
    Kind(
        "robustness", r"robustness/(?P<sweep>[a-z]+)-(?P<network>.+)",
        "kws evaluate {network} --sweep {sweep} --data DIR --out {path}", _robustness,
        robustness.VERSION, _robustness_settings,
    ),
    Kind(
        "continuous audio", r"streaming/(?P<network>.+)",
        "kws stream {network} --hours 10 --tune 10 --data DIR --out {path}",
        lambda record, data, *_: continuous.study(record.facts["network"], data=data),
        listen.VERSION, _continuous_settings,
    ),
    Kind(
        "zeros", r"sweeps/pruning-zeros-(?P<network>.+)",
        "kws prune {network} --sweep zeros --out {path}",
        lambda record, _, folder, __: sparsity.study(record.facts["network"], folder=folder),
        sparsity.VERSION,
        lambda record, _: _swept(record, sparsity.settings()),
    ),
    Kind(
        "pruned boards", r"sweeps/pruning-(?P<sweep>board)-(?P<network>.+)",
        f"kws prune {{network}} {_SWEPT}", _pruned_boards, pruned_boards.VERSION,
        lambda record, _: _swept(record, pruning.deployed(record.seeds)),
    ),
    Kind(
        "pruning", r"sweeps/pruning-(?P<sweep>[a-z]+)-(?P<network>.+)",
        f"kws prune {{network}} {_SWEPT}", partial(_sweep, pruning), pruning.VERSION,
        partial(_sweep_settings, pruning),
    ),
    Kind(
        "quantization", r"sweeps/quantization-(?P<sweep>[a-z]+)-(?P<network>.+)",
        f"kws quantize {{network}} {_SWEPT}", partial(_sweep, quantization), quantization.VERSION,
        partial(_sweep_settings, quantization),
    ),
)  # fmt: skip
"""The first whose pattern fits a name is its kind."""
