"""A board that knows words by the pitch of their tones, and streams to play to it."""

from contextlib import contextmanager

import numpy as np

from kwslib.evaluation.smoothing import Detection

RATE = 16_000
LABELS = ("_silence_", "_unknown_", "yes", "no")
PITCH = {"yes": 700, "no": 1500}
LATENCY_MS = 100


def quiet(ms, seed=0):
    """A room with noise of 3 int16 steps."""
    return np.rint(np.random.default_rng(seed).normal(0, 3, ms * 16)).astype(np.int16)


def tone(word, ms=400, level=6000):
    frequency = PITCH.get(word, 2600)
    time = np.arange(ms * 16) / RATE
    return np.rint(level * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def stream_with(word, at=1500, ms=400, after=1500):
    return np.concatenate([quiet(at), tone(word, ms), quiet(after, 1)])


class ToneBoard:
    """Detects a word ``LATENCY_MS`` after its tone has ended."""

    labels = LABELS

    def __init__(self):
        self.streams = 0
        self.heard = None

    @contextmanager
    def listening(self, streaming):
        assert self.heard is None, "the last stream was not ended"
        self.streams += 1
        self.heard = np.empty(0, np.int16)
        yield
        self.heard = None

    def features(self, clip):
        assert self.heard is None
        assert clip.shape == (RATE,)
        self.power = np.abs(np.fft.rfft(clip))

    def infer(self):
        return np.array([1e6, 0, *(self.power[frequency] for frequency in PITCH.values())])

    def hear(self, samples):
        before = len(self.heard) // 16
        self.heard = np.concatenate([self.heard, samples])
        found = []
        for word, frequency in PITCH.items():
            end = self._end_of(frequency)
            if end is not None and end + LATENCY_MS > before:
                found.append(Detection(LABELS.index(word), 0.9, end + LATENCY_MS))
        return sorted(found, key=lambda each: each.time)

    def _end_of(self, frequency):
        frames = self.heard[: len(self.heard) // 160 * 160].reshape(-1, 160).astype(float)
        wave = np.exp(-2j * np.pi * frequency * np.arange(160) / RATE)
        loud = np.flatnonzero(np.abs(frames @ wave) / 160 > 500)
        return 10 * (int(loud[-1]) + 1) if loud.size else None


class ScriptedBoard:
    """Answers each question for detections with what it was told to."""

    labels = LABELS

    def __init__(self, *answers):
        self.answers = list(answers)
        self.events = []

    @contextmanager
    def listening(self, streaming, microphone=False):
        self.events.append("microphone" if microphone else "start")
        try:
            yield
        finally:
            self.events.append("stop")

    def hear(self, samples):
        return self._answer(len(samples))

    def overhear(self, seconds):
        return self._answer(seconds)

    def _answer(self, event):
        self.events.append(event)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
