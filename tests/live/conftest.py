"""Browsers for the page "Try it": they are closed after each module, see tests/browsers.py."""

import browsers
import pytest

from kwslib.live.page import LivePage


@pytest.fixture(scope="module")
def driver():
    with browsers.driver() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(driver):
    browser = browsers.launch(driver)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def live():
    return LivePage.prepare()
