"""Boards at the end of real links: a terminal, as a serial port is one, and a socket."""

import os
import socket
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from devices import at_a_socket, at_a_terminal, host_board, noise

from kwslib.board.client import Board
from kwslib.board.transport import BoardError, SerialLink


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


def test_a_second_client_of_a_port_is_refused_until_the_first_is_gone():
    """It would take answers away from the first, and get the first one's."""
    ours, theirs = os.openpty()
    port = os.ttyname(theirs)
    first = SerialLink(port)
    for _ in range(2):
        with pytest.raises(BoardError, match=f"{port}: another program uses it; close that"):
            SerialLink(port)
    os.write(ours, b"for the first")
    assert first.read(5.0).startswith(b"for")
    first.close()
    SerialLink(port).close()


SECOND = """
import sys
from kwslib.cli.main import _run
sys.exit(_run(["evaluate", "tiny_conv-yes_no", "--target", "serial:" + sys.argv[1], "--json"]))
"""


def test_a_second_process_at_a_port_ends_with_one_line_and_exit_code_2(tmp_path):
    with host_board(tmp_path) as device, at_a_terminal(device) as port, closing(SerialLink(port)):
        command = [sys.executable, "-c", SECOND, port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"kws: {port}: another program uses it; close that, such as a serial monitor"
    )


@pytest.mark.parametrize("port", ["/dev/no_such_port", "socket://127.0.0.1:1", "socket://x", ""])
def test_no_board_at_the_port(port):
    with pytest.raises(BoardError, match="no board can be reached there"):
        SerialLink(port)
