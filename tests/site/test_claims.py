"""Claims: decided by values, shown on the page, and a wrong one stops the build."""

import json
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from kwslib.results.page import CLAIM_MIME
from kwslib.site import claims
from kwslib.site.book import Chapter, as_notebook
from kwslib.site.cache import Run
from kwslib.site.engine import claim_codes
from kwslib.site.execute import ChapterError, ExecutedChapter
from kwslib.site.marks import marks_of

BODY = """\
# Page

[It is more than {eval}`least`.]{.claim #more}

% if there

[Only here: {eval}`missing`.]{.claim #here}

```{code-cell} ipython3
claim("here", "True", over="run")
```

% end if

```{code-cell} ipython3
claim("more", "x > least", over="records")
```
"""


def ok(value):
    return {"status": "ok", "data": {"text/plain": repr(value)}}


def stated(label, condition, over):
    data = {CLAIM_MIME: {"label": label, "condition": condition, "over": over}}
    return nbformat.v4.new_output("display_data", data)


@pytest.fixture
def make(site_head):
    """An executed chapter as the values, parameters and statements want it."""

    def executed(x=3, least=1, there=False, over="records", profile="demo", body=BODY, **changed):
        notebook = as_notebook(site_head + body, Path("page.md"))
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if there and len(code) > 1:
            code[0].outputs = [stated("here", "True", "run")]
        code[-1].outputs = [stated("more", "x > least", over)]
        decision, *parts = claim_codes("x > least")
        values = {
            'f"""{ least}"""': ok(str(least)), "bool(there)": ok(there), "bool(True)": ok(True),
            decision: ok(x > least), parts[0]: ok(f" {x}"), parts[1]: ok(f" {least}"),
        }  # fmt: skip
        given = {"profile": profile, "epochs": 0} | changed
        return ExecutedChapter(
            Chapter("book/page", Path("page.md")), notebook, marks_of(notebook), "key",
            {"profile": "demo", "epochs": 0}, given, Run([], values, 1.0, "2026", "1"), True,
        )  # fmt: skip

    return executed


def test_a_claim_that_holds_is_known_with_its_values(make):
    absent, (claim,) = claims.decide(make())
    assert [block.condition for block in absent] == ["there"]
    assert claim.holds and claim.sentence == "It is more than {eval}`least`."
    assert claim.found == {"x": "3", "least": "1"}


@pytest.mark.parametrize(
    ("over", "profile", "stops"),
    [("records", "demo", True), ("records", "full", True), ("run", "full", True),
     ("run", "demo", False)],
)  # fmt: skip
def test_a_wrong_claim_stops_the_build_where_its_author_spoke_of_these_numbers(
    make, over, profile, stops
):
    executed = make(x=0, over=over, profile=profile)
    if not stops:
        assert not claims.decide(executed)[1][0].holds
        return
    with pytest.raises(ChapterError) as caught:
        claims.decide(executed)
    message = str(caught.value)
    assert message.startswith("page.md:")
    assert "It is more than" in message and "x > least" in message
    assert "x = 0" in message and "least = 1" in message


def test_a_readers_parameters_may_make_it_wrong(make):
    assert not claims.decide(make(x=0, epochs=5))[1][0].holds


def test_a_condition_that_cannot_be_decided_is_named(make):
    executed = make()
    values = {code: value for code, value in executed.run.values.items() if "x > least" not in code}
    broken = replace(executed, run=replace(executed.run, values=values))
    with pytest.raises(ChapterError, match="x > least, cannot be decided"):
        claims.decide(broken)


def test_a_value_that_is_missing_stops_the_build_with_its_line(make):
    executed = make(there=True)
    with pytest.raises(ChapterError, match=r"page.md:\d+: \{eval\}`missing`"):
        claims.decide(executed)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (BODY.replace("]{.claim #more}", "]{.claim #other}"), "marked as claim other|claim more"),
        (BODY.replace("[It is more than {eval}`least`.]{.claim #more}", "text"), "no sentence is"),
    ],
)
def test_a_label_without_its_counterpart_stops_the_build(make, body, message):
    with pytest.raises(ChapterError, match=message):
        claims.decide(make(body=body))


@pytest.mark.parametrize(
    ("condition", "found", "holds"),
    [
        ("x > 1", {"x": "2"}, True),
        ("x > 1", {"x": "0.5"}, False),
        (
            "min(a[n] for n in b) > c and not d",
            {"min((a[n] for n in b))": "3", "c": "2.5", "d": "False"},
            True,
        ),
        ("0 < low(x) < 3 or y", {"low(x)": "3", "y": "False"}, False),
        ("name == 'L1'", {"name": "L1"}, True),
    ],
)
def test_a_condition_is_decided_on_recorded_values(condition, found, holds):
    assert claims.holds_with(condition, found) is holds


def test_a_value_that_is_not_recorded_is_missed():
    with pytest.raises(KeyError):
        claims.holds_with("x > y", {"x": "1"})


def test_what_claims_found_is_recorded(make, tmp_path):
    (tmp_path / "book").mkdir()
    decided = claims.decide(make())[1]
    path = claims.record_claims(tmp_path, {"page": decided, "bare": []}, "speech, today")
    ((label, record),) = json.loads(path.read_text())["claims"]["page"].items()
    assert (label, record["over"]) == ("more", "records")
    assert claims.holds_with(record["condition"], record["found"])
