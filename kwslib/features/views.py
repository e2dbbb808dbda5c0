"""Pictures of a clip, from the bare waveform to the image that the board computes.

Each view is one step of the way: the waveform; its spectrum, which says which frequencies but
not when; the spectrogram, which says both; the mel spectrogram, which keeps fewer bands the
higher they lie; its logarithm; the MFCC, a cosine transform of that; and the deployed 8-bit
log-mel image. The transforms are torchaudio's, with the deployed feature's window, hop and
bands, so that views differ in one thing at a time.

torchaudio puts the window of 480 samples into the middle of the 512 of the FFT where the
deployed feature begins with it, so a float view lies 1 ms beside the deployed image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kwslib.config import CLIP_SAMPLES, DEPLOYED, SAMPLE_RATE
from kwslib.errors import InputError
from kwslib.features import logmel as deployed
from kwslib.features.threads import one_thread
from kwslib.features.torchaudio_cpu import torchaudio

DEPLOYED_KIND = "logmel-u8"
"""The view that a network on the board sees."""

MFCC_COEFFICIENTS = 13

_BATCH = 8


@dataclass(frozen=True)
class View:
    """A way to look at a clip.

    Attributes:
        kind: short name, as ``kws features --kind`` takes it.
        title: name in a figure.
        unit: what a value means.
        shape: of the view of one clip; time comes first where there is time.
        dtype: numpy type of a value.
        compute: int16 audio ``[clips, 16000]`` to the views, ``[clips, *shape]``.
    """

    kind: str
    title: str
    unit: str
    shape: tuple[int, ...]
    dtype: str
    compute: Callable[[Tensor], Tensor]

    @property
    def values(self) -> int:
        """Values in the view of one clip."""
        return int(np.prod(self.shape))

    @property
    def bytes(self) -> int:
        """Bytes of the view of one clip."""
        return self.values * np.dtype(self.dtype).itemsize


def waveform(audio: Tensor) -> Tensor:
    """The samples themselves, int16 ``[..., 16000]``."""
    return audio


def spectrum(audio: Tensor) -> Tensor:
    """Magnitude of the Fourier transform of the whole clip, float32 ``[..., 8001]``, bins of 1 Hz.

    The clip is weighted by a periodic Hann window, so that its ends do not smear the bins.
    """
    whole = torchaudio.transforms.Spectrogram(
        n_fft=CLIP_SAMPLES, hop_length=CLIP_SAMPLES, center=False, power=1.0
    )
    return whole(audio.to(torch.float32)).squeeze(-1)


def spectrogram(audio: Tensor) -> Tensor:
    """Power in each frame and frequency bin, float32 ``[..., 49, 257]``, squared int16 units.

    A bin is 31.25 Hz wide.
    """
    return _spectrogram_transform()(audio.to(torch.float32)).mT


def mel(audio: Tensor) -> Tensor:
    """Power in each frame and mel band, float32 ``[..., 49, 40]``, squared int16 units.

    Triangles up to 4 kHz, equally wide on the HTK mel scale ``2595 log10(1 + f / 700)``, without
    area normalisation.
    """
    return _mel_transform()(audio.to(torch.float32)).mT


def logmel(audio: Tensor) -> Tensor:
    """:func:`mel` in decibels above one squared int16 unit, float32 ``[..., 49, 40]``.

    Power below that unit, which is less than the rounding of the samples leaves, reads 0 dB.
    """
    return torchaudio.transforms.AmplitudeToDB(stype="power")(mel(audio).clamp_min(1.0))


def mfcc(audio: Tensor) -> Tensor:
    """Mel-frequency cepstral coefficients, float32 ``[..., 49, 13]``; see :func:`logmel.mfcc`."""
    return deployed.mfcc(mel(audio), MFCC_COEFFICIENTS)


@cache
def _spectrogram_transform() -> Callable[[Tensor], Tensor]:
    return torchaudio.transforms.Spectrogram(
        n_fft=DEPLOYED.fft,
        win_length=DEPLOYED.window,
        hop_length=DEPLOYED.hop,
        center=False,
        power=2.0,
    )


@cache
def _mel_transform() -> Callable[[Tensor], Tensor]:
    return torchaudio.transforms.MelSpectrogram(
        sample_rate=SAMPLE_RATE,
        n_fft=DEPLOYED.fft,
        win_length=DEPLOYED.window,
        hop_length=DEPLOYED.hop,
        center=False,
        power=2.0,
        f_min=DEPLOYED.low_hz,
        f_max=DEPLOYED.high_hz,
        n_mels=DEPLOYED.bands,
        norm=None,
        mel_scale="htk",
    )


@cache
def _deployed_image() -> Callable[[Tensor], Tensor]:
    return deployed.LogMelImage(DEPLOYED)


_FRAMES = DEPLOYED.frames
_BINS = DEPLOYED.fft // 2 + 1
_BANDS = DEPLOYED.bands

VIEWS: dict[str, View] = {
    view.kind: view
    for view in (
        View("waveform", "Waveform", "sample", (CLIP_SAMPLES,), "int16", waveform),
        View("spectrum", "Spectrum", "magnitude", (CLIP_SAMPLES // 2 + 1,), "float32", spectrum),
        View("spectrogram", "Spectrogram", "power", (_FRAMES, _BINS), "float32", spectrogram),
        View("mel", "Mel spectrogram", "power", (_FRAMES, _BANDS), "float32", mel),
        View("logmel", "Log-mel spectrogram", "dB", (_FRAMES, _BANDS), "float32", logmel),
        View("mfcc", "MFCC", "ln power", (_FRAMES, MFCC_COEFFICIENTS), "float32", mfcc),
        View(
            DEPLOYED_KIND,
            "Deployed image",
            "8-bit log power",
            (_FRAMES, _BANDS),
            "uint8",
            lambda audio: _deployed_image()(audio),
        ),
    )
}
"""Every view, in the order in which a clip becomes the deployed image."""


def view_of(audio: NDArray[np.int16], kind: str = DEPLOYED_KIND) -> NDArray[np.generic]:
    """One view of clips of a second.

    Args:
        audio: int16 ``[..., 16000]``.
        kind: a key of :data:`VIEWS`.

    Returns:
        ``[..., *VIEWS[kind].shape]`` of the view's type.

    Raises:
        InputError: no such view, or the audio is not int16 clips of a second.
    """
    if kind not in VIEWS:
        raise InputError(f"kind {kind!r}: no such view; choose from {', '.join(VIEWS)}")
    if audio.dtype != np.int16 or audio.shape[-1:] != (CLIP_SAMPLES,):
        raise InputError(
            f"audio is {audio.dtype} {list(audio.shape)}, must be int16 [..., {CLIP_SAMPLES}]"
        )
    view = VIEWS[kind]
    clips = torch.from_numpy(np.ascontiguousarray(audio)).reshape(-1, CLIP_SAMPLES)
    views = np.empty((len(clips), *view.shape), view.dtype)
    with one_thread():
        for start in range(0, len(clips), _BATCH):
            views[start : start + _BATCH] = view.compute(clips[start : start + _BATCH]).numpy()
    return views.reshape(*audio.shape[:-1], *view.shape)
