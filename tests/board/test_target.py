"""Targets and the boards they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TINY_CONV, at_a_socket, host_board, tiny_conv

from kwslib.board.target import board_predictor, open_board
from kwslib.board.transport import BoardError
from kwslib.deploy.predictors import predictor
from kwslib.errors import InputError


@pytest.mark.parametrize("target", ["host", "emulator"])
def test_a_board_made_here_gives_the_interpreters_scores(target):
    images = np.random.default_rng(0).integers(0, 256, (5, 49, 40), np.uint8)
    with open_board(target, tiny_conv(), "tiny_conv") as board:
        found = board_predictor(board)(images)
    np.testing.assert_array_equal(found, predictor(TINY_CONV)(images))


@pytest.mark.parametrize("target", ["", "moon", "serial", "serial:", "socket://", "arduino"])
def test_no_such_target(target):
    opened = open_board(target, tiny_conv(), "tiny_conv")
    with pytest.raises(InputError, match="must be host, emulator, serial:PORT"), opened:
        pass


def test_a_board_with_another_model(tmp_path):
    other = replace(tiny_conv(), sha256="0" * 64)
    with (
        host_board(tmp_path) as device,
        at_a_socket(device) as address,
        pytest.raises(BoardError, match="not mine"),
        open_board(address, other, "mine"),
    ):
        pass


def test_a_network_that_names_no_labels():
    nameless = replace(tiny_conv(), facts={})
    opened = open_board("host", nameless, "x.tflite")
    with pytest.raises(InputError, match=r"x\.tflite: takes no image of 49 x 40 or .*"), opened:
        pass
