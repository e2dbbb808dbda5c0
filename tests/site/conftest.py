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
"""

INDEX = """\
# Small book

Loudness is {glue:text}`sound.loudness`, the answer {glue:text}`size.answer`.
"""

RUN = """\
# Run

```{kws-run}
```
"""

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

The loudness is {glue:text}`loudness`.

| what | value |
| --- | --- |
| loudness | {glue:text}`loudness` |

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

if words == "fail":
    # what follows is meant to fail
    raise ZeroDivisionError("by design")
if words == "bad":
    raise InputError("there is no such word")
page.numbers(loudness=f"{level * gain:g} dB")
```

```{code-cell} ipython3
:tags: [picture]

alt.Chart(alt.Data(values=[{"x": 1, "y": 2}])).mark_bar().encode(x="x:Q", y="y:Q").properties(
    description="A bar"
)
```
"""
)

SIZE = (
    HEAD
    + """\
# Size

```{code-cell} ipython3
:tags: [parameters]

profile = "demo"
data = ""
```

```{code-cell} ipython3
from kwslib.results import page

page.numbers(answer=42)
print("working folder holds the book:", __import__("os").path.exists("_toc.yml"))
```
"""
)


def write_book(root: Path) -> Path:
    (root / "book").mkdir()
    shutil.copytree(REPOSITORY / "book" / "_static", root / "book" / "_static")
    config = (REPOSITORY / "_config.yml").read_text(encoding="utf-8")
    (root / "_config.yml").write_text(config, encoding="utf-8")
    texts = {"index": INDEX, "1_sound": SOUND, "2_size": SIZE, "run": RUN}
    for name, text in texts.items():
        (root / "book" / f"{name}.md").write_text(text, encoding="utf-8")
    (root / "book" / "references.bib").touch()
    (root / "_toc.yml").write_text(TOC, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def make_book():
    return write_book


@pytest.fixture
def root(tmp_path):
    return write_book(tmp_path)
