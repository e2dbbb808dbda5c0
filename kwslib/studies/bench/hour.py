"""An hour of audio through the emulated board: does it drift, lose frames, or use more memory?"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from kwslib.board.client import Board
from kwslib.board.emulator import Emulator
from kwslib.board.transport import EmulatorLink
from kwslib.config import DEPLOYED, SAMPLE_RATE
from kwslib.data.spoken import EmbeddedSpeech
from kwslib.deploy.compile import compile_network
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph
from kwslib.studies.bench.speed import Row

HOUR_S = 3600
PERIOD_S = 20
_WORD = "yes"
_WORD_AT_S = 9


def listen(seconds: int, program: Path) -> list[Row]:
    """Let the emulated board hear the same 20 seconds of noise with a word, over and over.

    Args:
        seconds: of audio; a multiple of 20.
        program: with a network that knows "yes".
    """
    link = EmulatorLink(Emulator(program))
    board = Board(link, "emulator")
    label, period = board.labels.index(_WORD), _period(board)
    board.stream()
    times, stacks = [], []
    for _ in tqdm(range(seconds // PERIOD_S), "20 s of audio", leave=False, disable=None):
        times += [found.time for found in board.hear(period) if found.label == label]
        stacks.append(link.stack)
    frames, heard = (seconds * SAMPLE_RATE - DEPLOYED.window) // DEPLOYED.hop + 1, board.stop()
    within = [time % (1000 * PERIOD_S) for time in times] or [0]
    how = f"{seconds:,} s of noise, {seconds // PERIOD_S} words in it"
    return [
        Row("frames missing", frames - heard.frames, "frames", f"{how}: {heard.frames:,}"),
        Row("words detected", len(times), "words", how),
        Row("drift of the detections", max(within) - min(within), "ms",
            "latest less earliest, alike words"),
        Row("stack, first 20 s", stacks[0], "bytes", "the most of any call"),
        Row("stack, all of it", stacks[-1], "bytes", "other memory is static"),
    ]  # fmt: skip


def _period(board: Board) -> NDArray[np.int16]:
    """Quiet noise with the first of the embedded voices' words that the board knows in it."""
    speech = EmbeddedSpeech()
    label = board.labels.index(_WORD)
    noise = np.random.default_rng(0).normal(0, 20, PERIOD_S * SAMPLE_RATE).astype(np.int16)
    start = _WORD_AT_S * SAMPLE_RATE
    for name in speech.keyword_clips(_WORD, "testing"):
        period = noise.copy()
        clip = speech.audio([name])[0]
        period[start : start + len(clip)] += clip // 2
        board.stream()
        if label in [found.label for found in board.hear(period)]:
            return period
    raise ValueError(f"the board knows no {_WORD!r} of the embedded voices")


def hour() -> Sequence[Row]:
    """An hour of audio, faster than it lasts."""
    graph = read_graph(PUBLISHED / "tiny_conv-yes_no.tflite")
    with tempfile.TemporaryDirectory(prefix="kws-bench-") as folder:
        return listen(HOUR_S, compile_network(graph, "emulator", folder).program)
