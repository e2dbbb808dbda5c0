"""torchaudio imports, and its transforms compute, whether or not its extension loads."""

import subprocess
import sys

import numpy as np
import torch

from kwslib.features.torchaudio_cpu import torchaudio

BROKEN = """
import importlib.abc, sys
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchaudio._extension":
            raise OSError("libcudart.so.13: cannot open shared object file")
sys.meta_path.insert(0, Broken())
from kwslib.features.torchaudio_cpu import torchaudio
import torch
print(torchaudio.transforms.Spectrogram(n_fft=64)(torch.zeros(1000)).shape[0])
"""


def test_transforms_compute():
    samples = np.random.default_rng(0).normal(size=512)
    power = torchaudio.transforms.Spectrogram(
        n_fft=512, center=False, window_fn=torch.ones, power=2.0
    )(torch.from_numpy(samples))
    np.testing.assert_allclose(power[:, 0].numpy(), np.abs(np.fft.rfft(samples)) ** 2, rtol=1e-9)


def test_the_data_set_class_is_there():
    assert torchaudio.datasets.SPEECHCOMMANDS.__name__ == "SPEECHCOMMANDS"


def test_an_extension_that_does_not_load_is_replaced():
    run = subprocess.run([sys.executable, "-c", BROKEN], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "33"), run.stderr
