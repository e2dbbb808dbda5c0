"""What a stream that is built holds: which word when, at which level, in which noise.

A stream is made of minutes. All of a minute follows from hashes of the plan's seed and the
minute's number, so that any minute can be made without those before it, and the same plan of the
same source is the same stream everywhere.

Speakers are divided in two halves by a hash of their names. On one half (``tuning``) the smoothing
may be chosen, on the other (``reporting``) a network is scored; noise comes from the first half
of each recording for the one and from the second for the other.

Every keyword's clips, and those of all other words together, come once before any comes twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.source import Source, homophones_in
from kwslib.data.task import in_hash_order, sha1_hex, speaker_of
from kwslib.errors import InputError

Part = Literal["tuning", "reporting"]
PARTS: tuple[Part, ...] = ("tuning", "reporting")

MINUTE = 60 * SAMPLE_RATE
"""Samples of a minute; a multiple of the front end's hop."""

SNR_DB: tuple[float | None, ...] = (10.0, 15.0, 20.0, None)
"""Mixed noise at 10 dB and cleaner: a quarter of the minutes each; None is a quiet room."""

SPEECH_LEVELS_DB = (-24.0, -19.0, -16.0)
"""Loudest 300 ms of a word, relative to full scale: quartiles of the official test clips of Speech
Commands (-24.2, -18.8, -15.7). All words of a minute have the same: one distance."""

_ROOM_AFTER_A_CLIP = 3 * SAMPLE_RATE // 2
"""Samples after a clip in which no other begins: a late detection belongs to its word."""

_SHORTEST_SLOT = CLIP_SAMPLES + _ROOM_AFTER_A_CLIP


@dataclass(frozen=True)
class Plan:
    """A stream to be built.

    Attributes:
        minutes: how long.
        keywords: of the network.
        snr_db: signal-to-noise ratios, in which minutes take turns; None is a quiet room.
        noises: names of noises, in which they take turns too.
        part: whose clips.
        keywords_an_hour: of all keywords together.
        others_an_hour: other words.
        seed: of another draw.
        keep_homophones: whether words that sound like a keyword are among the other words.
    """

    minutes: int
    keywords: tuple[str, ...]
    snr_db: tuple[float | None, ...] = SNR_DB
    noises: tuple[str, ...] = ()
    part: Part = "reporting"
    keywords_an_hour: int = 120
    others_an_hour: int = 120
    seed: int = 0
    keep_homophones: bool = False

    def __post_init__(self) -> None:
        if self.minutes < 1:
            raise InputError(f"hours: {self.minutes} minutes are no stream; give 1 or more")
        if not self.snr_db or (any(snr is not None for snr in self.snr_db) and not self.noises):
            raise InputError("snr: name a ratio, such as 10,15,20,clean, and a noise for it")
        most = MINUTE // _SHORTEST_SLOT * 60
        words = self.keywords_an_hour + self.others_an_hour
        if self.keywords_an_hour < 1 or self.others_an_hour < 0 or words > most:
            raise InputError(
                f"{self.keywords_an_hour} keywords and {self.others_an_hour} other words an hour: "
                f"at least one keyword, and no more than {most:,} words, fit in"
            )

    def as_json(self) -> dict[str, Any]:
        """All of it, with None as ``clean``; whether homophones are kept, where they are."""
        told = ["clean" if snr is None else snr for snr in self.snr_db]
        facts = {**asdict(self), "snr_db": told, "noises": list(self.noises)}
        return {name: facts[name] for name in facts if name != "keep_homophones" or facts[name]}


@dataclass(frozen=True)
class Placed:
    """A clip in a minute.

    Attributes:
        clip: its name.
        word: what is said.
        start: its first sample, counted from the minute's.
    """

    clip: str
    word: str
    start: int


@dataclass(frozen=True)
class Minute:
    """What a minute holds.

    Attributes:
        number: of the minute, from 0.
        noise: name of the noise, empty in a quiet room.
        snr_db: by how much the words are louder, None likewise.
        speech_db: level of the words' loudest 300 ms, relative to full scale.
        clips: by position.
    """

    number: int
    noise: str
    snr_db: float | None
    speech_db: float
    clips: tuple[Placed, ...]


@dataclass(frozen=True)
class Cast:
    """The clips that a plan draws from.

    Attributes:
        keywords: clips of each keyword.
        others: clips of other words.
        homophones: words that are not among those since they sound like a keyword, with that.
    """

    keywords: Mapping[str, Sequence[str]]
    others: Sequence[str]
    homophones: Mapping[str, str] = field(default_factory=dict)


def cast_of(source: Source, plan: Plan) -> Cast:
    """The test clips whose speakers belong to the plan's part.

    Raises:
        InputError: the source does not have its test clips as sound, a keyword has none, or
            eSpeak, which knows how words sound, is missing.
    """
    if not source.has_audio("testing"):
        raise InputError(f"{source.name}: has no test clips as sound, which a stream is made of")

    def part(names: Sequence[str]) -> list[str]:
        return in_hash_order(name for name in names if part_of(speaker_of(name)) == plan.part)

    keywords = {word: part(source.keyword_clips(word, "testing")) for word in plan.keywords}
    for word, clips in keywords.items():
        if not clips:
            raise InputError(f"keyword {word!r}: {source.name} has no {plan.part} speaker of it")
    homophones = {} if plan.keep_homophones else homophones_in(source, plan.keywords)
    others = source.unknown_clips((*plan.keywords, *homophones), "testing")
    return Cast(keywords, part(others), homophones)


def part_of(speaker: str) -> Part:
    """The half that a speaker belongs to."""
    return PARTS[int(sha1_hex(f"half/{speaker}"), 16) % 2]


@dataclass(frozen=True)
class Script:
    """The minutes of a plan, each as it is asked for."""

    plan: Plan
    cast: Cast
    _orders: dict[tuple[str, int], list[str]] = field(default_factory=dict, compare=False)

    @cached_property
    def _scenes(self) -> list[tuple[str, float | None]]:
        noises = self.plan.noises or ("",)
        return [(noise, snr) for snr in self.plan.snr_db for noise in noises]

    def minute(self, number: int) -> Minute:
        """What a minute holds; all scenes, each a noise at a ratio, come once before any twice."""
        turn, place = divmod(number, len(self._scenes))
        scenes = sorted(self._scenes, key=lambda scene: self._draw(f"scene/{turn}/{scene}"))
        noise, snr = scenes[place]
        level = SPEECH_LEVELS_DB[self._draw(f"level/{number}") % len(SPEECH_LEVELS_DB)]
        return Minute(number, noise if snr is not None else "", snr, level, self._clips(number))

    def _clips(self, number: int) -> tuple[Placed, ...]:
        """The minute's words, each somewhere in a slot of its own."""
        others_an_hour = self.plan.others_an_hour if self.cast.others else 0
        words = [
            *(self._keyword(n) for n in _numbers(number, self.plan.keywords_an_hour)),
            *(
                self._in_turn("others", self.cast.others, n)
                for n in _numbers(number, others_an_hour)
            ),
        ]
        order = sorted(words, key=lambda clip: self._draw(f"order/{number}/{clip}"))
        slot = MINUTE // max(len(order), 1)
        placed = []
        for place, clip in enumerate(order):
            late = self._draw(f"place/{number}/{place}") % (slot - _SHORTEST_SLOT + 1)
            placed.append(Placed(clip, clip.split("/")[0], place * slot + late))
        return tuple(placed)

    def _keyword(self, number: int) -> str:
        """The clip of a keyword, counted over all the stream."""
        word = self._in_turn("keywords", self.plan.keywords, number)
        return self._in_turn(word, self.cast.keywords[word], number // len(self.plan.keywords))

    def _in_turn(self, what: str, names: Sequence[str], number: int) -> str:
        """The name that comes as ``number``: all in some order before any comes twice."""
        turn, place = divmod(number, len(names))
        if (what, turn) not in self._orders:
            order = sorted(names, key=lambda name: self._draw(f"{what}/{turn}/{name}"))
            self._orders[what, turn] = order
        return self._orders[what, turn][place]

    def _draw(self, what: str) -> int:
        return int(sha1_hex(f"{self.plan.part}/{self.plan.seed}/{what}"), 16)


def _numbers(minute: int, an_hour: int) -> range:
    """Which words fall into a minute, if so many an hour are spread evenly."""
    return range(minute * an_hour // 60, (minute + 1) * an_hour // 60)
