"""Chapter 1: a clip and what becomes of it, views of speech compared, as values and figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
from numpy.typing import NDArray

from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.data.recording import read_clip
from kwslib.data.source import Source
from kwslib.errors import InputError
from kwslib.evaluation.accuracy import Z_95
from kwslib.features.views import VIEWS, view_of
from kwslib.records import Record, read_records, select
from kwslib.results import page
from kwslib.results.charts import spectrograms as charts
from kwslib.results.charts.theme import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SHAPES,
    SKY,
    VERMILION,
    WIDTH,
    chart,
    looks,
    names_of,
    tips,
)
from kwslib.results.provenance import resting_on
from kwslib.results.values import Estimate, point
from kwslib.studies.preprocessing import CLIPS_PER_WORD, RECORDS, compare_views
from kwslib.studies.separability import unpack

DEMO_CLIPS_PER_WORD = 120
"""Enough for embedded speech, which differs less from clip to clip than people do."""

SHIFTED_KINDS = ("waveform", "spectrum", "spectrogram", "logmel-u8")
"""Views whose change under a shift is drawn."""

_BELOW = alt.Legend(orient="bottom")
_VIEW_COLOURS = (VERMILION, PURPLE, ORANGE, BLUE, GREEN)
_THIS_RUN, _ON_RECORD = "this run", "on record"
_DISTANCE_GROUPS = {"whole": "a whole second recorded", "padded": "shorter, filled with zeros"}


@dataclass(frozen=True)
class Sound:
    """One second to look at.

    Attributes:
        samples: int16 ``[16000]``.
        name: the word or the file.
        data: where it comes from.
        notes: what was changed to make a reader's recording a second at 16 kHz.
    """

    samples: NDArray[np.int16]
    name: str
    data: str
    notes: Sequence[str] = ()

    @property
    def peak_hz(self) -> int:
        """The strongest frequency."""
        return int(view_of(self.samples, "spectrum").argmax())

    @property
    def share_in_image(self) -> float:
        """The share of the energy that lies at frequencies of the deployed image."""
        energy = np.square(view_of(self.samples, "spectrum").astype(np.float64))
        return float(energy[: int(DEPLOYED.high_hz) + 1].sum() / max(energy.sum(), 1e-9))


def choose_sound(source: Source, path: str, word: str, take: int) -> Sound:
    """The clip that the pictures show.

    Args:
        source: of words.
        path: a sound file of the reader's, or empty for ``word``.
        word: what the clip says if ``path`` is empty.
        take: which test clip of the word, from 0.

    Raises:
        InputError: the file cannot be read, or there is no such clip.
    """
    if path:
        samples, notes = read_clip(path)
        return Sound(samples, Path(path).name, "your recording", notes)
    source.check_word(word)
    names = source.keyword_clips(word, "testing")
    if not names:
        raise InputError(
            f"word {word!r}: {source.name} has no test clips of it; choose another word"
        )
    if not 0 <= take < len(names):
        raise InputError(
            f"take {take}: {source.name} has {len(names)} test clips of {word!r}; "
            f"choose 0 to {len(names) - 1}"
        )
    return Sound(source.audio([names[take]])[0], word, source.name)


def choose_words(source: Source, words: str, take: int) -> dict[str, Sound]:
    """One test clip of each of comma-separated words; errors as of :func:`choose_sound`."""
    names = [each.strip() for each in words.split(",") if each.strip()]
    return {name: choose_sound(source, "", name, take) for name in names}


def compare_now(profile: str, data: str, source: Source, words: Iterable[str]) -> list[Record]:
    """Accuracy by view on clips of ``source``; empty in ``full`` without a data folder."""
    if profile != "demo" and not data:
        return []
    clips = DEMO_CLIPS_PER_WORD if profile == "demo" else CLIPS_PER_WORD
    return compare_views(source, list(words), clips)


def load_comparison(path: Path = RECORDS) -> list[Record]:
    """The committed comparison of views on Speech Commands, one record a view."""
    return select(read_records(path), "separation_accuracy")


def load_distance(path: Path = RECORDS) -> Record:
    """The committed distance to the data set's images; its value is described in
    :func:`kwslib.studies.preprocessing.measure_distance`.
    """
    return select(read_records(path), "image_distance")[0]


def by_view(records: Iterable[Record]) -> dict[str, Record]:
    """The records of a comparison by the view's kind."""
    return {record.subject["kind"]: record for record in records}


def change_between_views(records: Iterable[Record], kind: str, reference: str) -> Estimate:
    """By how many points the accuracy of one view differs from another's, on the same clips.

    Its interval is over clips, by the normal approximation to the mean of paired differences.

    Args:
        records: of a comparison.
        kind: of the one view.
        reference: of the other.
    """
    own, other = (by_view(records)[each].subject for each in (kind, reference))
    pairs = [unpack(each["which"], each["clips"]).astype(float) for each in (own, other)]
    change = 100 * (pairs[0] - pairs[1])
    half = Z_95 * float(change.std(ddof=1)) / len(change) ** 0.5
    mean = float(change.mean())
    return Estimate(mean, (mean - half, mean + half), "points")


def have_same_clips(one: Sequence[Record], other: Sequence[Record]) -> bool:
    """Whether two comparisons were given the same clips of the same words."""
    facts = [
        (each[0].data["hash"], *(each[0].subject[name] for name in ("words", "fitted", "clips")))
        for each in (one, other)
        if each
    ]
    return len(facts) == 2 and facts[0] == facts[1]


def similarity(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Pearson's correlation of two arrays of one shape; 0 where one of them is constant."""
    with np.errstate(all="ignore"):
        return float(
            np.nan_to_num(np.corrcoef(one.astype(float).ravel(), other.astype(float).ravel())[0, 1])
        )


def delay(samples: NDArray[np.int16], ms: int) -> NDArray[np.int16]:
    """The same sound ``ms`` later, int16 ``[16000]``, zeros before it."""
    count = ms * SAMPLE_RATE // 1000
    return np.pad(samples, (count, 0))[: len(samples)]


def similarity_by_delay(
    samples: NDArray[np.int16], kind: str, delays: Iterable[int]
) -> dict[int, float]:
    """Similarity of a view of a clip to that of the same clip later, by milliseconds."""
    delays = list(delays)
    views = view_of(np.stack([samples, *(delay(samples, ms) for ms in delays)]), kind)
    return {ms: similarity(views[0], view) for ms, view in zip(delays, views[1:], strict=True)}


# Figures and tables.


def plot_view(kind: str, values: NDArray[np.generic], sound: Sound) -> alt.TopLevelMixin:
    """A view of a clip: a curve, or a picture with time to the right.

    Args:
        kind: of :data:`kwslib.features.views.VIEWS`.
        values: of the view; for ``spectrum`` its power, ``[8001]``, for ``logmel`` the power in
            mel bands, ``[49, 40]``.
        sound: the clip.
    """
    return resting_on(charts.PICTURES[kind](values), data=sound.data, method="computed")


def plot_words(words: Mapping[str, Sound]) -> alt.HConcatChart:
    """Waveform and deployed image of several words side by side."""
    return resting_on(
        charts.words_side_by_side({name: each.samples for name, each in words.items()}),
        data=_data_of(words),
        method="computed",
    )


def tabulate_words(words: Mapping[str, Sound]) -> page.Html:
    """A player for each sound, and what its image holds."""
    rows = []
    for name, sound in words.items():
        image = view_of(sound.samples).astype(int)
        rows.append(
            {"sound": page.player(sound.samples, name),
             "largest sample": f"{np.abs(sound.samples.astype(int)).max():,}",
             "darkest pixel": int(image.min()), "brightest pixel": int(image.max())}
        )  # fmt: skip
    return page.table(rows, data=_data_of(words), method="computed")


def _data_of(words: Mapping[str, Sound]) -> str:
    return ", ".join(dict.fromkeys(sound.data for sound in words.values()))


def plot_delays(sound: Sound, longest_ms: int = 60) -> alt.LayerChart:
    """Similarity of each view of a clip to itself once the clip is said later, a line a view."""
    rows = [
        {"view": VIEWS[kind].title, "delay": ms, "similarity": value}
        for kind in SHIFTED_KINDS
        for ms, value in similarity_by_delay(sound.samples, kind, range(longest_ms + 1)).items()
    ]
    views = names_of(rows, "view")
    base = chart(rows).encode(
        x=alt.X("delay:Q", title="delay, ms", scale=alt.Scale(nice=False)),
        color=alt.Color(
            "view:N",
            sort=views,
            scale=alt.Scale(domain=views, range=list(_VIEW_COLOURS[: len(views)])),
            title=None,
            legend=_BELOW,
        ),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("similarity:Q", title="correlation with the clip", axis=alt.Axis(tickCount=5)),
        tooltip=["view:N", "delay:Q", *tips(".2f", "similarity")],
    )
    zero = chart([{"similarity": 0}]).mark_rule(opacity=0.5)
    drawn = (zero.encode(y="similarity:Q") + lines).properties(
        width=WIDTH,
        height=220,
        description=f"Correlation of views of a clip with those of it later: {', '.join(views)}.",
    )
    return resting_on(drawn, data=sound.data, method="computed")


def plot_accuracy_by_view(live: Sequence[Record], published: Sequence[Record]) -> alt.HConcatChart:
    """Accuracy of the linear classifier behind each view with its interval, beside the bytes that
    the view takes.

    Args:
        live: made in this run, or empty.
        published: the committed records.
    """
    rows = [
        {"run": run, "kind": record.subject["kind"], **point(record), "data": record.data["name"],
         "view": VIEWS[record.subject["kind"]].title}
        for run, records in ((_THIS_RUN, live), (_ON_RECORD, published))
        for record in records
    ]  # fmt: skip
    chances = {1 / len(each[0].subject["words"]) for each in (live, published) if each}
    titles = [view.title for view in VIEWS.values()]
    runs = names_of(rows, "run", SHAPES)
    colour, shape = looks("run", runs, legend=_BELOW)
    base = chart(rows).encode(
        y=alt.Y("view:N", sort=titles, title=None),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=colour,
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="accuracy on new speakers"), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X(
            "accuracy:Q",
            title="accuracy on new speakers",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", tickCount=5),
        ),
        shape=shape,
        tooltip=["view:N", "run:N", "data:N", *tips(".1%", "accuracy", "low", "high")],
    )
    guess = (
        chart({"accuracy": chance} for chance in chances)
        .mark_rule(strokeDash=[4, 4], opacity=0.7)
        .encode(x="accuracy:Q")
    )
    left = (guess + whiskers + dots).properties(width=330, height=36 * len(titles))
    drawn = alt.hconcat(left, _sizes(titles), spacing=16).properties(
        description="How often a linear classifier names the word of a clip by a new speaker, "
        "for each view, and how many bytes the view of a clip takes."
    )
    return resting_on(drawn, [*live, *published])


def _sizes(titles: list[str]) -> alt.LayerChart:
    rows = [
        {"view": view.title, "bytes": view.bytes, "label": f"{view.bytes:,}"}
        for view in VIEWS.values()
    ]
    base = chart(rows).encode(
        x=alt.X(
            "bytes:Q",
            title="bytes for one second",
            scale=alt.Scale(domain=[0, 80_000]),
            axis=alt.Axis(values=[0, 30_000, 60_000], format=",d"),
        ),
        y=alt.Y("view:N", sort=titles, title=None, axis=None),
        tooltip=["view:N", *tips(",", "bytes")],
    )
    bars = base.mark_bar(color=SKY, size=16)
    text = base.mark_text(align="left", dx=4).encode(text="label:N")
    return (bars + text).properties(width=160, height=36 * len(titles))


def tabulate_views(live: Sequence[Record], published: Sequence[Record]) -> page.Html:
    """Shape, bytes, accuracy and Fisher ratio of each view; args as of
    :func:`plot_accuracy_by_view`.
    """
    rows = []
    for kind, view in VIEWS.items():
        row = {
            "view": view.title,
            "shape": " × ".join(f"{size:,}" for size in view.shape),
            "bytes": f"{view.bytes:,}",
        }
        for run, records in ((_ON_RECORD, published), (_THIS_RUN, live)):
            if records:
                record = by_view(records)[kind]
                row[f"accuracy, {run}"] = f"{100 * record.value:.1f} %"
                row[f"Fisher ratio, {run}"] = f"{record.subject['fisher']:.3f}"
        rows.append(row)
    return page.table(rows, [*published, *live])


def plot_distance(distance: Record) -> alt.VConcatChart:
    """Histograms of the distance between our image of a clip and the data set's own, in steps of
    the 256 levels; the last interval holds all beyond.
    """
    value = distance.value
    counts = {
        f"{title} ({value['clips'][group]:,} clips)": value["counts"][group]
        for group, title in _DISTANCE_GROUPS.items()
    }
    panels = [
        _histogram(value["edges"], numbers, group, colour, last=group == list(counts)[-1])
        for (group, numbers), colour in zip(counts.items(), (BLUE, ORANGE), strict=True)
    ]
    drawn = alt.vconcat(*panels, spacing=8).properties(
        description="Histograms of the distance between our image of a test clip and the data "
        f"set's own image of it: {'; '.join(counts)}."
    )
    return resting_on(drawn, [distance])


def _histogram(
    edges: Sequence[float], numbers: Sequence[int], title: str, colour: str, last: bool
) -> alt.Chart:
    rows = [
        {"from": round(edges[i], 2), "to": round(edges[i + 1], 2), "clips": number}
        for i, number in enumerate(numbers)
        if number
    ]
    ticks = [2**power for power in range(10) if edges[0] <= 2**power <= edges[-1]]
    return (
        chart(rows, title=alt.Title(title, frame="group"))
        .mark_bar(color=colour)
        .encode(
            x=alt.X(
                "from:Q",
                bin="binned",
                scale=alt.Scale(type="log", domain=[edges[0], edges[-1]], nice=False),
                title="root mean square difference of a clip, levels of 256" if last else None,
                axis=alt.Axis(values=ticks, format="d", labels=last),
            ),
            x2="to:Q",
            y=alt.Y("clips:Q", title="clips", axis=alt.Axis(tickCount=3)),
            tooltip=["from:Q", "to:Q", "clips:Q"],
        )
        .properties(width=WIDTH, height=100)
    )
