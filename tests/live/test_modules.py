"""The modules of the page's script that compute something, against Python."""

import numpy as np
import pytest
import soundfile
from live_site import with_module

from kwslib.data.recording import read_clip
from kwslib.data.spoken import EmbeddedSpeech
from kwslib.evaluation.accuracy import wilson_interval
from kwslib.features.views import view_of
from kwslib.field.trials import Trial
from kwslib.results.charts.theme import VIRIDIS


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page()


@pytest.fixture
def module(page):
    """Gives the exports of a module as ``kws``."""
    return lambda name: with_module(page, name)


@pytest.fixture(scope="module")
def clip():
    source = EmbeddedSpeech()
    return source.audio([source.keyword_clips("yes", "testing")[7]])[0]


def test_views_are_those_of_chapter_1(module, clip):
    found = module("views").evaluate(
        """(samples) => {
          const clip = Int16Array.from(samples);
          const power = kws.spectrogram(clip);
          const mel = kws.melSpectrogram(power);
          const rows = (view) => view.map((row) => Array.from(row));
          return {
            spectrum: Array.from(kws.spectrum(clip)),
            spectrogram: rows(power), mel: rows(mel), mfcc: rows(kws.mfcc(mel)),
          };
        }""",
        clip.tolist(),
    )
    for kind, values in found.items():
        expected = view_of(clip, kind).astype(np.float64)
        assert np.shape(values) == expected.shape
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("length", [1, 7, 12, 125, 512])
def test_a_transform_of_any_length(module, length):
    samples = np.random.default_rng(length).normal(size=length)
    found = module("fourier").evaluate("(x) => Array.from(kws.powerSpectrum(x))", samples.tolist())
    np.testing.assert_allclose(found, np.abs(np.fft.rfft(samples)) ** 2, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
def test_a_tone_keeps_pitch_and_level_at_another_rate(module, rate):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate // 2) / rate)
    found = module("resample").evaluate(
        "([x, rate]) => Array.from(kws.resampled(Float32Array.from(x), rate, 16000))",
        [tone.tolist(), rate],
    )
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)
    assert len(found) == 8000
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=2e-3)


def test_what_16_khz_cannot_hold_is_not_heard(module):
    tone = np.sin(2 * np.pi * 9000 * np.arange(24_000) / 48_000)
    found = module("resample").evaluate(
        "(x) => Array.from(kws.resampled(Float32Array.from(x), 48000, 16000))", tone.tolist()
    )
    assert np.abs(found[200:-200]).max() < 0.01


def test_pieces_give_what_the_whole_gives(module):
    sound = np.random.default_rng(0).normal(size=4410)
    whole, pieces = module("resample").evaluate(
        """(x) => {
          const whole = Array.from(new kws.Resampler(44100, 16000).push(Float32Array.from(x)));
          const resampler = new kws.Resampler(44100, 16000), pieces = [];
          for (let at = 0; at < x.length; at += 128)
            pieces.push(...resampler.push(Float32Array.from(x.slice(at, at + 128))));
          return [whole, pieces];
        }""",
        sound.tolist(),
    )
    assert pieces == whole
    assert len(pieces) == pytest.approx(1600, abs=20)


@pytest.mark.parametrize("length", [4000, 16000, 16001, 30000])
def test_a_second_is_cut_as_for_kws_features(module, tmp_path, length):
    sound = np.random.default_rng(length).normal(0, 0.01, length)
    sound[length // 3 : length // 3 + 2000] *= 20
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, 16_000, subtype="PCM_16")
    samples, _ = soundfile.read(path, dtype="int16")
    found = module("samples").evaluate(
        "(x) => Array.from(kws.oneSecond(Int16Array.from(x)))", samples.tolist()
    )
    np.testing.assert_array_equal(found, read_clip(path)[0])


def test_a_room_is_as_quiet_as_the_sound(module, clip):
    found = np.array(
        module("samples").evaluate(
            "(x) => Array.from(kws.inARoom(Int16Array.from(x), 0.5, 0.25))", clip.tolist()
        )
    )
    np.testing.assert_array_equal(found[8000:24000], clip)
    assert len(found) == 28_000
    frames = np.sqrt(np.mean(clip[:16000].reshape(-1, 320).astype(float) ** 2, axis=1))
    floor = np.sort(frames)[len(frames) // 10]
    assert np.sqrt(np.mean(found[:8000].astype(float) ** 2)) == pytest.approx(floor, rel=0.1)


def test_a_wav_file_is_read_back(module, clip, tmp_path):
    data = module("samples").evaluate(
        """async (x) => {
          const blob = kws.wavFile(Int16Array.from(x));
          return Array.from(new Uint8Array(await blob.arrayBuffer()));
        }""",
        clip.tolist(),
    )
    (tmp_path / "clip.wav").write_bytes(bytes(data))
    samples, rate = soundfile.read(tmp_path / "clip.wav", dtype="int16")
    assert rate == 16_000
    np.testing.assert_array_equal(samples, clip)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (8, 10), (17, 20), (10, 10)])
def test_intervals_are_those_of_the_report(module, successes, trials):
    found = module("trials").evaluate("(x) => kws.wilson(...x)", [successes, trials])
    np.testing.assert_allclose(found, wilson_interval(successes, trials), atol=1e-12)


@pytest.mark.parametrize("keywords", [["yes", "no"], ["yes", "no", "left"], ["one"]])
def test_a_plan_asks_for_each_word_as_often(module, keywords):
    plans = module("trials").evaluate(
        "(words) => Array.from({length: 20}, () => kws.plan(words, 10))", keywords
    )
    for plan in plans:
        counts = [sum(each["word"] == word for each in plan) for word in keywords]
        assert sum(counts) == 10 and max(counts) - min(counts) <= 1
        assert len({each["name"] for each in plan}) == 10
    if len(keywords) > 1:
        assert len({str(plan) for plan in plans}) > 1


def test_a_trial_is_judged_as_kwslib_does(module):
    detections = [
        {"label": 3, "timeMs": 1100, "probability": 0.61},
        {"label": 2, "timeMs": 2310, "probability": 0.70149},
    ]
    labels = ["_silence_", "_unknown_", "yes", "no"]
    told = module("trials").evaluate(
        "(x) => kws.judged({word: 'yes', name: 'yes/2'}, ...x)",
        [detections, labels, 1500, 5004, 1],
    )
    trial = Trial.from_json(told)
    assert trial.succeeded and trial.repeats == 1
    assert [each.time_ms for each in trial.detections] == [-400, 810]
    assert told["detections"][1]["probability"] == 0.701
    nothing = module("trials").evaluate(
        "(x) => kws.judged({word: 'no', name: 'no/1'}, ...x)", [detections[:1], labels, 1500, 5000]
    )
    assert nothing["detected"] is None and "repeats" not in nothing


def test_colours_are_those_of_the_charts(module):
    found = module("colours").evaluate(
        "(corners) => [0, 127.5, 255, 300].map(kws.colourMap(corners, 0, 255))", list(VIRIDIS)
    )
    corners = [[int(VIRIDIS[i][at : at + 2], 16) for at in (1, 3, 5)] for i in (0, -1)]
    assert found[0] == [*corners[0], 255]
    assert found[2] == found[3] == [*corners[1], 255]
    own = module("colours").evaluate(
        "kws.labelColours(['yes', 'a', 'b'], {yes: 'blue'}, ['blue', 'red', 'green'])"
    )
    assert own == ["blue", "red", "green"]
