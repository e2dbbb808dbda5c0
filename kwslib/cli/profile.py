"""``kws profile``: how long each stage of a network takes on a board."""

from pathlib import Path
from typing import Any

import click

from kwslib.cli.output import Output, check_committed, json_option, show, target_option
from kwslib.files import check_writable
from kwslib.records import write_records


@click.command("profile")
@click.argument("model", metavar="MODEL")
@target_option("Profile it there: ", required=True)
@click.option("--out", metavar="FILE", type=Output(), help="Write the record there, .json.")
@click.option(
    "--record", is_flag=True, help="Write it to measurements/board/, where the report finds it."
)
@json_option
def command(model: str, target: str, out: Path | None, record: bool, as_json: bool) -> None:
    """Profile MODEL, a .tflite file or a published network: instructions, cycles, microseconds.

    A board at a serial port must run the very network; 'kws compile --target arduino' makes what it
    is loaded with.
    """
    from kwslib.board.profile import RECORDS, profile_record, record_path
    from kwslib.board.target import check_target
    from kwslib.deploy.predictors import tflite_of

    check_target(target)
    tflite = tflite_of(model)
    written = [out] if out else []
    if record:
        check_committed()
        check_writable(place := record_path(RECORDS, tflite.stem, target))
        written.append(place)
    made = profile_record(tflite, target)
    for path in written:
        write_records(path, [made])
    result: dict[str, Any] = {"model": model, **made.value, "records": [str(p) for p in written]}
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    where = f"{result['model']} on {result['board']}: {result['method']}"
    if result["repetitions"] > 1:
        where += f", medians of {result['repetitions']}"
    lines = [where, f"{'':<28}{'instructions':>14}{'cycles':>12}{'us':>12}"]
    lines += [_row(name, cost) for name, cost in result["stages"].items()]
    lines += [_row(f"  {layer['name']}", layer) for layer in result["layers"]]
    totals = {"a second, 1 inference": "per_second", "20 ms, 1 inference": "per_hop"}
    lines += [_row(name, result[key]) for name, key in totals.items()]
    if result["flash"] is not None:
        lines.append(
            f"flash {result['flash']:,} bytes, RAM {result['ram']:,} bytes and "
            f"{result['stack']:,} of stack"
        )
    return "\n".join([*lines, *(f"written to {path}" for path in result["records"])])


def _row(name: str, cost: dict[str, Any]) -> str:
    cells = (
        "-" if cost[key] is None else f"{cost[key]:,.{digits}f}"
        for key, digits in (("instructions", 0), ("cycles", 0), ("us", 1))
    )
    return "{:<28}{:>14}{:>12}{:>12}".format(name, *cells)
