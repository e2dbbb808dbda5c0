"""How often a program on the emulated board reads constants from flash, where the board waits.

Watching memory is not free of consequences: unicorn 2.1 loses the state of an IT block in which a
watched load stands. So a twin of the board is watched, and believed only if it executed as many
instructions as the board itself.
"""

from kwslib.board.emulator import RAM_START, Call, Emulator
from kwslib.config import NANO33BLE


class FlashWatch:
    """A board and its twin that is watched."""

    def __init__(self, board: Emulator) -> None:
        self._board, self._twin = board, Emulator(board.program, watch_flash=True)

    def call(self, name: str, *arguments: int) -> tuple[Call, int | None]:
        """Call a function of the board; what it took, and the words that it read from flash.

        The number is None if the twin went another way.

        Raises:
            InputError: as :meth:`Emulator.call` does.
        """
        self._twin.write(RAM_START, self._board.read(RAM_START, NANO33BLE.ram))
        watched = self._twin.call(name, *arguments)
        call = self._board.call(name, *arguments)
        went_along = watched.instructions == call.instructions
        return call, self._twin.flash_reads if went_along else None
