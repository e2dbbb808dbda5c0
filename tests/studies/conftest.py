"""Studies that find nothing of an earlier test."""

import pytest

from kwslib.studies import base


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """A cache of the test's own, and nothing remembered by this process."""
    monkeypatch.setenv("KWS_CACHE", str(tmp_path / "cache"))
    for remembering in (base.dataset_of, base._float_network):
        remembering.cache_clear()
