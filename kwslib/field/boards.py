"""A board as a listener of the field test."""

import numpy as np
from numpy.typing import NDArray

from kwslib.board.client import Board, Streaming
from kwslib.evaluation.smoothing import Detection


class BoardListener:
    """A board, real or emulated, that hears the samples it is sent."""

    def __init__(self, board: Board, streaming: Streaming) -> None:
        self.labels = board.labels
        self._board = board
        self._streaming = streaming

    def start(self) -> None:
        """Begin a new stream."""
        self._board.stream(self._streaming)

    def hear(self, samples: NDArray[np.int16]) -> list[Detection]:
        """Take the next samples; what was detected in them."""
        return self._board.hear(samples)

    def stop(self) -> None:
        """End the stream."""
        self._board.stop()

    def classify(self, clip: NDArray[np.int16]) -> str:
        """The label with the highest score of one second; the first among equals."""
        self._board.features(clip)
        return self.labels[int(self._board.infer_heard().argmax())]


class BoardWithMicrophone:
    """A board that hears by itself."""

    def __init__(self, board: Board, streaming: Streaming) -> None:
        self.labels = board.labels
        self._board = board
        self._streaming = streaming

    def start(self) -> None:
        """Begin to listen.

        Raises:
            BoardError: the board has no microphone.
        """
        self._board.stream(self._streaming, microphone=True)

    def listen(self, seconds: float) -> list[Detection]:
        """What was detected in the next ``seconds``."""
        return self._board.overhear(seconds)

    def stop(self) -> None:
        """Listen no longer."""
        self._board.stop()
