"""Augmentation of log-mel images: a random time shift and background noise, as of their sound.

A pixel of a log-mel image is a logarithm of power, so noise is mixed into an image by adding
powers (the cross terms of the two spectra, zero on average, are neglected) and a time shift
moves rows. Randomness comes from a ``torch.Generator``; batches are varied at once.

Images can be varied further: louder or softer, said faster or slower, by a longer or shorter vocal
tract, and with a stretch of time or a range of bands masked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from kwslib.config import SAMPLE_RATE, TRAINING
from kwslib.data.source import Source
from kwslib.data.task import Split
from kwslib.features.logmel import LogMelImage, power_of, quantize_power

_ROWS = TRAINING.frames
_EQUALIZER_BANDS = 5
_ROW_MS = 1000 * TRAINING.hop // SAMPLE_RATE


@dataclass(frozen=True)
class Augmentation:
    """How clips are varied in training.

    Every factor is uniform between its ends, a clip's own.

    Attributes:
        shift_ms: the largest shift, earlier or later, in milliseconds; zeros move in.
        noise_probability: share of the clips that noise is mixed into.
        noise_volume: the largest factor on the noise recording's samples; a clip's factor is
            uniform from 0. Used where ``noise_snr_db`` is None.
        noise_snr_db: lowest and highest signal-to-noise ratio; a clip's is uniform in decibels.
            A clip without any power takes no noise.
        gain_db: a clip is made louder or softer by at most so much, before noise is mixed in.
        equalizer_db: bands are made louder or softer by at most so much, as by another microphone
            and room; the noise likewise, by itself.
        time_stretch: a clip is said slower or faster by at most this share, its middle in place.
        mel_warp: the bands are stretched or squeezed by at most this share, as a shorter or longer
            vocal tract does (Jaitly and Hinton, ICML 2013).
        time_mask_ms: the longest stretch of time that is masked, with the mean of the image
            (SpecAugment: Park et al., arXiv:1904.08779).
        band_mask: the most bands side by side that are masked, likewise.
    """

    shift_ms: int = 100
    noise_probability: float = 0.8
    noise_volume: float = 0.1
    noise_snr_db: tuple[float, float] | None = None
    gain_db: float = 0.0
    equalizer_db: float = 0.0
    time_stretch: float = 0.0
    mel_warp: float = 0.0
    time_mask_ms: int = 0
    band_mask: int = 0


def noise_recordings(source: Source, split: Split = "training") -> dict[str, NDArray[np.int16]]:
    """The part of each noise recording that belongs to ``split``."""
    start, end = source.regions[split]
    return {
        name: samples[int(start * len(samples)) : int(end * len(samples))]
        for name, samples in source.noise().items()
    }


class _Noise:
    """Noise recordings joined end to end, with the places where a crop may start."""

    def __init__(self, recordings: list[Tensor], crop: int) -> None:
        self.joined = torch.cat(recordings)
        lengths = [len(recording) for recording in recordings]
        starts = [
            torch.arange(offset, offset + max(length - crop + 1, 0))
            for length, offset in zip(lengths, accumulate(lengths, initial=0), strict=False)
        ]
        self._starts = torch.cat(starts)
        self._crop = torch.arange(crop)

    def crops(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` random crops, none across two recordings: ``[count, crop, ...]``."""
        chosen = torch.randint(len(self._starts), (count,), generator=generator)
        return self.joined[self._starts[chosen][:, None] + self._crop]


def _amplitudes(
    signal: Tensor, noise: Tensor, augmentation: Augmentation, generator: torch.Generator
) -> Tensor:
    """The factor on each clip's noise amplitude, ``[n]``, from the mean powers of both."""
    count = len(signal)
    uniform = torch.rand(count, generator=generator)
    if augmentation.noise_snr_db is None:
        factor = uniform * augmentation.noise_volume
    else:
        low, high = augmentation.noise_snr_db
        ratio = 10 ** ((low + uniform * (high - low)) / 10)
        factor = torch.sqrt(signal / noise.clamp_min(1e-12) / ratio)
    chosen = torch.rand(count, generator=generator) < augmentation.noise_probability
    return factor * chosen


def _between(most: float, count: int, generator: torch.Generator) -> Tensor:
    """``count`` numbers from ``-most`` to ``most``."""
    return (2 * torch.rand(count, generator=generator) - 1) * most


def _stretched(images: Tensor, shifts: Tensor, rates: Tensor) -> Tensor:
    """Every second row of images whose rows go by at ``rates`` times the speed.

    The middle of an image, moved by its shift (positive: later), stays where it is; the row nearest
    in time is taken, and zeros move in.
    """
    rows = images.shape[1]
    middle = (rows - 1) / 2
    times = torch.arange(0, rows, 2) - shifts[:, None]
    source = ((times - middle) * rates[:, None] + middle).round().long()
    inside = (source >= 0) & (source < rows)
    taken = images[torch.arange(len(images))[:, None], source.clamp(0, rows - 1)]
    return taken * inside[..., None]


def _warped(power: Tensor, factors: Tensor) -> Tensor:
    """Power ``[n, rows, bands]`` whose band ``b`` is read at band ``b * factor``, between two
    bands in proportion; beyond the last band, that one.
    """
    bands = torch.arange(power.shape[2])
    places = (bands * factors[:, None]).clamp(max=len(bands) - 1)  # [n, bands]
    shares = (1 - (places[:, None] - bands[:, None]).abs()).clamp_min(0)  # [n, read, written]
    return power @ shares


def _equalized(power: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Power ``[n, rows, bands]`` times gains of at most so many decibels either way, a clip's own:
    those of a few bands are drawn, and between these lie lines.
    """
    count, _, bands = power.shape
    drawn = _between(most, count * _EQUALIZER_BANDS, generator).reshape(count, 1, -1)
    decibels = F.interpolate(drawn, bands, mode="linear", align_corners=True)
    return power * 10 ** (decibels / 10)


def _spans(count: int, length: int, most: int, generator: torch.Generator) -> Tensor:
    """A span of 0 to ``most`` places anywhere along ``length``: True there, ``[count, length]``."""
    sizes = torch.randint(0, most + 1, (count, 1), generator=generator)
    starts = (torch.rand(count, 1, generator=generator) * (length - sizes + 1)).long()
    places = torch.arange(length)
    return (places >= starts) & (places < starts + sizes)


class ImageAugmenter:
    """Augments batches of 8-bit log-mel images."""

    def __init__(self, noise: Mapping[str, NDArray[np.int16]], augmentation: Augmentation) -> None:
        """Prepare the noise recordings (int16, at least a second each) as mel power."""
        self.augmentation = augmentation
        power = LogMelImage(TRAINING).power
        recordings = [power(torch.from_numpy(noise[name])).float() for name in sorted(noise)]
        self._noise = _Noise(recordings, _ROWS)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Varied images.

        Args:
            images: uint8 ``[n, 98, 40]``, a row every 10 ms.
            generator: the source of randomness.

        Returns:
            The deployed rows, uint8 ``[n, 49, 40]``.
        """
        settings, count = self.augmentation, len(images)
        power = power_of(self._moved(images, generator))
        if settings.mel_warp:
            power = _warped(power, 1 + _between(settings.mel_warp, count, generator))
        if settings.gain_db:
            gain = 10 ** (_between(settings.gain_db, count, generator) / 10)
            power = power * gain[:, None, None]
        noise = self._noise.crops(count, generator)[:, ::2]
        if settings.equalizer_db:
            power = _equalized(power, settings.equalizer_db, generator)
            noise = _equalized(noise, settings.equalizer_db, generator)
        factor = _amplitudes(power.mean(dim=(1, 2)), noise.mean(dim=(1, 2)), settings, generator)
        varied = quantize_power(power + factor.square()[:, None, None] * noise)
        return self._masked(varied, generator)

    def _moved(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The deployed rows of shifted and stretched images, uint8 ``[n, 49, 40]``."""
        rows = self.augmentation.shift_ms // _ROW_MS
        shifts = torch.randint(-rows, rows + 1, (len(images),), generator=generator)
        rates = torch.ones(len(images))
        if self.augmentation.time_stretch:
            rates += _between(self.augmentation.time_stretch, len(images), generator)
        return _stretched(images, shifts, rates)

    def _masked(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Deployed images with a stretch of time and a range of bands at the image's mean."""
        rows = self.augmentation.time_mask_ms // (2 * _ROW_MS)
        for axis, most in ((1, rows), (2, self.augmentation.band_mask)):
            if most:
                mean = images.float().mean(dim=(1, 2), keepdim=True).to(torch.uint8)
                hidden = _spans(len(images), images.shape[axis], most, generator)
                images = torch.where(hidden.unsqueeze(3 - axis), mean, images)
        return images
