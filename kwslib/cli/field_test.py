"""``kws field-test``: how well a network works in use."""

from pathlib import Path
from typing import Any, Literal

import click

from kwslib.board.client import default_streaming
from kwslib.cli.output import Output, json_option, note, show, target_option
from kwslib.data.homophones import keeps_homophones
from kwslib.errors import InputError
from kwslib.field.imported import Expected, import_trials
from kwslib.field.session import FieldTest
from kwslib.field.trials import Book
from kwslib.network.reader import read_graph

_TRIALS = 10


@click.command("field-test")
@click.argument("model", metavar="MODEL")
@target_option("What runs the network, host by default: ")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=Output(),
    help="Trials, written after each; a test that was interrupted goes on.",
)
@click.option("--words", metavar="WORDS", help="Comma-separated; all keywords without it.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help=f"Of each word; {_TRIALS} without it, or all recordings.",
)
@click.option(
    "--microphone",
    type=click.Choice(["computer", "board"]),
    help="What listens to you; the computer's by default.",
)
@click.option(
    "--recordings",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Play these instead: a subfolder a word; in _none_ sounds, in _unknown_ other words.",
)
@click.option("--name", default="", help="Who speaks, for the record.")
@click.option(
    "--import",
    "saved",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Count these trials instead, which the page 'Try it' of the report saved.",
)
@json_option
def command(
    model: str,
    target: str | None,
    out: Path,
    words: str | None,
    trials: int | None,
    microphone: Literal["computer", "board"] | None,
    recordings: Path | None,
    name: str,
    saved: Path | None,
    as_json: bool,
) -> None:
    """Say words to MODEL, or play recordings, and count what it detects.

    Trials made in the browser, on the report's page 'Try it', are counted with --import.

    MODEL is a .tflite file or the name of a published network. It hears a stream, as it does in
    use; a word succeeds if it is the first that is detected from its beginning to 1.5 s after its
    end.
    """
    from kwslib.board.target import open_board
    from kwslib.deploy.predictors import tflite_of
    from kwslib.field.outcomes import summary

    if saved is None:
        _check_options(target or "host", microphone, recordings)
    elif any((target, words, trials, microphone, recordings, name)):
        raise InputError(
            "--import: the file tells who spoke, which words and to what; give --out alone with it"
        )
    path = tflite_of(model)
    graph = read_graph(path)
    if saved is not None:
        book = import_trials(saved, Expected(path.stem, graph.sha256, graph.labels), out)
    else:
        with open_board(target or "host", graph, model) as board:
            streaming = default_streaming(len(board.labels))
            kept = keeps_homophones(graph.facts.get("training"))
            test = FieldTest(board, path.stem, target or "host", name, out, streaming, kept)
            book = _tested(test, words or "", trials, microphone, recordings)
    result = {
        "model": model,
        "target": book.sitting.target,
        "labels": list(book.sitting.subject["labels"]),
        "data": book.sitting.data["name"],
        "out": str(book.path),
        **summary(book.trials),
    }
    show(result, as_json, _text(result))


def _tested(
    test: FieldTest,
    words: str,
    trials: int | None,
    microphone: Literal["computer", "board"] | None,
    recordings: Path | None,
) -> Book:
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    if recordings is not None:
        return test.play(recordings, wanted, trials, note)
    return test.converse(wanted, trials or _TRIALS, microphone or "computer", _ask, note)


def _check_options(target: str, microphone: str | None, recordings: Path | None) -> None:
    from kwslib.board.target import check_target

    check_target(target)
    if recordings is not None and microphone is not None:
        raise InputError("--microphone and --recordings: give one of them, not both")
    if microphone == "board" and target in ("host", "emulator"):
        raise InputError(
            f"--microphone board: {target} has none; give --target serial:PORT, "
            "or --microphone computer"
        )


def _ask(question: str) -> str:
    """Ask on standard error, where ``--json`` does not print."""
    return click.prompt(question, default="", show_default=False, err=True)


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['model']} on {result['target']}, {result['data']}: {result['out']}"]
    for word, score in result["words"].items():
        missed = f", missed {score['missed']}" if score["missed"] else ""
        wrong = "".join(f", taken for {a} {n}" for a, n in score["taken_for"].items())
        lines.append(f"{word}: {_share(score, 'successes')}{missed}{wrong}")
    for name, key in (("other words", "other_words"), ("sounds", "sounds")):
        if score := result[key]:
            lines.append(f"{name}: something detected in {_share(score, 'false_accepts')}")
    return "\n".join(lines)


def _share(score: dict[str, Any], outcome: str) -> str:
    low, high = score["interval"]
    return (
        f"{score[outcome]} of {score['trials']} "
        f"({score['share']:.1%}, 95 % interval {low:.1%} to {high:.1%})"
    )
