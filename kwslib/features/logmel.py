"""The 8-bit log-mel image: one definition for training, evaluation and the board.

Frame ``i`` is samples ``hop * i ... hop * i + window - 1`` times a periodic Hann window,
zero-filled at the end to the FFT length: no centring, no padding of the clip.
``torchaudio.transforms.MelSpectrogram`` centres the window inside the FFT and, by default, the
frames around their times, which is another feature; hence the few lines here.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kwslib.config import DEPLOYED, SAMPLE_RATE, LogMelConfig
from kwslib.errors import InputError
from kwslib.features.threads import one_thread
from kwslib.features.torchaudio_cpu import torchaudio

_BATCH = 8
"""Clips at once: the spectra of as many stay in the processor's cache."""


def mel_filters(config: LogMelConfig = DEPLOYED) -> Tensor:
    """Triangular filters, float64 ``[fft // 2 + 1, bands]``.

    Triangles are linear in hertz between corners equally spaced on the HTK mel scale
    ``2595 log10(1 + f / 700)``, without area normalisation (Young et al., The HTK Book).
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return torchaudio.functional.melscale_fbanks(
            n_freqs=config.fft // 2 + 1,
            f_min=config.low_hz,
            f_max=config.high_hz,
            n_mels=config.bands,
            sample_rate=SAMPLE_RATE,
            norm=None,
            mel_scale="htk",
        )
    finally:
        torch.set_default_dtype(default)


class LogMelImage(nn.Module):
    """Audio ``[..., samples]`` in int16 units to 8-bit images ``[..., frames, bands]``.

    The deployed feature with the default configuration. Computed in float64, so that it is
    the reference for the front end in C.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, config: LogMelConfig = DEPLOYED) -> None:
        super().__init__()
        self.config = config
        self._tail = config.fft - config.window
        window = torch.hann_window(config.window, periodic=True, dtype=torch.float64)
        self.register_buffer("window", torch.nn.functional.pad(window, (0, self._tail)))
        filters = mel_filters(config)
        heard = int(filters.any(dim=1).nonzero().max()) + 1
        self.register_buffer("filters", filters[:heard])

    def power(self, audio: Tensor) -> Tensor:
        """Power in each mel band, float64 ``[..., frames, bands]``, in squared int16 units."""
        # The zeros after a frame stand in the window, so that a frame can be cut at the length
        # of the FFT and no copy is made to fill it up; the clip needs as many at its end.
        samples = torch.nn.functional.pad(audio.to(torch.float64), (0, self._tail))
        frames = samples.unfold(-1, self.config.fft, self.config.hop)
        spectrum = torch.fft.rfft(frames * self.window)[..., : len(self.filters)]
        return (spectrum.real.square() + spectrum.imag.square()) @ self.filters

    def forward(self, audio: Tensor) -> Tensor:
        """Images as uint8 ``[..., frames, bands]``."""
        return quantize_power(self.power(audio), self.config)


def quantize_power(power: Tensor, config: LogMelConfig = DEPLOYED) -> Tensor:
    """``clip(round(gain ln(P) + offset), 0, 255)`` as uint8; no power gives 0."""
    level = config.gain * torch.log(power) + config.offset
    return level.round().clamp(0, 255).to(torch.uint8)


def power_of(images: Tensor, config: LogMelConfig = DEPLOYED) -> Tensor:
    """The power, float32, that a pixel stands for; 0 stands for none. Inverse of
    :func:`quantize_power` to within its rounding.
    """
    table = torch.exp((torch.arange(256, dtype=torch.float64) - config.offset) / config.gain)
    table[0] = 0.0
    return table.to(torch.float32)[images.long()]


def logmel_images(audio: NDArray[np.int16], config: LogMelConfig = DEPLOYED) -> NDArray[np.uint8]:
    """8-bit log-mel images of clips.

    Args:
        audio: int16 ``[..., samples]``, at least one window long.
        config: the deployed feature, or ``TRAINING`` for a frame every 10 ms.

    Returns:
        uint8 ``[..., frames, bands]``; ``[..., 49, 40]`` for one second and the defaults.

    Raises:
        InputError: the audio is not int16 or is shorter than a window.
    """
    if audio.dtype != np.int16:
        raise InputError(f"audio is {audio.dtype}, must be int16 samples")
    if audio.shape[-1] < config.window:
        raise InputError(
            f"audio of {audio.shape[-1]} samples is shorter than a window of {config.window}"
        )
    extract = LogMelImage(config)
    clips = torch.from_numpy(np.ascontiguousarray(audio)).reshape(-1, audio.shape[-1])
    frames = (audio.shape[-1] - config.window) // config.hop + 1
    images = torch.empty(len(clips), frames, config.bands, dtype=torch.uint8)
    with one_thread():
        for start in range(0, len(clips), _BATCH):
            images[start : start + _BATCH] = extract(clips[start : start + _BATCH])
    return images.numpy().reshape(*audio.shape[:-1], frames, config.bands)


def mfcc(power: Tensor, coefficients: int = 13) -> Tensor:
    """Mel-frequency cepstral coefficients of mel power, ``[..., frames, coefficients]``.

    An orthonormal DCT-II of ``ln(max(P, 1))`` over the bands (Davis and Mermelstein, 1980);
    the floor of 1 is far below the quietest audible band and keeps the logarithm finite.
    """
    bands = power.shape[-1]
    dct = torchaudio.functional.create_dct(coefficients, bands, "ortho").to(power.dtype)
    return torch.log(power.clamp_min(1.0)) @ dct
