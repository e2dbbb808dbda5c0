"""A keyword-spotting task: its labels, and which clips of a source belong to each split.

Nothing here depends on a random seed: clips are assigned and ordered by SHA-1 of their names,
so a task drawn from the same source is the same task everywhere.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kwslib.data.homophones import check_distinct
from kwslib.errors import InputError, check

Split = Literal["training", "validation", "testing"]
SPLITS: tuple[Split, ...] = ("training", "validation", "testing")

SILENCE = "_silence_"
UNKNOWN = "_unknown_"

TEN_WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""The ten command words, in the order of the data set's paper."""

_MAX_CLIPS_PER_SPEAKER = 2**27 - 1
_MOST_PERCENT = 10_000


@dataclass(frozen=True)
class Task:
    """Keywords to spot, and how much silence and how many other words stand against them.

    Attributes:
        keywords: words in the order of their labels.
        silence_percent: silence clips in each split, in percent of its keyword clips.
        unknown_percent: clips of other words in each split, likewise.
        keep_homophones: whether words that sound like a keyword are among those.
    """

    keywords: tuple[str, ...] = ("yes", "no")
    silence_percent: int = 33
    unknown_percent: int = 33
    keep_homophones: bool = False

    def __post_init__(self) -> None:
        if not self.keywords:
            raise InputError("keywords: none given; name at least one word, e.g. yes,no")
        for word in self.keywords:
            is_word = bool(re.fullmatch(r"[a-z][a-z']*", word))
            check(f"keyword {word!r}", is_word, "a word of lower-case letters")
        if len(set(self.keywords)) < len(self.keywords):
            raise InputError(f"keywords {','.join(self.keywords)}: name each word once")
        percents = self.silence_percent, self.unknown_percent
        within = all(0 <= each <= _MOST_PERCENT for each in percents)
        check(f"percent {percents}", within, f"0 to {_MOST_PERCENT:,} each")

    @classmethod
    def of(cls, keywords: Sequence[str] | str, keep_homophones: bool = False) -> "Task":
        """The task of ``keywords``, a list or a comma-separated string in which case does not
        matter; ``"ten"`` is the ten command words.

        The ten command words take 10 % silence and 10 % unknown, as the official test set
        does; every other choice 33 % of each.

        Raises:
            InputError: no keywords, one that is no word, or two that are or sound the same.
        """
        if isinstance(keywords, str):
            words = [word.strip().lower() for word in keywords.split(",") if word.strip()]
            keywords = TEN_WORDS if words == ["ten"] else words
        percent = 10 if set(keywords) == set(TEN_WORDS) else 33
        task = cls(tuple(keywords), percent, percent, keep_homophones)
        check_distinct(task.keywords)
        return task

    def as_json(self) -> dict[str, Any]:
        """All of it; whether homophones are kept is stated where they are."""
        facts = asdict(self)
        return {name: facts[name] for name in facts if name != "keep_homophones" or facts[name]}

    @property
    def labels(self) -> tuple[str, ...]:
        """``("_silence_", "_unknown_", *keywords)``, the order of every network's outputs."""
        return (SILENCE, UNKNOWN, *self.keywords)

    @property
    def name(self) -> str:
        """``yes_no``, ``ten_words``, or the keywords joined by underscores."""
        return "ten_words" if self.keywords == TEN_WORDS else "_".join(self.keywords)

    def silence_count(self, keyword_clips: int) -> int:
        """Silence clips that stand against ``keyword_clips`` clips of keywords."""
        return _share(keyword_clips, self.silence_percent)

    def unknown_count(self, keyword_clips: int) -> int:
        """Clips of other words that stand against ``keyword_clips`` clips of keywords."""
        return _share(keyword_clips, self.unknown_percent)


def _share(count: int, percent: int) -> int:
    """``ceil(percent % of count)``, in integers so that no rounding error adds a clip."""
    return -(-count * percent // 100)


def sha1_hex(text: str) -> str:
    """Hexadecimal SHA-1 of a name; it spreads clips, and protects nothing."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def speaker_of(name: str) -> str:
    """The speaker of a clip ``word/<speaker>_nohash_<n>``."""
    return name.rsplit("/", 1)[-1].split("_nohash_")[0]


def split_of(speaker: str, validation_percent: float = 10, testing_percent: float = 10) -> Split:
    """The split of a speaker, by the rule of the Speech Commands data set.

    SHA-1 of the speaker modulo 2^27 as a percentage: the lowest tenth is validation, the next
    testing. All clips of a speaker fall into one split, and stay there when the data set grows.

    Source: ``which_set`` in the data set's README (Warden, arXiv:1804.03209).
    """
    number = int(sha1_hex(speaker), 16)
    percent = (number % (_MAX_CLIPS_PER_SPEAKER + 1)) * (100.0 / _MAX_CLIPS_PER_SPEAKER)
    if percent < validation_percent:
        return "validation"
    return "testing" if percent < validation_percent + testing_percent else "training"


def spelled_as(word: str, names: Iterable[str]) -> str:
    """The one of ``names`` that is ``word`` but for the case of letters; else ``word`` itself."""
    plain = word.casefold()
    return next((name for name in names if name.casefold() == plain), word)


def in_hash_order(names: Iterable[str]) -> list[str]:
    """Clip names (``word/file`` without suffix) ordered by their SHA-1."""
    return sorted(names, key=sha1_hex)
