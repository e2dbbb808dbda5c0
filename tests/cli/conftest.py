"""A data set of tones that the tests of this folder share."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """The root of a small data set in the official layout; do not write into it."""
    from fake_speech import write_official

    return write_official(tmp_path_factory.mktemp("tones"))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks this small gain nothing by a second thread, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
