"""Where a network runs: names of targets, and the board that each stands for."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Board
from kwslib.board.emulator import Emulator
from kwslib.board.transport import EmulatorLink, HostLink, SerialLink
from kwslib.deploy.compile import compile_network, spots_keywords
from kwslib.errors import InputError, check
from kwslib.evaluation.accuracy import Predict
from kwslib.network.graph import Graph

TARGETS = "host, emulator, serial:PORT or socket://HOST:PORT"
"""What a target may be: this machine, the emulated board, or a board at the end of a link."""

_SERIAL, _SOCKET = "serial:", "socket://"


def check_target(target: str) -> None:
    """Refuse what is no target, before anything long begins.

    Raises:
        InputError: no such target.
    """
    named = target.startswith((_SERIAL, _SOCKET)) and target not in (_SERIAL, _SOCKET)
    check(f"target {target!r}", named or target in ("host", "emulator"), TARGETS)


@contextmanager
def open_board(target: str, graph: Graph, model: str) -> Iterator[Board]:
    """A board that runs a network: built here for ``host`` and ``emulator``, and otherwise found
    at the end of its link and asked whether it runs that very network.

    Args:
        target: one of :data:`TARGETS`.
        graph: the network.
        model: what messages call it.

    Raises:
        InputError: no such target, or the network cannot run on a board.
        BoardError: no board answers, or it runs another network.
    """
    check_target(target)
    if not spots_keywords(graph):
        raise InputError(
            f"{model}: takes no image of 49 x 40 or does not name its labels; "
            "'kws convert' makes networks for the board"
        )
    with (
        tempfile.TemporaryDirectory(prefix="kws-board-") as folder,
        _board(target, graph, Path(folder), model) as board,
    ):
        board.require(graph.sha256, model)
        yield board


def _board(target: str, graph: Graph, folder: Path, model: str) -> Board:
    if target == "host":
        program = compile_network(graph, "host", folder, model=model).program
        return Board(HostLink(program), target)
    if target == "emulator":
        program = compile_network(graph, "emulator", folder, model=model).program
        return Board(EmulatorLink(Emulator(program)), target)
    return Board(SerialLink(target.removeprefix(_SERIAL)), target)


def board_predictor(board: Board) -> Predict:
    """Scores that a board gives, int8 ``[n, labels]``, to images that are sent to it."""

    def predict(images: NDArray[np.uint8]) -> NDArray[np.int8]:
        return np.stack([board.infer(image) for image in images])

    return predict
