"""What references of a built site say: numbers of figures, titles of sections, citations."""

from typing import Any, cast

from sphinx.environment import BuildEnvironment

_WORDS = {"figure": "Figure", "table": "Table"}


def number_of(env: BuildEnvironment, name: str) -> str:
    """A figure or table as the text calls it, such as ``"Figure 5.1"``; its name if it has none."""
    standard = cast(Any, env.get_domain("std"))
    page, place, *_ = standard.anonlabels.get(name.lower(), ("", ""))
    for kind, word in _WORDS.items():
        number = env.toc_fignumbers.get(page, {}).get(kind, {}).get(place)
        if number:
            return f"{word} {'.'.join(map(str, number))}"
    return name


def section_title_of(env: BuildEnvironment, name: str) -> str:
    """The title of a section that has a label; the label if there is none."""
    standard = cast(Any, env.get_domain("std"))
    return f"*{standard.labels.get(name.lower(), ('', '', name))[2]}*"


def citations_of(env: BuildEnvironment, keys: str) -> str:
    """Citations by the labels that they have on the site, such as ``"JKC+18"``."""
    cited = {
        each.key: each.formatted_entry.label for each in cast(Any, env.get_domain("cite")).citations
    }
    return ", ".join(cited.get(key.strip(), key.strip()) for key in keys.split(","))
