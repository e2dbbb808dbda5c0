"""A board hears a recording as the front end, the interpreter and the smoothing in Python do."""

import numpy as np
import pytest

from kwslib.board.client import default_streaming
from kwslib.board.target import open_board
from kwslib.config import DEPLOYED
from kwslib.data.spoken_clip import clip_audio, voices
from kwslib.deploy import predictors
from kwslib.deploy.predictors import tflite_of
from kwslib.evaluation.smoothing import Smoother
from kwslib.features.logmel import logmel_images
from kwslib.network.reader import read_graph

NETWORK = "tiny_conv-yes_no"


class Reference:
    """The whole way from sound to detections in Python."""

    def __init__(self, path, streaming):
        self.predict, self.streaming = predictors.predictor(path), streaming

    def hear(self, stream):
        smoother = Smoother(self.streaming.smoothing)
        frames = logmel_images(stream)
        found = []
        for first in range(0, len(frames) - DEPLOYED.frames + 1, self.streaming.hops):
            image = frames[first : first + DEPLOYED.frames]
            last = (first + DEPLOYED.frames - 1) * DEPLOYED.hop + DEPLOYED.window
            found.append(smoother.push(self.predict(image[None])[0].tolist(), last // 16))
        return [each for each in found if each]


@pytest.fixture(scope="module")
def streams():
    """Embedded clips with a second and a half of noise before and after."""
    draw = np.random.default_rng(0)
    found = []
    for word in ("yes", "no", "happy"):
        for voice in voices()[:3]:
            clip = clip_audio(f"{word}/espeak_{voice}_nohash_0")
            before, after = (np.rint(draw.normal(0, 30, 24_000)).astype(np.int16) for _ in "ab")
            found.append(np.concatenate([before, clip, after]))
    return found


@pytest.mark.parametrize("target", ["host", "emulator"])
def test_detections_are_those_of_the_reference(streams, target):
    path = tflite_of(NETWORK)
    streaming = default_streaming(4)
    reference = Reference(path, streaming)
    heard = 0
    with open_board(target, read_graph(path), NETWORK) as board:
        assert board.labels == ("_silence_", "_unknown_", "yes", "no")
        for stream in streams:
            with board.listening(streaming):
                found = board.hear(stream)
            expected = reference.hear(stream)
            # a pixel may differ by 1, and an average then by a little
            assert [(each.label, each.time) for each in found] == [
                (each.label, each.time) for each in expected
            ]
            assert [each.probability for each in found] == pytest.approx(
                [each.probability for each in expected], abs=0.02
            )
            heard += len(found)
            clip = stream[24_000:40_000]
            scores = reference.predict(logmel_images(clip)[None])[0]
            board.features(clip)
            assert board.infer().argmax() == scores.argmax()
    assert heard > 4
