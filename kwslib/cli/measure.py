"""``kws measure``: the committed records, listed, made anew and compared, replaced."""

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from kwslib.cli.output import check_committed, data_option, json_option, note, show
from kwslib.errors import InputError
from kwslib.files import sha256_of_sources, write_beside
from kwslib.folders import cache_folder, lock_folder
from kwslib.records import write_records

if TYPE_CHECKING:
    from kwslib.studies.catalogue import Committed

_LINES = 5


@click.command("measure")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--record", is_flag=True, help="Replace the committed records by those made anew.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes of a sweep; one a core without."
)
@data_option
@json_option
def command(
    names: tuple[str, ...], record: bool, jobs: int | None, data: str | None, as_json: bool
) -> None:
    """List every committed record, the command that makes it, and whether it is current.

    With NAMEs, such as board/tiny_conv-yes_no-emulator or 'board/*', make these anew and compare.
    What an interrupted call finished is kept for the same version of the library. Without --data
    the data of records are not compared.
    """
    from kwslib.studies.catalogue import committed

    if record:
        _check_record(names)
    chosen = committed(names)
    if names:
        for each in chosen:
            each.check(data or "")
    found = [
        (each, _listed(each, data) | (_made(each, record, data, jobs) if names else {}))
        for each in chosen
    ]
    lines = [_text(each, entry) for each, entry in found]
    if not names:
        current = sum(entry["current"] for _, entry in found)
        lines.append(f"{current} of {len(found)} records are current")
    show({"records": [entry for _, entry in found]}, as_json, "\n".join(lines))


def _check_record(names: tuple[str, ...]) -> None:
    if not names:
        raise InputError("--record: name the records to replace; 'kws measure' lists them")
    check_committed()


def _listed(each: "Committed", data: str | None) -> dict[str, Any]:
    from kwslib.studies.currency import outdated

    reasons = outdated(each, data or "")
    return {
        "name": each.name,
        "kind": each.kind.title,
        "command": each.command,
        "made": {
            "when": max(record.when for record in each.records),
            "code": sorted({record.code for record in each.records if record.code}),
        },
        "current": not reasons,
        "reasons": reasons,
    }


def _made(each: "Committed", replace: bool, data: str | None, jobs: int | None) -> dict[str, Any]:
    """Make a record anew in a folder of the cache, compare, and replace it where that is asked."""
    from kwslib.studies.differences import differences

    note(f"{each.name}: making it anew")
    folder = cache_folder("measure", sha256_of_sources()[:16], each.name.replace("/", "-"))
    with lock_folder(folder):
        records = each.make(data or "", folder, jobs)
        found = differences(each.records, records)
        if replace:
            for name in each.files:
                with write_beside(each.path.parent / name) as temporary:
                    shutil.copyfile(folder / name, temporary)
            write_records(each.path, records)
        shutil.rmtree(folder)
    return {"equal": found.equal, "replaced": replace, **asdict(found)}


def _text(each: "Committed", entry: dict[str, Any]) -> str:
    lines = [f"{entry['name']}: {'current' if entry['current'] else 'NOT current'}"]
    lines += [f"  {reason}" for reason in entry["reasons"]]
    if "equal" not in entry:
        made = f"{entry['made']['when'][:10]} by {', '.join(entry['made']['code'])}"
        return "\n".join([*lines, f"  {each.command}, {made}" if each.command else "  published"])
    verdict = "equal" if entry["equal"] else f"{len(entry['lines'])} differences"
    lines.append(f"  {entry['compared']} records made anew: {verdict}")
    if entry["within"] or entry["durations"]:
        lines.append(
            f"  of durations {entry['within']} lie within their interval, and "
            f"{entry['durations']} are not compared (no interval, or another machine)"
        )
    lines += [f"  {line}" for line in entry["lines"][:_LINES]]
    if len(entry["lines"]) > _LINES:
        lines.append(f"  and {len(entry['lines']) - _LINES} more; --json has all")
    return "\n".join([*lines, *(["  replaced"] if entry["replaced"] else [])])
