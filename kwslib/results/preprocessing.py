"""What chapter 1 shows: a clip and words to look at, and two findings about pictures of speech.

The findings on real speech are committed in :data:`RECORDS`; make them again with
``python -m kwslib.results.preprocessing FOLDER``, where the folder holds the Speech Commands
archives.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.config import TRAINING
from kwslib.data.dataset import open_source
from kwslib.data.recording import read_clip
from kwslib.data.source import Source
from kwslib.data.speech_commands import SpeechCommandsArchives
from kwslib.data.task import SILENCE, in_hash_order
from kwslib.errors import InputError, mistakes_in_a_line
from kwslib.evaluation import wilson_interval
from kwslib.features.agreement import agreement, jpeg
from kwslib.features.logmel import logmel_images
from kwslib.studies.separability import PENALTY, Separation, separations, two_groups
from kwslib.features.views import DEPLOYED_KIND, view_of
from kwslib.measurements import FOLDER, Record, machine_name, read_records, select, write_records

RECORDS = FOLDER / "chapters" / "preprocessing.json"
"""Findings on Speech Commands."""

WORDS = ("yes", "no", "left", "stop")
"""The words of the committed comparison."""

CLIPS_PER_WORD = 250
"""At most as many clips of a word in each of the two groups of the comparison."""

DEMO_CLIPS_PER_WORD = 120
"""Enough for embedded speech, which differs less from clip to clip than people do."""

_DISTANCE_EDGES = tuple(float(edge) for edge in np.geomspace(2, 64, 41))
_PADDED_SAMPLES = 160


@dataclass(frozen=True)
class Comparison:
    """How well each view separated words.

    Attributes:
        words: the words told apart.
        separations: one a view.
        fitted: clips that the classifier was fitted on.
        data: name and hash of the data.
    """

    words: tuple[str, ...]
    separations: tuple[Separation, ...]
    fitted: int
    data: Mapping[str, Any]

    @classmethod
    def of(cls, source: Source, words: Sequence[str], clips_per_word: int) -> "Comparison":
        """Compare all views on clips of ``source`` now."""
        fitted, unheard = two_groups(source, words, clips_per_word)
        found = separations(fitted, unheard)
        return cls(tuple(words), tuple(found), len(fitted.labels), _identity(source))

    def is_of_same_clips_as(self, other: "Comparison") -> bool:
        """Whether both were given the same clips of the same words."""

        def clips(each: Comparison) -> tuple[object, ...]:
            return each.data["hash"], each.words, each.fitted, each.separations[0].clips

        return clips(self) == clips(other)

    def view(self, kind: str) -> Separation:
        """The result of one view."""
        return next(each for each in self.separations if each.kind == kind)

    def points(self, run: str) -> list[dict[str, Any]]:
        """Rows for :func:`kwslib.results.charts.preprocessing.words_told_apart`."""
        points = []
        for each in self.separations:
            low, high = wilson_interval(each.correct, each.clips)
            points.append(
                {
                    "run": run,
                    "kind": each.kind,
                    "accuracy": each.accuracy,
                    "low": low,
                    "high": high,
                    "data": self.data["name"],
                }
            )
        return points

    def records(self) -> list[Record]:
        """One record a view."""
        return [
            Record(
                metric="separation_accuracy",
                value=each.accuracy,
                unit="fraction",
                method="measured",
                subject={
                    **asdict(each),
                    "words": list(self.words),
                    "fitted": self.fitted,
                    "classifier": f"ridge regression to one-hot targets, penalty {PENALTY:g}",
                },
                data=self.data,
                machine=machine_name(),
                interval=wilson_interval(each.correct, each.clips),
            )
            for each in self.separations
        ]

    @classmethod
    def published(cls) -> "Comparison":
        """The committed comparison on real speech."""
        records = select(read_records(RECORDS), "separation_accuracy")
        names = Separation.__dataclass_fields__
        found = [Separation(**{name: each.subject.get(name, "") for name in names}) for each in records]
        first = records[0]
        return cls(tuple(first.subject["words"]), tuple(found), first.subject["fitted"], first.data)


@dataclass(frozen=True)
class Distance:
    """How far our images of test clips lie from the archive's, in levels of the 256.

    Attributes:
        clips: clips that exist both as sound and as image, by group: a recording of a whole
            second, or a shorter one that was filled up with zeros.
        counts: clips in each interval between ``edges``, by group; the last holds all beyond.
        median: median distance by group.
        median_jpeg: the same once ours went through the archive's JPEG compression.
        edges: of the histogram.
        bias: mean of ours less theirs.
    """

    clips: Mapping[str, int]
    counts: Mapping[str, Sequence[int]]
    median: Mapping[str, float]
    median_jpeg: Mapping[str, float]
    edges: Sequence[float]
    bias: float

    @classmethod
    def of(cls, source: SpeechCommandsArchives) -> "Distance":
        """Compare all test clips of which the archive has an image."""
        names = [name for name in _test_clips(source) if source.has_archived_image(name)]
        audio = source.audio(names)
        ours = logmel_images(audio, TRAINING)
        theirs = np.stack([source.archived_image(name) for name in names])
        plain, compressed = agreement(ours, theirs), agreement(jpeg(ours), theirs)
        padded = _zeros_at_ends(audio) >= _PADDED_SAMPLES
        groups = {"whole": ~padded, "padded": padded}
        edges = np.array(_DISTANCE_EDGES)
        return cls(
            clips={name: int(group.sum()) for name, group in groups.items()},
            counts={
                name: plain.only(group).histogram(edges).tolist() for name, group in groups.items()
            },
            median={name: plain.only(group).median for name, group in groups.items()},
            median_jpeg={name: compressed.only(group).median for name, group in groups.items()},
            edges=_DISTANCE_EDGES,
            bias=plain.bias,
        )

    def record(self, data: Mapping[str, Any]) -> Record:
        """The record of this distance."""
        return Record(
            metric="image_distance",
            value=asdict(self),
            unit="levels of 256, root mean square over a clip",
            method="measured",
            subject={"image": f"{TRAINING.frames} x {TRAINING.bands}"},
            data={**data, "split": "testing"},
            machine=machine_name(),
        )

    @classmethod
    def published(cls) -> "Distance":
        """The committed distance."""
        return cls(**select(read_records(RECORDS), "image_distance")[0].value)


@dataclass(frozen=True)
class Findings:
    """What there is to show.

    Attributes:
        source: whose words are seen and heard.
        real: whether they are recordings of people.
        clip: int16 ``[16000]``, what the pictures show.
        clip_name: what the text calls it.
        notes: what was changed to make a reader's recording a clip.
        words: one clip of each word, int16 ``[16000]``.
        live: the comparison made now, or None.
        published: the committed comparison on real speech.
        distance: between our images and the archive's.
        distance_is_live: whether it was computed now.
    """

    source: Source
    real: bool
    clip: NDArray[np.int16]
    clip_name: str
    notes: Sequence[str]
    words: Mapping[str, NDArray[np.int16]]
    live: Comparison | None
    published: Comparison
    distance: Distance
    distance_is_live: bool

    @property
    def comparison(self) -> Comparison:
        """The comparison that the text speaks of first."""
        return self.live or self.published

    def comparisons(self) -> dict[str, Comparison]:
        """The comparison made now, if any, and the committed one unless it has the same clips."""
        live = {"this run": self.live} if self.live else {}
        if self.live and self.live.is_of_same_clips_as(self.published):
            return live
        return {**live, "published run": self.published}

    def points(self) -> list[dict[str, Any]]:
        """Rows of the chart of both comparisons."""
        return [row for run, each in self.comparisons().items() for row in each.points(run)]

    @cached_property
    def image(self) -> NDArray[np.generic]:
        """The deployed image of the clip, uint8 ``[49, 40]``."""
        return view_of(self.clip, DEPLOYED_KIND)


def findings(profile: str, data: str, clip: str, word: str, words: str, take: int) -> Findings:
    """Choose what chapter 1 shows, and compare the views now where the speech is at hand.

    ``demo``, and ``full`` without a data folder, show embedded speech. ``full`` without a folder
    makes no comparison: only the committed one is shown.

    Args:
        profile: ``"demo"`` or ``"full"``.
        data: folder of Speech Commands, or empty.
        clip: a sound file of the reader's, or empty for ``word``.
        word: what the clip says if ``clip`` is empty.
        words: comma-separated, shown side by side and told apart.
        take: which of the test clips of a word is shown, from 0.

    Raises:
        InputError: a word or clip is missing.
    """
    source = open_source(data if profile == "full" else None)
    chosen = [each.strip() for each in words.split(",") if each.strip()]
    sample, name, notes = _clip(source, clip, word, take)
    shown = {each: _spoken(source, each, take) for each in chosen}
    live = None
    if profile == "demo" or data:
        clips = DEMO_CLIPS_PER_WORD if profile == "demo" else CLIPS_PER_WORD
        live = Comparison.of(source, chosen, clips)
    archives = source if isinstance(source, SpeechCommandsArchives) else None
    return Findings(
        source=source,
        real=profile == "full" and bool(data),
        clip=sample,
        clip_name=name,
        notes=notes,
        words=shown,
        live=live,
        published=Comparison.published(),
        distance=Distance.of(archives) if archives else Distance.published(),
        distance_is_live=archives is not None,
    )


def _clip(
    source: Source, path: str, word: str, take: int
) -> tuple[NDArray[np.int16], str, list[str]]:
    if path:
        samples, notes = read_clip(path)
        return samples, f"the recording {path.rsplit('/', 1)[-1]}", notes
    return _spoken(source, word, take), f"the word “{word}” ({source.name})", []


def _spoken(source: Source, word: str, take: int) -> NDArray[np.int16]:
    source.check_word(word)
    names = source.keyword_clips(word, "testing")
    if not 0 <= take < len(names):
        raise InputError(
            f"take {take}: {source.name} has {len(names)} test clips of {word!r}; "
            f"choose 0 to {len(names) - 1}"
        )
    return source.audio([names[take]])[0]


def _identity(source: Source) -> dict[str, str]:
    return {"name": source.name, "hash": source.identity()[:16]}


def _test_clips(source: SpeechCommandsArchives) -> list[str]:
    """All words of the official test set, in an order that depends on nothing else."""
    return in_hash_order(source.unknown_clips([SILENCE], "testing"))


def _zeros_at_ends(audio: NDArray[np.int16]) -> NDArray[np.int64]:
    """Digital zeros before and after the sound of each clip, ``[clips]``."""
    sounding = audio != 0
    return np.where(
        sounding.any(axis=1),
        sounding.argmax(axis=1) + sounding[:, ::-1].argmax(axis=1),
        audio.shape[1],
    )


def _measure(folder: str) -> None:
    """Write :data:`RECORDS` from the archives in ``folder``."""
    source = open_source(folder)
    if not isinstance(source, SpeechCommandsArchives):
        raise InputError(f"{folder}: needs the three archives, whose images are compared")
    comparison = Comparison.of(source, WORDS, CLIPS_PER_WORD)
    write_records(RECORDS, [*comparison.records(), Distance.of(source).record(_identity(source))])


if __name__ == "__main__":
    with mistakes_in_a_line():
        _measure(sys.argv[1] if len(sys.argv) == 2 else "")
