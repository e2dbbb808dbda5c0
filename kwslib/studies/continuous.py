"""Published networks on continuous audio: settings chosen on ten hours, reported on ten others."""

from dataclasses import replace

from kwslib.data.dataset import open_source
from kwslib.data.source import Source
from kwslib.data.synthetic_noise import chosen_noises
from kwslib.records import Record
from kwslib.streaming.curve import MISSES
from kwslib.streaming.listen import listen, tuned
from kwslib.streaming.plan import Plan
from kwslib.streaming.scores import spotter_of
from kwslib.streaming.sound import BuiltSound

HOURS = 10.0
"""Of the stream on which settings are chosen, and of the stream on which they are reported."""


def plan(keywords: tuple[str, ...], noises: tuple[str, ...], hours: float = HOURS) -> Plan:
    """The stream that is reported on."""
    return Plan(max(1, round(60 * hours)), keywords, noises=noises)


def study(network: str, *, data: str, hours: float = HOURS) -> list[Record]:
    """The records of ``kws stream NETWORK --hours 10 --tune 10``.

    Args:
        network: a published network or a ``.tflite`` file.
        data: folder of Speech Commands, or empty for embedded speech.
        hours: of each of the two streams.

    Raises:
        InputError: no such network or data.
    """
    spotter, source = spotter_of(network), open_source(data or None)
    usual = plan(spotter.labels[2:], _noises(source), hours)
    sound = BuiltSound(source, replace(usual, keep_homophones=spotter.keeps_homophones))
    choice = tuned(sound, hours, spotter, MISSES)
    found = listen(sound, spotter, choice.streaming, choice.point.threshold, MISSES, choice)
    return found.records({"name": source.name, "hash": source.identity()[:16]})


def _noises(source: Source) -> tuple[str, ...]:
    return tuple(chosen_noises(source, "mixed"))
