"""The command group: finds verbs lazily and turns mistakes into one line and exit code 2."""

import importlib
import os
import sys
from io import TextIOWrapper
from typing import Any

import click

from kwslib import __version__
from kwslib.errors import InputError, told_by_system
from kwslib.folders import home_folder
from kwslib.interrupt import enable_interrupt

_VERBS = {
    "data": "Summarise a task's labels, splits, speakers and hours.",
    "features": "Turn a clip into the image that a network sees.",
    "train": "Train a network on a task.",
    "evaluate": "Score a network on a split.",
    "cost": "Count parameters, operations, flash and RAM of a network.",
    "convert": "Turn a checkpoint into a full-int8 .tflite file.",
    "quantize": "Quantize a checkpoint to few bits, after training or within it.",
    "prune": "Remove weights or channels of a checkpoint, and train it on.",
    "compile": "Turn a .tflite file into C and build it for a target.",
    "profile": "Count or time the stages of a network on a board.",
    "field-test": "Say words, or play recordings, and count what is detected.",
    "stream": "Listen to hours of sound: misses, false accepts, latency.",
    "measure": "List the committed records; make them anew and compare.",
    "report": "Run the chapters and build the site.",
}


class _Verbs(click.Group):
    """Loads a verb's module when the verb is asked for, so that ``kws --help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        return importlib.import_module(f"kwslib.cli.{cmd_name.replace('-', '_')}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
)
@click.version_option(__version__, prog_name="kws")
def group() -> None:
    """Keyword spotting on a microcontroller, from sound to board."""


def main(arguments: list[str] | None = None) -> None:
    """Run ``kws``; exit code 0, or 2 for bad input, or 130 when interrupted."""
    enable_interrupt()
    _prepare_streams()
    sys.exit(_run(arguments))


def _prepare_streams() -> None:
    """Let no file take the number of a stream that the shell closed, as ``2>&-`` does, and print
    names of files that are no UTF-8 as JSON has them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(arguments: list[str] | None) -> int:
    try:
        home_folder()
        result: Any = group.main(arguments, prog_name="kws", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except InputError as error:
        return _fail(str(error))
    except BrokenPipeError:  # who read the output has ended, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        return _fail(told_by_system(error))
    except click.Abort:
        click.echo("kws: interrupted; what was finished is kept", err=True)
        return 130
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        name = context.command_path if context else "kws"
        return _fail(f"{error.format_message()} (see '{name} --help')")


def _fail(message: str) -> int:
    click.echo(f"kws: {message}", err=True)
    return 2
