"""Boards at the end of real links: a terminal, as a serial port is one, and a socket."""

import os
import socket

import numpy as np
import pytest
from devices import at_a_socket, at_a_terminal, host_board, noise

from kwslib.board.client import Board
from kwslib.board.links import BoardError, SerialLink


@pytest.mark.parametrize("place", [at_a_terminal, at_a_socket])
def test_all_that_a_board_does(place, tmp_path):
    clip = noise(1, 16000)
    with host_board(tmp_path) as device:
        image = device.features(clip)
        scores = device.infer(image)
        with place(device) as port, Board(SerialLink(port), port) as board:
            assert board.info == device.info
            np.testing.assert_array_equal(board.features(clip), image)
            np.testing.assert_array_equal(board.infer(image), scores)
            board.stream()
            board.hear(noise(2, 50_000))
            assert board.stop().frames == (50_000 - 480) // 320 + 1


def test_a_socket_that_is_closed_midway(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        board = Board(SerialLink(f"socket://127.0.0.1:{server.getsockname()[1]}"), "it", 0.2)
        server.accept()[0].close()
        with board, pytest.raises(BoardError, match="the board is gone"):
            for _ in range(3):
                board.stop()


def test_a_terminal_where_nobody_answers():
    _, theirs = os.openpty()
    board = Board(SerialLink(os.ttyname(theirs)), "it", 0.05)
    with board, pytest.raises(BoardError, match="does not answer"):
        board.stop()


@pytest.mark.parametrize("port", ["/dev/no_such_port", "socket://127.0.0.1:1", "socket://x", ""])
def test_no_board_at_the_port(port):
    with pytest.raises(BoardError, match="no board can be reached there"):
        SerialLink(port)
