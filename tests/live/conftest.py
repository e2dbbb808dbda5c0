"""What the page "Try it" loads, made once."""

import pytest

from kwslib.live.try_page import LivePage


@pytest.fixture(scope="session")
def live():
    return LivePage.prepare()
