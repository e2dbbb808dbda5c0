"""``python -m kwslib.studies.bench [NAME ...]``: run all or the named benchmarks and print them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from kwslib.records import code_version, machine_name
from kwslib.studies.bench.core import core, sparsity
from kwslib.studies.bench.hour import hour
from kwslib.studies.bench.speed import Row, features, training

BENCHMARKS = {each.__name__: each for each in (core, features, hour, sparsity, training)}


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(names: tuple[str, ...], as_json: bool) -> None:
    """Time the stages on this machine."""
    for name in names:
        if name not in BENCHMARKS:
            raise click.UsageError(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    results = {}
    for name in names or BENCHMARKS:
        click.echo(f"{name} ...", err=True)
        results[name] = BENCHMARKS[name]()
    click.echo(_as_json(results) if as_json else _as_text(results))


def _as_json(results: dict[str, Sequence[Row]]) -> str:
    rows = {name: [asdict(row) for row in found] for name, found in results.items()}
    return json.dumps({"machine": machine_name(), "code": code_version(), "benchmarks": rows})


def _as_text(results: dict[str, Sequence[Row]]) -> str:
    lines = [f"{machine_name()}, kwslib {code_version()}"]
    for name, rows in results.items():
        lines.append(f"\n{name}")
        lines.extend(
            f"  {row.what:<42} {_figure(row.value):>10} {row.unit:<8} {row.how}" for row in rows
        )
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.4g}"


if __name__ == "__main__":
    main()
