"""Scores along a stream: those of every image by itself, and kept part by part."""

import numpy as np
import pytest
from devices import TINY_CONV, noise

from kwslib.deploy.host import HostFrontEnd
from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError
from kwslib.models.checkpoint import PUBLISHED
from kwslib.streaming import scores as module
from kwslib.streaming.plan import MINUTE
from kwslib.streaming.scores import score_stream, spotter_of, time_of
from kwslib.streaming.sound import Sound


class Noise(Sound):
    """Noise that swells and ebbs, and counts the minutes that were asked for."""

    name, said = "noise", None

    def __init__(self, samples, seed=0):
        swell = np.repeat(np.random.default_rng(seed).random(-(-samples // 4000)) ** 3, 4000)
        self.sound = (noise(seed, samples, 6000) * swell[:samples]).astype(np.int16)
        self.samples, self.heard = samples, []

    def identity(self):
        return f"noise {self.samples}"

    def minutes(self, first=0):
        for start in range(first * MINUTE, self.samples, MINUTE):
            self.heard.append(start // MINUTE)
            yield self.sound[start : start + MINUTE]


@pytest.fixture(scope="module")
def spotter():
    return spotter_of("tiny_conv-yes_no")


@pytest.fixture(scope="module")
def sound():
    return Noise(3 * MINUTE + 123_456)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "_PART_MINUTES", 1)


@pytest.mark.parametrize("hops", [5, 7])
def test_every_score_is_that_of_its_image(spotter, sound, small_parts, tmp_path, hops):
    found = score_stream(sound, spotter, hops, tmp_path)
    frames = (sound.samples - 480) // 320 + 1
    assert found.dtype == np.int8
    assert found.shape == (len(range(49, frames + 1, hops)), 4)
    assert found.std() > 20
    front_end, predict = HostFrontEnd(), predictor(TINY_CONV)
    chosen = np.random.default_rng(1).integers(0, len(found), 40)
    border = (np.arange(1, 4) * 3000 - 48) // hops  # images that reach across minutes
    for inference in {*chosen.tolist(), *border.tolist(), 0, len(found) - 1}:
        end = time_of(inference, hops) * 16
        image = front_end.rows(sound.sound[end - 48 * 320 - 480 : end])
        np.testing.assert_array_equal(found[inference], predict(image[None])[0])


def test_coarser_hops_are_among_the_finest(spotter, tmp_path):
    short = Noise(MINUTE // 4)
    every = score_stream(short, spotter, 1, tmp_path)
    np.testing.assert_array_equal(score_stream(short, spotter, 3, tmp_path), every[::3])


def test_parts_of_ten_minutes_or_one_are_the_same(spotter, sound, tmp_path, monkeypatch):
    whole = score_stream(sound, spotter, 5, tmp_path / "whole")
    monkeypatch.setattr(module, "_PART_MINUTES", 2)
    np.testing.assert_array_equal(score_stream(sound, spotter, 5, tmp_path / "parts"), whole)
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_what_was_scored_is_not_scored_again(spotter, sound, small_parts, tmp_path, monkeypatch):
    full = score_stream(sound, spotter, 5, tmp_path / "full")
    write = module.write_array

    def interrupted(path, array):
        if path.stem.endswith("0002"):
            raise KeyboardInterrupt
        write(path, array)

    monkeypatch.setattr(module, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score_stream(sound, spotter, 5, tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2
    monkeypatch.setattr(module, "write_array", write)
    sound.heard.clear()
    np.testing.assert_array_equal(score_stream(sound, spotter, 5, tmp_path / "kept"), full)
    assert sound.heard == [1, 2, 3]  # the minute before, whose end the first images reach into
    sound.heard.clear()
    score_stream(sound, spotter, 5, tmp_path / "kept")
    assert sound.heard == []


def test_a_file_that_ends_early_is_scored_as_far_as_it_goes(spotter, small_parts, tmp_path):
    sound = Noise(MINUTE)
    sound.samples = 4 * MINUTE  # as a wrong header may say
    sound.minutes = lambda first=0: iter([sound.sound][first:])
    found = score_stream(sound, spotter, 5, tmp_path)
    np.testing.assert_array_equal(found, score_stream(sound, spotter, 5, tmp_path))
    assert len(found) == len(range(49, 3000, 5))


def test_half_a_file_is_made_again(spotter, tmp_path):
    short = Noise(MINUTE // 4)
    first = score_stream(short, spotter, 5, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:90])
    np.testing.assert_array_equal(score_stream(short, spotter, 5, tmp_path), first)


def test_a_stream_shorter_than_a_second_is_refused(spotter, tmp_path):
    with pytest.raises(InputError, match="shorter than the second"):
        score_stream(Noise(15_000), spotter, 5, tmp_path)


def test_a_checkpoint_gives_its_probabilities_on_the_boards_grid(spotter, sound, tmp_path):
    floats = spotter_of(str(PUBLISHED / "tiny_conv-yes_no.safetensors"))
    assert (floats.form, spotter.form) == ("float32", "int8")
    assert floats.labels == spotter.labels == ("_silence_", "_unknown_", "yes", "no")
    images = np.random.default_rng(0).integers(0, 256, (50, 49, 40), np.uint8)
    probabilities = floats.predict(images)
    np.testing.assert_allclose((floats.scores(images) + 128.0) / 256, probabilities, atol=1 / 255)
    assert floats.sha256 != spotter.sha256


@pytest.mark.parametrize("model", ["absent", "absent.tflite"])
def test_no_such_network(model):
    with pytest.raises(InputError, match="absent"):
        spotter_of(model)
