"""Published networks that nobody trained: records alone, of any accuracy and cost."""

from pathlib import Path

from kwslib.board.profile import Cost, Profile, record_path
from kwslib.data.task import Task
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.records import Record, write_records


def publish(
    folder: Path,
    model: str,
    keywords: str,
    accuracies: list[float],
    int8: float | None = None,
    ms: float | None = None,
    clips: int = 1000,
) -> str:
    """Write what is published of a network, weights aside, and the board's record.

    ``folder`` gets the layout of ``measurements/``.
    """
    task = Task.of(keywords)
    name = f"{model}-{task.name}"
    published = folder / "published"
    published.mkdir(exist_ok=True)
    (published / f"{name}.safetensors").touch()
    records = [
        record
        for seed, accuracy in enumerate(accuracies)
        for record in _study(model, task, seed, accuracy, clips)
    ]
    write_records(published / f"{name}.json", records)
    if int8 is not None:
        data = {"name": "made up", "split": "testing"}
        subject = {"model": model, "task": task.name}
        record = Record("accuracy", int8, "fraction", "measured", subject, data)
        write_records(published / f"{name}-int8.json", [record])
    if ms is not None:
        profiled = record_path(folder / "board", name, "emulator")
        write_records(profiled, [_profile(ms).record({"network": name})])
    return name


def _study(model: str, task: Task, seed: int, accuracy: float, clips: int) -> list[Record]:
    labels = task.labels
    subject = {"model": model, "task": task.name, "labels": list(labels), "seed": seed}
    counts = dict.fromkeys(labels, clips // len(labels)) | {
        labels[0]: clips - (len(labels) - 1) * (clips // len(labels))
    }
    interval = wilson_interval(round(accuracy * clips), clips)
    scores = {
        label: {"n": count, "accuracy": accuracy, "interval": list(interval)}
        for label, count in counts.items()
    }
    data = {"name": "made up", "split": "testing"}

    def record(metric: str, value: object, where: dict[str, str] = data) -> Record:
        return Record(metric, value, "", "measured", subject, where)

    return [
        record("history", [], {"name": "made up"}),
        record("clips", {"testing": counts}, {"name": "made up"}),
        record("accuracy", accuracy),
        record("per_label", scores),
    ]


def _profile(ms: float) -> Profile:
    us = 1000 * ms
    stages = {
        "features": Cost(100, 120, 2.0, 10), "image": Cost(10, 12, 0.2, 0),
        "network": Cost(round(50 * us), round(64 * us), us, 640),
        "postprocess": Cost(10, 12, 0.2, 0),
    }  # fmt: skip
    return Profile(
        "emulator", "emulated", "modelled", 64_000_000, stages, {}, 40_960, 20_480, 512, 1
    )
