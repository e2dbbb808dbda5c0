"""``kws cost``: what a network needs before it is put on a board."""

from typing import Any

import click

from kwslib.cli.output import json_option, show
from kwslib.data.task import Task


@click.command(name="cost")
@click.argument("model", metavar="MODEL")
@click.option(
    "--keywords",
    metavar="WORDS",
    help="Keywords of a network from the registry, yes,no by default; a checkpoint has its own.",
)
@json_option
def command(model: str, keywords: str | None, as_json: bool) -> None:
    """Count parameters, operations, flash and RAM of MODEL, layer by layer.

    MODEL is the name of a network or a checkpoint.
    """
    from kwslib.cost import cost_of
    from kwslib.models.checkpoint import resolve, task_of

    wanted = Task.of(keywords) if keywords is not None else Task()
    network, info = resolve(model, wanted.labels)
    if keywords is not None and info.labels != wanted.labels:
        task_of(model, info, wanted)
    facts = {"model": model, "network": info.model, "labels": list(info.labels)}
    result = facts | cost_of(network).as_dict()
    show(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    """The result as a table of layers and a table of the board's budget."""
    layers = [
        [
            each["name"],
            each["kind"],
            "x".join(map(str, each["output_shape"])),
            *(f"{each[key]:,}" for key in ("parameters", "macs", "flops")),
        ]
        for each in result["layers"]
    ]
    total = ["total", "", "", *(f"{result[key]:,}" for key in ("parameters", "macs", "flops"))]
    head = ["layer", "kind", "output", "parameters", "MACs", "FLOPs"]
    budget = [
        [
            name,
            *(f"{result[key][each]:,}" for each in ("float32", "int8")),
            *(f"{result[key][each] / available:.2%}" for each in ("float32", "int8")),
        ]
        for name, key, available in (
            ("flash", "flash", result["board"]["flash"]),
            ("RAM, peak of live activations", "ram", result["board"]["ram"]),
            ("RAM, input and output alone", "ram_input_output", result["board"]["ram"]),
        )
    ]
    budget_head = ["bytes", "float32", "int8", "of board", "of board"]
    title = f"{result['model']}, {len(result['labels'])} labels, batch 1"
    board = f"{result['board']['name']}, {result['board']['processor']}"
    tables = _table([head, *layers, total], 3), _table([budget_head, *budget], 1)
    return f"{title}\n\n{tables[0]}\n\n{board}\n\n{tables[1]}"


def _table(rows: list[list[str]], texts: int) -> str:
    """Rows in columns: the first ``texts`` to the left, the others, numbers, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i < texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
