"""Words that sound alike, which no network can tell apart: *right* and *write*.

They are compared by the phonemes of :func:`kwslib.data.synthesiser.phonemes_of`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kwslib.data.synthesiser import phonemes_of
from kwslib.errors import InputError


def homophones_of(keywords: Sequence[str], words: Iterable[str]) -> dict[str, str]:
    """Those of ``words`` that sound like a keyword but are none, each with that keyword.

    Raises:
        InputError: eSpeak, which knows how they sound, is missing.

    >>> homophones_of(["write", "no"], ["bed", "know", "no", "right"])
    {'know': 'no', 'right': 'write'}
    """
    others = sorted(set(words).difference(keywords))
    sounds = phonemes_of([*keywords, *others])
    alike = {sound: word for sound, word in zip(sounds, keywords, strict=False) if sound}
    pairs = zip(others, sounds[len(keywords) :], strict=True)
    return {word: alike[sound] for word, sound in pairs if sound in alike}


def check_distinct(keywords: Sequence[str]) -> None:
    """Make sure that no two keywords sound alike.

    Raises:
        InputError: two do, or eSpeak, which knows how they sound, is missing.
    """
    first: dict[str, str] = {}
    for word, sound in zip(keywords, phonemes_of(keywords), strict=True):
        other = first.setdefault(sound, word)
        if other != word:
            raise InputError(
                f"keywords {other!r} and {word!r}: sound alike, and no network can tell them "
                "apart; leave one out, or take another word for it"
            )


def keeps_homophones(training: Any) -> bool:
    """Whether homophones of keywords were unknown words in a network's training.

    Args:
        training: what its file says of that, if anything.
    """
    task = training.get("task") if isinstance(training, Mapping) else None
    return isinstance(task, Mapping) and bool(task.get("keep_homophones"))
