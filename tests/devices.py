"""Devices on this machine for tests, and Python's own pipeline from sound to detections."""

import os
import socket
import threading
import tty
from contextlib import contextmanager
from functools import cache, partial

import numpy as np

from kwslib.board.client import Board
from kwslib.board.transport import HostLink
from kwslib.config import DEPLOYED
from kwslib.deploy.compile import compile_network
from kwslib.deploy.predictors import predictor
from kwslib.evaluation.smoothing import Smoother
from kwslib.models.checkpoint import PUBLISHED
from kwslib.network.reader import read_graph

TINY_CONV = PUBLISHED / "tiny_conv-yes_no.tflite"


@cache
def tiny_conv():
    return read_graph(TINY_CONV)


def host_board(folder):
    """A board on this machine; ``folder`` must hold no other."""
    return Board(HostLink(compile_network(tiny_conv(), "host", folder).program), "host")


def noise(seed, samples, level=2000):
    return np.random.default_rng(seed).normal(0, level, samples).clip(-32768, 32767).astype("<i2")


def reference_detections(rows, streaming):
    """Detections as Python's parts give them, from the frames of a stream.

    Args:
        rows: uint8 [frames, 40], as a front end gives them.
        streaming: how to listen.
    """
    predict, smoother, found = predictor(TINY_CONV), Smoother(streaming.smoothing), []
    for last in range(DEPLOYED.frames - 1, len(rows), streaming.hops):
        image = rows[last + 1 - DEPLOYED.frames : last + 1]
        time = (DEPLOYED.window + DEPLOYED.hop * last) * 1000 // 16000
        found.append(smoother.push(predict(image[None])[0].tolist(), time))
    return [detection for detection in found if detection]


@contextmanager
def at_a_terminal(board):
    """Lets a device answer at one end of a terminal; yields the name of the other."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    thread = threading.Thread(target=serve, args=(board, lambda: os.read(ours, 4096), ours))
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.write(theirs, b"\0\0END")
        thread.join()
        os.close(ours)
        os.close(theirs)


def serve(board, read, descriptor):
    while data := read():
        if data.endswith(b"END"):
            return
        board.link.write(data)
        answer = board.link.read(0)
        while answer:
            answer = answer[os.write(descriptor, answer) :]


@contextmanager
def at_a_socket(board):
    """Lets a device answer the first who calls; yields the address."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=answer_a_call, args=(board, server, over))
        thread.start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()


def answer_a_call(board, server, over):
    while not over.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(None)
            serve(board, partial(connection.recv, 4096), connection.fileno())
        return
