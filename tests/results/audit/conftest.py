"""Folders of measurements: one that lacks what may be lacking, one that has it all."""

import shutil
from dataclasses import asdict

import pytest

from kwslib.cost.cold import Cold
from kwslib.data.disturb import Disturbance
from kwslib.measurements import FOLDER, Record, write_records
from kwslib.prune.norms import NORMS
from kwslib.results.audit import shown, size
from kwslib.results.audit.evidence import Evidence
from kwslib.studies import pruning
from kwslib.studies.pruned_boards import COMPILED

NETWORK = "tiny_conv-yes_no"
SEEDS = (0, 1)


@pytest.fixture(scope="package", autouse=True)
def timed_once():
    """No test looks at this machine's run time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(size, "_cold", lambda: Cold(6000.0, 60.0, 90.0, 2000, "a machine"))
        yield


def copied(folder, names):
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / name, target)
    return Evidence(folder)


ALWAYS = (
    *(path.name for path in FOLDER.glob("*.json")), "board/published.json",
    f"published/{NETWORK}.json", f"published/{NETWORK}-int8.json", "chapters/preprocessing.json",
)  # fmt: skip


@pytest.fixture(scope="package")
def bare(tmp_path_factory):
    """Without sweeps, profiles, trials and other networks."""
    return copied(tmp_path_factory.mktemp("bare"), ALWAYS)


def accuracy_of(setting):
    """Falls with what is gone, less with fine-tuning; L-infinity is the best norm."""
    gone = max(0.0, setting.amount - 0.5)
    lost = 0.2 * gone if setting.tuning != "none" else 0.8 * gone
    norm = NORMS.index(setting.criterion) if setting.criterion in NORMS else 0
    return 0.93 - lost + 0.005 * norm


def pruned(setting):
    subject = {"model": "tiny_conv", "task": "yes_no", **asdict(setting)}
    kept = 1 - setting.amount

    def record(metric, value, unit, runtime="", **data):
        about = subject | ({"runtime": runtime} if runtime else {})
        return Record(metric, value, unit, "measured", about, data)

    return [
        record("accuracy", accuracy_of(setting), "fraction", split="testing"),
        record("accuracy", 0.1, "fraction", split="validation"),
        record("macs", 336_000 * kept, "count"),
        record("cycles", 32_000 + 256_000 * kept, "cycles"),
        record("run_time", 50 * kept, "us", COMPILED),
        record("run_time", 70.0, "us", "PyTorch 2, eager"),
    ]


def accuracies(values, **subject):
    return [
        Record("accuracy", value, "fraction", "measured", {**subject, "seed": seed},
               {"split": "testing"}, interval=(value - 0.01, value + 0.01))
        for seed, value in enumerate(values)
    ]  # fmt: skip


@pytest.fixture(scope="package")
def full(tmp_path_factory):
    """All of it, and what is not committed yet made up."""
    folder = tmp_path_factory.mktemp("full")
    rest = [
        path.relative_to(FOLDER)
        for kind in ("sweeps/quantization-*", "board/*", "field/*", "published/*.json")
        for path in FOLDER.glob(f"{kind}")
    ]
    evidence = copied(folder, [*ALWAYS, *rest])
    for kind in (*pruning.KINDS, "board"):
        settings = pruning.deployed(SEEDS) if kind == "board" else pruning.settings(kind, SEEDS)
        records = [record for setting in settings for record in pruned(setting)]
        write_records(folder / "sweeps" / f"pruning-{kind}-{NETWORK}.json", records)
    shifts = {-200: 0.5, -100: 0.91, 0: 0.93, 100: 0.92, 200: 0.5}
    moved = [
        Record("accuracy", value, "fraction", "measured", asdict(Disturbance(shift_ms=ms)))
        for ms, value in shifts.items()
    ]
    write_records(folder / "robustness" / f"shift-{NETWORK}.json", moved)
    for task, values in (("yes_no", (0.95, 0.97)), ("ten_words", (0.94, 0.95))):
        write_records(folder / "published" / f"ds_cnn-{task}.json", accuracies(values))
    return evidence


@pytest.fixture(scope="package")
def audits(bare, full):
    return {"bare": shown.audit(bare), "full": shown.audit(full)}


@pytest.fixture(params=["bare", "full"])
def found(audits, request):
    return audits[request.param]


@pytest.fixture(scope="package")
def point(audits):
    """A point of the full audit, by section and the beginning of its topic."""

    def of(section, begin, which="full"):
        (line,) = (each for each in audits[which][section] if each.topic.startswith(begin))
        return line

    return of
