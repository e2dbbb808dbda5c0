"""What the verbs share: the ``--json`` flag and the printing of a result."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object to standard output."
)
data_option: Callable[[Any], Any] = click.option(
    "--data",
    envvar="KWS_DATA",
    metavar="DIR",
    help="Folder of Speech Commands; embedded speech without it. [env: KWS_DATA]",
)
keywords_option: Callable[[Any], Any] = click.option(
    "--keywords",
    default="yes,no",
    show_default=True,
    help="Words to spot, comma-separated; 'ten' is the ten command words.",
)


def target_option(help_text: str, required: bool = False) -> Callable[[Any], Any]:
    """``--target T``, where compiled code runs; ``help_text`` comes before the list of targets."""
    return click.option(
        "--target",
        metavar="T",
        required=required,
        help=f"{help_text}host, emulator, serial:PORT or socket://HOST:PORT.",
    )


def show(result: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print ``result`` as JSON, or ``text`` for people."""
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else text)


def note(message: str) -> None:
    """Tell the user something on standard error."""
    click.echo(message, err=True)
