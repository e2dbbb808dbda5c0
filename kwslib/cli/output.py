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


def show(result: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print ``result`` as JSON, or ``text`` for people."""
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else text)


def note(message: str) -> None:
    """Tell the user something on standard error."""
    click.echo(message, err=True)
