import kwslib
from kwslib.report import api_page


def test_every_module_of_the_library_has_a_section():
    names = api_page.module_names(kwslib)
    assert {"kwslib.config", "kwslib.features.logmel", "kwslib.report.page"} <= set(names)
    assert not [name for name in names if name.startswith("kwslib.cli")]
    assert ".. automodule:: kwslib.features.logmel" in api_page.markdown()
