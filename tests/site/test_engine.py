"""Papermill with the project's engine, as a reader may start it too."""

import papermill
import pytest

from kwslib.site import engine, execute
from kwslib.site.book import as_notebook

BODY = """\
# Page

A {eval}`x:.1f`, a {eval}`d["a"]` and what fails: {eval}`nowhere`.

% if x > 2

more

% end if

```{code-cell} ipython3
from kwslib.results.page import claim

x = 2.25
d = {"a": "b"}
claim("one", "x > 1 and len(d) < 1", over="run")
```
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory, site_head):
    assert execute.NAME == engine.NAME  # registered with papermill
    path = tmp_path_factory.mktemp("engine") / "page.md"
    return papermill.execute_notebook(
        as_notebook(site_head + BODY, path), None, engine_name=engine.NAME,
        kernel_name="python3", language="python", progress_bar=False,
    )  # fmt: skip


def value(executed, code):
    return engine.value_of(engine.values_in(executed), code)


def test_the_text_has_its_values_after_the_last_cell(executed):
    assert value(executed, 'f"""{ x:.1f}"""') == "2.2"
    assert value(executed, 'f"""{ d["a"]}"""') == "b"
    assert value(executed, "bool(x > 2)") is True


def test_an_expression_that_fails_says_why_when_it_is_asked_for(executed):
    with pytest.raises(engine.ValueMissingError, match="NameError: name 'nowhere'"):
        value(executed, 'f"""{ nowhere}"""')
    with pytest.raises(engine.ValueMissingError, match="was not evaluated"):
        value(executed, "other")


def test_a_claim_is_evaluated_with_its_operands(executed):
    (claim,) = (each for cell in executed.cells for each in engine.claims_in(cell))
    assert claim == {"label": "one", "condition": "x > 1 and len(d) < 1", "over": "run"}
    decision, *parts = engine.claim_codes(claim["condition"])
    assert value(executed, decision) is False
    assert [value(executed, part).strip() for part in parts] == ["2.25", "1"]
