"""The field test in words and rows: the numbers of its prose, the rows of its charts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kwslib.data.task import UNKNOWN
from kwslib.field.book import read_sittings, trials_of
from kwslib.field.scores import (
    Share,
    by_condition,
    by_kind,
    by_word,
    clips_right,
    false_accepts,
    median_delay,
    successes,
)
from kwslib.field.trials import NONE, Trial
from kwslib.measurements import FOLDER, Record, read_records, select
from kwslib.smoothing import FIRST_KEYWORD

PUBLISHED = FOLDER / "field"
"""This repository's own field tests, as ``<network>-<task>.json``."""

_ORIGINAL = FOLDER / "original_report.json"
_ORIGINAL_KEYWORDS = ("yes", "no")
_HISSES = ("sss", "spoken s")


@dataclass(frozen=True)
class FieldStudy:
    """A file of trials.

    Attributes:
        records: one a sitting.
        trials: all of them.
    """

    records: tuple[Record, ...]
    trials: tuple[Trial, ...]

    @property
    def network(self) -> str:
        """What was tested."""
        return str(self.records[0].subject["network"])

    @property
    def keywords(self) -> tuple[str, ...]:
        """What the network spots."""
        return tuple(self.records[0].subject["labels"][FIRST_KEYWORD:])

    def by_keyword(self) -> dict[str, list[Trial]]:
        """The trials of each keyword that was said, in the network's order."""
        said = by_word(self.trials)
        return {word: said[word] for word in self.keywords if word in said}

    def originals(self) -> dict[str, Share]:
        """The original report's trials with the same words, if its network spotted the same."""
        if set(self.keywords) != set(_ORIGINAL_KEYWORDS):
            return {}
        return {word: original(word) for word in self.by_keyword()}

    def spoken(self) -> list[Trial]:
        """Trials in which a keyword was said."""
        return [trial for trial in self.trials if trial.is_word]

    def of(self, said: str) -> list[Trial]:
        """Trials with ``_none_``, ``_unknown_`` or a keyword."""
        return [trial for trial in self.trials if trial.said == said]


def read_study(path: Path) -> FieldStudy:
    """What ``kws field-test --out`` wrote.

    Raises:
        InputError: the file is missing or holds something else.
    """
    records = read_sittings(path)
    return FieldStudy(tuple(records), tuple(trials_of(records)))


def published(network: str = "tiny_conv-yes_no") -> FieldStudy:
    """This repository's own test of a published network.

    Raises:
        InputError: there is none.
    """
    return read_study(PUBLISHED / f"{network}.json")


def original(word: str) -> Share:
    """The original report's trials with ``yes`` or ``no``."""
    (claim,) = select(read_records(_ORIGINAL), "field_success", word=word)
    return Share(claim.data["successes"], claim.data["trials"])


def numbers(study: FieldStudy) -> dict[str, str]:
    """Every number and sentence about the field test, formatted; names begin with ``field_``.

    A sentence is empty where the study has no trials for it.
    """
    return {
        "field_network": study.network,
        "field_trials": f"{len(study.trials):,}",
        "field_spoken": f"{len(study.spoken()):,}",
        "field_origin": _origin(study.records),
        "field_words_sentence": _words_sentence(study.by_keyword()),
        "field_original_sentence": _original_sentence(study.originals()),
        "field_clips_sentence": _clips_sentence(study),
        "field_delay_sentence": _delay_sentence(study.spoken()),
        "field_noise_sentence": _noise_sentence(study.spoken()),
        "field_sounds_sentence": _negatives_sentence(study, NONE, "sounds that are no words"),
        "field_others_sentence": _negatives_sentence(study, UNKNOWN, "words that are no keywords"),
        "field_hiss_sentence": _hiss_sentence(study),
        "field_limits": _limits(study),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _of(share: Share, what: str) -> str:
    low, high = share.interval
    return (
        f"{share.count} of {share.trials} {what} ({_percent(share.share)}, "
        f"95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def _origin(records: Sequence[Record]) -> str:
    last = records[-1]
    return (
        f"{last.method}, {last.machine}, network {str(last.subject['sha256'])[:12]}, "
        f"{last.when[:10]}, kwslib {last.code}"
    )


def _words_sentence(words: Mapping[str, Sequence[Trial]]) -> str:
    if not words:
        return ""
    told = [f"{word} in {_of(successes(trials), 'trials')}" for word, trials in words.items()]
    return f"The network detected {_listed(told)}."


def _original_sentence(claims: Mapping[str, Share]) -> str:
    if not claims:
        return ""
    told = [f"{word} in {_of(share, 'trials')}" for word, share in claims.items()]
    return (
        f"The original report's detected {_listed(told)}; it gave no intervals, and these show how "
        "little so few trials say."
    )


def _clips_sentence(study: FieldStudy) -> str:
    """On how much is due to voices and noises, and how much to listening all the time."""
    told = [
        f"{word} in {_of(share, 'recordings')}"
        for word, trials in study.by_keyword().items()
        if (share := clips_right(trials))
    ]
    others = clips_right(study.of(UNKNOWN))
    if not told or not others:
        return ""
    return (
        "From the second around each word alone, scored as a test clip is, the network gets right "
        f"{_listed(told)}, and leaves alone {_of(others, 'other words')}."
    )


def _delay_sentence(spoken: Sequence[Trial]) -> str:
    delay = median_delay(spoken)
    if delay is None:
        return ""
    when = f"{abs(delay):.0f} ms {'before' if delay < 0 else 'after'} the end of the word"
    return f"Half of the right detections came by {when}."


def _noise_sentence(spoken: Sequence[Trial]) -> str:
    conditions = by_condition(spoken)
    if len(conditions) < 2:
        return ""
    told = [f"{name} {_percent(successes(each).share)}" for name, each in conditions.items()]
    return f"Right by signal-to-noise ratio: {', '.join(told)}."


def _negatives_sentence(study: FieldStudy, said: str, what: str) -> str:
    trials = study.of(said)
    if not trials:
        return ""
    seconds = sum(trial.seconds for trial in trials)
    return (
        f"In {seconds / 60:.0f} minutes of {what}, a keyword was detected in "
        f"{_of(false_accepts(trials), 'recordings')}."
    )


def _hiss_sentence(study: FieldStudy) -> str:
    """On the original report's one false accept: a hissed s that was taken for yes."""
    trials = [trial for trial in study.of(NONE) if trial.kind in _HISSES]
    if not trials:
        return ""
    taken = sum(trial.detected == "yes" for trial in trials)
    kinds = {name: false_accepts(each) for name, each in by_kind(study.trials, NONE).items()}
    worst = max(kinds, key=lambda name: kinds[name].share)
    share = kinds[worst]
    return (
        f"A hissed s, which the original report's network took for yes, was taken for yes in "
        f"{taken} of {len(trials)} recordings here; the sound most often taken for a word is "
        f"“{worst}”, {share.count} of {share.trials}."
    )


def _limits(study: FieldStudy) -> str:
    speakers = {trial.speaker for trial in study.spoken() if trial.speaker}
    if not speakers:
        return "The intervals hold for this speaker and this room alone."
    return (
        f"The words come from {len(speakers)} synthetic voices, {_listed(sorted(speakers))}; "
        "recordings of one voice are much alike, so the intervals, which take each recording for "
        "an independent one, are narrower than what another voice may give."
    )


def word_rows(study: FieldStudy, run: str = "published run") -> list[dict[str, Any]]:
    """Successes of each keyword for :func:`kwslib.results.charts.field.successes`; beside them the
    original report's, if its network spotted the same words.
    """
    rows = []
    claims = study.originals()
    for word, trials in study.by_keyword().items():
        rows.append({"word": word, "run": run, **_row(successes(trials))})
        if word in claims:
            rows.append({"word": word, "run": "original report", **_row(claims[word])})
    return rows


def condition_rows(study: FieldStudy) -> list[dict[str, Any]]:
    """Successes by signal-to-noise ratio for :func:`kwslib.results.charts.field.by_condition`."""
    return [
        {"condition": name, "word": word, **_row(successes(trials))}
        for name, group in by_condition(study.spoken()).items()
        for word in study.keywords
        if (trials := by_word(group).get(word))
    ]


def false_accept_rows(study: FieldStudy, said: str = NONE) -> list[dict[str, Any]]:
    """False accepts by kind for :func:`kwslib.results.charts.field.false_accepts`, the most first.

    Args:
        study: the trials.
        said: ``_none_`` for sounds, ``_unknown_`` for other words.
    """
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "detected": dict(Counter(each.detected for each in trials if each.detected)),
            **_row(false_accepts(trials)),
        }
        for kind, trials in by_kind(study.trials, said).items()
    ]
    return sorted(rows, key=lambda row: -row["share"])


def _row(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {
        "share": share.share,
        "low": low,
        "high": high,
        "count": share.count,
        "trials": share.trials,
    }
