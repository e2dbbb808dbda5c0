"""What a field test asks of whatever detects: an emulated board, a real one, this machine."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kwslib.evaluation.smoothing import Detection


class Listener(Protocol):
    """A network that hears a stream of sound.

    Attributes:
        labels: names of the network's outputs; a detection names its label by index.
    """

    labels: tuple[str, ...]

    def start(self) -> None:
        """Begin a new stream: nothing has been heard yet, and time is 0."""

    def hear(self, samples: NDArray[np.int16]) -> list[Detection]:
        """Take the next samples of the stream, any number of them, at 16 kHz.

        Returns:
            What was detected in them; times are milliseconds since the start of the stream.
        """

    def stop(self) -> None:
        """End the stream."""

    def classify(self, clip: NDArray[np.int16]) -> str:
        """The label with the highest score of one second, int16 ``[16000]``, outside a stream."""


class ListeningBoard(Protocol):
    """A board that hears through a microphone of its own.

    Attributes:
        labels: as of :class:`Listener`.
    """

    labels: tuple[str, ...]

    def start(self) -> None:
        """Begin to listen; time is 0."""

    def listen(self, seconds: float) -> list[Detection]:
        """What was detected in the next ``seconds``; times are milliseconds since the start."""

    def stop(self) -> None:
        """Listen no longer."""
