"""A book of two small chapters and an index, to be built in seconds."""

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

TOC = """\
format: jb-book
root: book/index
chapters:
  - file: book/1_sound
  - file: book/2_size
  - file: book/run
  - file: book/references
"""

INDEX = """\
# Small book

What it is: {doc}`1_sound`.
"""

RUN = """\
# Run

```{kws-run}
```
"""

REFERENCES = """\
# References

```{bibliography}
```
"""

BIBLIOGRAPHY = "@book{book, author={A. Writer}, title={A book}, publisher={P}, year={1999}}"

HEAD = """\
---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""

SOUND = (
    HEAD
    + """\
# Sound

The loudness is {eval}`loudness`. [It is above zero.]{.claim #above-zero} It grows {cite:p}`book`.

| what | value |
| --- | --- |
| loudness | {eval}`loudness` |

```{code-cell} ipython3
:tags: [parameters]

profile = "demo"
data = ""
level = 3        # a whole number
gain = 0.5
loud = True
words = "yes,no"
```

```{code-cell} ipython3
import altair as alt

from kwslib.errors import InputError
from kwslib.results import page
from kwslib.results.provenance import resting_on

if words == "fail":
    # what follows is meant to fail
    raise ZeroDivisionError("by design")
if words == "bad":
    raise InputError("there is no such word")
loudness = f"{level * gain:g} dB"
if level > 5:
    loud_by = level - 5
bar = resting_on(
    alt.Chart(alt.Data(values=[{"x": 1, "y": 2}])).mark_bar().encode(x="x:Q", y="y:Q"),
    data="made up",
).properties(description="A bar")
page.claim("above-zero", "level * gain > 0", over="records")
```

% if level > 5

A loud page: {eval}`level` and {eval}`1 / loud_by:.2f`, see {numref}`fig-bar` and {numref}`tab-bar`.

```{code-cell} ipython3
---
tags: [remove-input]
mystnb:
  figure:
    name: fig-bar
    caption: |
      A bar of {eval}`level`.
  image:
    alt: One bar
---
if level > 5:
    display(bar)
```

```{code-cell} ipython3
---
tags: [remove-input]
kws: {kind: table}
mystnb:
  figure:
    name: tab-bar
    caption: |
      The same as a table.
  image:
    alt: One row
---
if level > 5:
    display(page.table([{"level": level}], method="computed"))
```

% end if
"""
)

SIZE = (
    HEAD
    + """\
# Size

The answer is {eval}`answer`, the working folder holds the book: {eval}`holds_the_book`.

```{code-cell} ipython3
:tags: [parameters]

profile = "demo"
data = ""
```

```{code-cell} ipython3
answer = 42
holds_the_book = __import__("os").path.exists("_toc.yml")
```
"""
)


def write_book(root: Path) -> Path:
    (root / "book").mkdir()
    shutil.copytree(REPOSITORY / "book" / "_static", root / "book" / "_static")
    config = (REPOSITORY / "_config.yml").read_text(encoding="utf-8")
    (root / "_config.yml").write_text(config, encoding="utf-8")
    texts = {"index": INDEX, "1_sound": SOUND, "2_size": SIZE, "run": RUN, "references": REFERENCES}
    for name, text in texts.items():
        (root / "book" / f"{name}.md").write_text(text, encoding="utf-8")
    (root / "book" / "references.bib").write_text(BIBLIOGRAPHY, encoding="utf-8")
    (root / "_toc.yml").write_text(TOC, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def make_book():
    return write_book


@pytest.fixture(scope="session")
def site_head():
    """What a notebook in MyST Markdown begins with."""
    return HEAD


@pytest.fixture
def root(tmp_path):
    return write_book(tmp_path)
