"""What the verbs share: the ``--json`` flag and the printing of a result."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from kwslib.errors import InputError
from kwslib.files import check_writable
from kwslib.records import code_version


class Output(click.Path):
    """A file to write, or a folder to write into; refused before any work where that would fail."""

    def __init__(self, folder: bool = False) -> None:
        super().__init__(file_okay=not folder, dir_okay=folder, path_type=Path)

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path: Any = super().convert(value, param, ctx)
        check_writable(path, folder=self.dir_okay)
        return path


json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object to standard output."
)
keywords_option: Callable[[Any], Any] = click.option(
    "--keywords",
    default="yes,no",
    show_default=True,
    help="Words to spot, comma-separated; 'ten' is the ten command words.",
)


homophones_option: Callable[[Any], Any] = click.option(
    "--keep-homophones",
    is_flag=True,
    help="Leave words that sound like a keyword among the unknown ones.",
)


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--data DIR``, and ``--verify``, after which the command may trust what is known of it."""

    @wraps(command)
    def verified(*, data: str | None, verify: bool, **options: Any) -> Any:
        if verify and not options.get("download"):  # what is fetched now is read anyway
            verify_data(data)
        return command(data=data, **options)

    for option in (
        verify_option,
        click.option(
            "--data",
            envvar="KWS_DATA",
            metavar="DIR",
            help="Folder of Speech Commands; embedded speech without it. [env: KWS_DATA]",
        ),
    ):
        verified = option(verified)
    return verified


verify_option: Callable[[Any], Any] = click.option(
    "--verify",
    is_flag=True,
    help="Read all of the data, to see whether it is what it was when its sizes and times were.",
)


def verify_data(data: str | None) -> None:
    """Read the data set in a folder anew; whatever is kept under another identity is of no use now.

    Raises:
        InputError: there is no such folder.
    """
    from kwslib.data.dataset import open_source

    if not data:
        raise InputError("--verify: name the data with --data DIR")
    open_source(data).identity(verify=True)


def target_option(help_text: str, required: bool = False) -> Callable[[Any], Any]:
    """``--target T``, where compiled code runs; ``help_text`` comes before the list of targets."""
    return click.option(
        "--target",
        metavar="T",
        required=required,
        help=f"{help_text}host, emulator, serial:PORT or socket://HOST:PORT.",
    )


def check_committed() -> None:
    """Refuse to make a committed record by code that nobody can find again.

    Raises:
        InputError: library or firmware have uncommitted changes.
    """
    if "+" in code_version():
        raise InputError(
            f"--record: this is {code_version()}, library or firmware with uncommitted changes; "
            "commit them first, so that the record names the code that made it"
        )


def show(result: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print ``result`` as JSON, or ``text`` for people."""
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else text)


def few_lines(few: Sequence[str]) -> list[str]:
    """The words with few clips, as :func:`kwslib.evaluation.accuracy.few_clips` has them."""
    return [f"few for a test: {line}" for line in few]


def homophone_lines(
    homophones: Mapping[str, str], fate: str = "left out of _unknown_"
) -> list[str]:
    """A line for each word that sounds like a keyword, with that and what becomes of the word."""
    return [f"{fate}: {word}, which sounds like {keyword}" for word, keyword in homophones.items()]


def note(message: str) -> None:
    """Tell the user something on standard error."""
    click.echo(message, err=True)
