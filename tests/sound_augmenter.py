"""The augmentation of images, of the sound itself: what the images are compared with."""

import torch

from kwslib.config import CLIP_SAMPLES, SAMPLE_RATE
from kwslib.data.augment import _amplitudes, _Noise


def _shifted(clips, shifts):
    """Each clip moved by its shift (positive: later), zeros moving in."""
    moved = torch.zeros_like(clips)
    for clip, to, shift in zip(clips, moved, shifts.tolist(), strict=True):
        later, earlier = max(shift, 0), max(-shift, 0)
        to[later : len(to) - earlier] = clip[earlier : len(clip) - later]
    return moved


class SoundAugmenter:
    """Augments batches of sound."""

    def __init__(self, noise, augmentation):
        """Take the noise recordings (int16, at least a second each)."""
        self.augmentation = augmentation
        recordings = [torch.from_numpy(noise[name]) for name in sorted(noise)]
        self._noise = _Noise(recordings, CLIP_SAMPLES)

    def __call__(self, clips, generator):
        """Varied clips, int16 ``[n, 16000]`` to int16 ``[n, 16000]``; loud ones saturate."""
        largest = self.augmentation.shift_ms * SAMPLE_RATE // 1000
        shifts = torch.randint(-largest, largest + 1, (len(clips),), generator=generator)
        moved = _shifted(clips, shifts).float()
        noise = self._noise.crops(len(clips), generator).float()
        factor = _amplitudes(
            moved.square().mean(dim=1), noise.square().mean(dim=1), self.augmentation, generator
        )
        mixed = moved + factor[:, None] * noise
        limits = torch.iinfo(torch.int16)
        return mixed.round().clamp(limits.min, limits.max).to(torch.int16)
