"""Words spoken and spelled in phonemes by eSpeak NG, which the ``espeakng-loader`` wheel carries.

eSpeak keeps state from one utterance to the next (pitch flutter, gain control, echo), so the
same word in the same voice differs with what was said before. Here the library is loaded
afresh for every word; an utterance then depends on its description alone. That costs about
1 ms.
"""

import _ctypes
import ctypes
import functools
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwslib.errors import InputError
from kwslib.files import sha256_of_sources, sha256_of_text
from kwslib.folders import cache_folder, part_folder

ESPEAK_RATE = 22_050
"""Samples per second of what eSpeak says."""

_PACKAGE = "espeakng-loader"
_MEND = f"install it again: pip install --force-reinstall {_PACKAGE}"

# espeak-ng/speak_lib.h
_SYNCHRONOUS_OUTPUT = 2
_DO_NOT_EXIT = 0x8000
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_POSITION_IS_CHARACTER = 1
_TEXT_IS_UTF8 = 1
_IN_IPA = 2

_LAST_LATIN = "\u024f"
_NO_PHONEMES = str.maketrans("", "", "ˈˌ \n")
"""Stress, and what stands between words."""

_ENGLISH = ("phondata", "phonindex", "phontab", "intonations", "en_dict")

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Utterance:
    """A word and how to say it.

    Attributes:
        word: the text.
        accent: one of :func:`accents`, e.g. ``en-us``.
        variant: the speaker's voice, one of :func:`variants`, e.g. ``f2``.
        rate: words per minute, 80 to 450.
        pitch: 0 to 99; 50 is the pitch of the variant.
        pitch_range: 0 (monotone) to 99; 50 is the range of the variant.
        seed: of breath noise.
    """

    word: str
    accent: str = "en-us"
    variant: str = "m3"
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50
    seed: int = 1


def synthesiser_version() -> str:
    """The synthesiser and the version of its distribution, e.g. ``espeakng-loader 0.2.4``."""
    try:
        return f"{_PACKAGE} {metadata.version(_PACKAGE)}"
    except metadata.PackageNotFoundError:
        raise InputError(f"{_PACKAGE}: not installed; {_MEND}") from None


def accents() -> tuple[str, ...]:
    """Accents of English, e.g. ``en-us``, in alphabetical order."""
    # en-shaw reads the Shavian alphabet only.
    return tuple(sorted(_plain(file) for file in _accent_files() if "Shaw" not in file.name))


@functools.cache
def variants() -> tuple[str, ...]:
    """Voice variants, e.g. ``f2``, in alphabetical order."""
    return tuple(sorted(map(_plain, _variant_files())))


def synthesise(utterance: Utterance) -> NDArray[np.int16]:
    """Say a word: mono int16 at :data:`ESPEAK_RATE`, silence before and after included.

    The samples depend on ``utterance`` and the synthesiser's version only. Empty if eSpeak has
    nothing to say. Safe to call from several threads, which wait for one another.

    Raises:
        InputError: eSpeak or its data is missing, or it does not know the voice.
    """
    chunks: list[bytes] = []

    @_Callback
    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int | None) -> int:
        if samples and count:
            chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    with _espeak(utterance.accent, utterance.variant) as library:
        _speak(library, utterance, collect)
    return np.frombuffer(b"".join(chunks), np.int16)


def phonemes_of(words: Sequence[str]) -> list[str]:
    """How eSpeak's voice ``en-us`` (General American) pronounces each word, stress left out.

    In the International Phonetic Alphabet; words that sound alike have the same phonemes,
    whatever the case of their letters. Empty of a word that English does not pronounce: one of
    signs alone, such as ``'``, or with other letters than Latin ones.

    Raises:
        InputError: eSpeak or its data is missing.

    >>> phonemes_of(["write", "Right"])
    ['ɹaɪt', 'ɹaɪt']
    """
    with _espeak() as library:
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        return [_phonemes(library, word) for word in words]


def _phonemes(library: ctypes.CDLL, word: str) -> str:
    if max(word, default="") > _LAST_LATIN:  # eSpeak would look for another language's dictionary
        return ""
    text = word.casefold().encode()
    rest, clauses = ctypes.c_char_p(text), []
    while rest.value is not None:
        clauses.append(
            library.espeak_TextToPhonemes(ctypes.byref(rest), _TEXT_IS_UTF8, _IN_IPA).decode()
        )
    return "".join(clauses).translate(_NO_PHONEMES)


@contextmanager
def _espeak(accent: str = "en-us", variant: str = "m3") -> Iterator[ctypes.CDLL]:
    """The library with a voice, loaded afresh and forgotten after the body; one at a time."""
    with _one_at_a_time:
        library = _load(_library_path())
        try:
            rate = library.espeak_Initialize(
                _SYNCHRONOUS_OUTPUT, 0, os.fsencode(_english_data()), _DO_NOT_EXIT
            )
            if rate != ESPEAK_RATE:
                raise InputError(
                    f"{_english_data()}: eSpeak cannot read its data; delete the folder and run "
                    "again"
                )
            voice = f"{accent}+{variant}"
            if variant not in variants() or library.espeak_SetVoiceByName(voice.encode()):
                raise InputError(
                    f"voice {voice}: eSpeak has no such voice; accents are {', '.join(accents())}"
                )
            yield library
        finally:
            library.espeak_ng_Terminate()
            _unload(library)


def _speak(library: ctypes.CDLL, utterance: Utterance, collect: Any) -> None:
    library.espeak_SetSynthCallback(collect)
    settings = {
        _RATE: utterance.rate, _PITCH: utterance.pitch, _PITCH_RANGE: utterance.pitch_range,
    }  # fmt: skip
    for parameter, value in settings.items():
        library.espeak_SetParameter(parameter, value, 0)
    # Breath noise comes from eSpeak's own generator and, in some voices, from the C library's.
    library.espeak_ng_SetRandSeed(ctypes.c_long(utterance.seed))
    library.srand(ctypes.c_uint(utterance.seed))
    text = utterance.word.encode() + b"\0"
    library.espeak_Synth(text, len(text), 0, _POSITION_IS_CHARACTER, 0, _TEXT_IS_UTF8, None, None)
    library.espeak_Synchronize()


def _load(path: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise InputError(f"{path}: eSpeak NG cannot be loaded ({error}); {_MEND}") from None


def _unload(library: ctypes.CDLL) -> None:
    """Forget the library with all its state; ctypes has no public function for it."""
    close = getattr(_ctypes, "dlclose", None) or getattr(_ctypes, "FreeLibrary")  # noqa: B009
    close(library._handle)


@functools.cache
def _library_path() -> str:
    try:
        from espeakng_loader import get_library_path
    except ImportError:
        raise InputError(f"{_PACKAGE}: not installed; {_MEND}") from None
    return get_library_path()


@functools.cache
def _installed_data() -> Path:
    try:
        from espeakng_loader import get_data_path

        folder = Path(get_data_path())
    except (ImportError, RuntimeError):
        raise InputError(f"{_PACKAGE}: not installed or without its data; {_MEND}") from None
    if not all((folder / name).is_file() for name in _ENGLISH):
        raise InputError(f"{folder}: eSpeak's English data is incomplete; {_MEND}")
    return folder


def _accent_files() -> list[Path]:
    return sorted((_installed_data() / "lang" / "gmw").glob("en*"))


def _variant_files() -> list[Path]:
    return sorted((_installed_data() / "voices" / "!v").iterdir())


def _plain(file: Path) -> str:
    """A voice file's name in lower case without spaces: ``Mr serious`` is ``mr-serious``."""
    return file.name.lower().replace(" ", "-")


@functools.cache
def _english_data() -> Path:
    """A folder with English only, voices named in lower case.

    eSpeak lowers the case of a voice's name and, where the file system tells cases apart, then
    reads all its 230 voice files to find ``en-US``: 2 ms a word that this folder spares.
    """
    source = _installed_data()
    code = sha256_of_sources("data/synthesiser.py")
    identity = sha256_of_text(code, synthesiser_version(), str(source))[:16]
    folder = cache_folder("espeak") / identity
    if folder.exists():
        return folder
    files = {
        **{name: source / name for name in _ENGLISH},
        **{f"voices/{_plain(file)}": file for file in _accent_files()},
        **{f"voices/!v/{_plain(file)}": file for file in _variant_files()},
    }
    with part_folder(folder.parent) as part:
        (part / "voices" / "!v").mkdir(parents=True)
        for name, file in files.items():
            shutil.copyfile(file, part / name)
        try:
            part.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster
                raise
    return folder
