"""The microphone against a stand-in for sounddevice, whose streams it reads."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from kwslib.errors import InputError
from kwslib.field.live import computer_microphone


class PortAudioError(Exception):
    pass


class FakeStream:
    """A tone of 1 kHz at its rate, without end."""

    def __init__(self, samplerate, channels, dtype):
        assert (channels, dtype) == (1, "int16")
        self.rate, self.position, self.running = samplerate, 0, False
        self.overflowed = False

    def __enter__(self):
        self.running = True
        return self

    def __exit__(self, *error):
        self.running = False

    def read(self, frames):
        assert self.running
        time = (self.position + np.arange(frames)) / self.rate
        self.position += frames
        samples = np.rint(8000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
        return samples[:, None], self.overflowed


@pytest.fixture
def install(monkeypatch):
    """Puts a stand-in for sounddevice in place; the streams that were opened."""

    def install(rates=(16_000,), own=48_000):
        opened = []

        def stream(samplerate, **settings):
            if samplerate not in rates:
                raise PortAudioError("Invalid sample rate")
            opened.append(FakeStream(samplerate, **settings))
            return opened[-1]

        def devices(kind):
            if not rates:
                raise PortAudioError("Error querying device -1")
            return {"default_samplerate": float(own)}

        module = SimpleNamespace(
            InputStream=stream, query_devices=devices, PortAudioError=PortAudioError
        )
        monkeypatch.setitem(sys.modules, "sounddevice", module)
        return opened

    return install


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_samples_come_at_16_khz_without_gaps_whatever_the_device_does(install, rate):
    opened = install(rates=(rate,), own=rate)
    with computer_microphone() as microphone:
        parts = [microphone.read(count) for count in (1000, 1, 24_000, 7000)]
    assert [len(part) for part in parts] == [1000, 1, 24_000, 7000]
    assert opened[0].running is False
    samples = np.concatenate(parts).astype(float)[800:-800]
    time = np.arange(len(samples)) / 16_000
    basis = np.stack([np.sin(2000 * np.pi * time), np.cos(2000 * np.pi * time)], axis=1)
    fit, *_ = np.linalg.lstsq(basis, samples, rcond=None)
    assert np.hypot(*fit) == pytest.approx(8000, rel=0.01)
    assert np.abs(samples - basis @ fit).max() < 50


def test_lost_sound_is_counted(install):
    opened = install()
    with computer_microphone() as microphone:
        microphone.read(320)
        assert microphone.gaps == 0
        opened[0].overflowed = True
        microphone.read(640)
    assert microphone.gaps == 2


def test_no_microphone_is_told_in_one_line(install):
    install(rates=())
    with (
        pytest.raises(InputError, match="connect one, or give --recordings DIR"),
        computer_microphone(),
    ):
        pass


def test_without_sounddevice_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match="pip install sounddevice"), computer_microphone():
        pass


def test_without_portaudio_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="libportaudio2"), computer_microphone():
        pass
