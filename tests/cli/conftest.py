"""A data set of tones that the tests of this folder share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """The root of a small data set in the official layout; do not write into it."""
    from fake_speech import write_official

    return write_official(tmp_path_factory.mktemp("tones"))
