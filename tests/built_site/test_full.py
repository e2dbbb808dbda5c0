"""The full report from committed records; ``make test-long`` builds it, ``KWS_SITE`` names it."""

import pytest

from kwslib.site.link_check import broken_inside

pytestmark = pytest.mark.long


def test_the_site_is_of_the_full_profile_without_data(open_page):
    page = open_page("book/run", java_script_enabled=False)
    rows = page.locator("table").first.locator("tbody tr").all()
    facts = dict(row.locator("td").all_inner_texts() for row in rows)
    assert (facts["Profile"], facts["Identity of the data"]) == ("full", "none: no folder")


def test_every_link_within_the_site_leads_somewhere(site):
    assert broken_inside(site) == []
