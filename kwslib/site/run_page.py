"""The page that tells how a run of the report was made."""

from collections.abc import Iterable

from kwslib.records import code_version, machine_name
from kwslib.site.cache import versions
from kwslib.site.execute import ExecutedChapter
from kwslib.site.parameters import ENGINE_NAMES
from kwslib.site.settings import Settings


def markdown(settings: Settings, chapters: list[ExecutedChapter]) -> str:
    """The facts of a run as MyST Markdown, with a section for each kind."""
    identity = settings.data_identity()
    facts = {
        "Profile": f"`{settings.profile}`",
        "Data": settings.data_name,
        "Identity of the data": f"`{identity[:12]}`" if identity else "none: no folder",
        "Started": _minute(settings.started),
        "Time in chapters": f"{sum(each.run.seconds for each in chapters):.0f} s",
        "Machine": machine_name(),
        "Code": f"kwslib {code_version()}",
    }
    parameters = [
        _parameter(each, name)
        for each in chapters
        for name in each.defaults
        if name not in ENGINE_NAMES
    ]
    parts = [
        "## The run\n",
        _table(("What", "Value"), facts.items()),
        "## Chapters\n",
        _table(("Chapter", "Seconds", "Executed"), map(_execution, chapters)),
        "## Parameters\n",
        _table(("Parameter", "Value", "Default"), parameters),
        "## Versions\n",
        _table(("Package", "Version"), versions().items()),
    ]
    return "\n".join(parts)


def _execution(each: ExecutedChapter) -> tuple[str, str, str]:
    origin = "in this run" if each.fresh else f"kept from {_minute(each.run.when)}: nothing changed"
    return each.chapter.stem, f"{each.run.seconds:.1f}", origin


def _parameter(each: ExecutedChapter, name: str) -> tuple[str, str, str]:
    default, value = each.defaults[name], each.values[name]
    chosen = "as declared" if value == default else f"changed from `{default!r}`"
    return f"`{each.chapter.name}.{name}`", f"`{value!r}`", chosen


def _minute(when: str) -> str:
    """``2026-01-31T12:34:56.789+00:00`` as ``2026-01-31 12:34 UTC``."""
    return f"{when[:16].replace('T', ' ')} UTC"


def _table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)
