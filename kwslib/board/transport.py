"""Links to a board, and the frames that go over them.

A link is a serial port or socket, or a mailbox of a device that runs in this process.

A frame carries a message over a link that may lose, add or change bytes. It is ``0x00,
COBS(version, kind, sequence (2), payload, CRC-32 (4)), 0x00`` with little-endian numbers;
``firmware/device/frame.h`` is the other side. COBS leaves no 0x00 inside, so that the next frame is
found whatever went before, and the CRC throws out what was damaged.

Source: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
Networking 7 (1999).
"""

import ctypes
import errno
import struct
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import serial
from cobs import cobs
from serial.tools import list_ports

from kwslib.board.emulator import Emulator
from kwslib.errors import InputError

VERSION = 1
"""Of the protocol: frames, kinds and payloads."""

MAX_PAYLOAD = 1960
"""Bytes: an image of 49 x 40."""

_HEADER = struct.Struct("<BBH")
_CHECK = struct.Struct("<I")
_MAX_ENCODED = 2 * (_HEADER.size + MAX_PAYLOAD + _CHECK.size)
"""More than any frame takes; what is longer is noise and is not kept."""


@dataclass(frozen=True)
class Frame:
    """A message.

    Attributes:
        kind: what it asks for or answers.
        sequence: 0 to 65535; a reply repeats that of its request.
        payload: up to :data:`MAX_PAYLOAD` bytes.
        version: of the protocol that its sender speaks.
    """

    kind: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION

    def encode(self) -> bytes:
        """The bytes that go over the link.

        Raises:
            ValueError: the payload is too long.
        """
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"a payload of {len(self.payload)} bytes, at most {MAX_PAYLOAD}")
        body = _HEADER.pack(self.version, self.kind, self.sequence) + self.payload
        return b"\0" + cobs.encode(body + _CHECK.pack(zlib.crc32(body))) + b"\0"


class FrameReader:
    """Finds the frames in a stream of bytes.

    Attributes:
        damaged: pieces between two 0x00 that were no frame.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.damaged = 0

    def push(self, data: bytes) -> list[Frame]:
        """Take the stream's next bytes; return the frames that they complete."""
        *pieces, rest = (bytes(self._held) + data).split(b"\0")
        # one byte more than any frame has still says that this piece is none
        self._held = bytearray(rest[: _MAX_ENCODED + 1])
        frames = [_parse(piece) for piece in pieces if piece]
        self.damaged += frames.count(None)
        return [frame for frame in frames if frame is not None]


def _parse(piece: bytes) -> Frame | None:
    try:
        data = cobs.decode(piece) if len(piece) <= _MAX_ENCODED else b""
    except cobs.DecodeError:
        return None
    body, check = data[: -_CHECK.size], data[-_CHECK.size :]
    if len(body) < _HEADER.size or _CHECK.pack(zlib.crc32(body)) != check:
        return None
    version, kind, sequence = _HEADER.unpack_from(body)
    return Frame(kind, sequence, body[_HEADER.size :], version)


BAUD = 115_200
"""The USB port of a board takes any speed; a UART needs one."""

_WRITE_TIMEOUT_S = 5.0
_TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY)


class BoardError(InputError):
    """A board that is not there, does not answer, or is not the one that is wanted."""


class SerialLink:
    """A serial port (``/dev/ttyACM0``, ``COM3``) or whatever else pyserial opens as one
    (``socket://localhost:4000``).
    """

    def __init__(self, port: str) -> None:
        """Open it.

        Raises:
            BoardError: there is no such port, or somebody else has it.
        """
        self._port = port
        try:
            self._serial = serial.serial_for_url(
                port, BAUD, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (serial.SerialException, ValueError, OSError) as error:
            if getattr(error, "errno", None) in _TAKEN:
                reason = "another program uses it; close that, such as a serial monitor"
            else:
                reason = f"no board can be reached there ({error}); {_known()}"
            raise BoardError(f"{port}: {reason}") from error

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            BoardError: the link is gone.
        """
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def read(self, timeout_s: float) -> bytes:
        """The bytes that have come; waits for the first, but no longer than ``timeout_s``.

        Raises:
            BoardError: the link is gone.
        """
        try:
            self._serial.timeout = timeout_s
            return self._serial.read(1) + self._serial.read(self._serial.in_waiting)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def _gone(self, error: Exception) -> BoardError:
        return BoardError(f"{self._port}: the board is gone ({error}); plug it in and try again")


def _known() -> str:
    names = [port.device for port in list_ports.comports()]
    if not names:
        return "no serial port is there at all: plug the board in"
    return f"the serial ports are {', '.join(names)}"


class MailboxLink:
    """A device in a mailbox: it answers while it is written to."""

    def __init__(self) -> None:
        self._answer = b""

    def write(self, data: bytes) -> None:
        """Send bytes; the device takes them up to a request, and answers that first."""
        while data:
            taken, answer = self._deliver(data)
            self._answer += answer
            data = data[taken:]

    def read(self, timeout_s: float) -> bytes:
        """What was answered; where that is nothing, nothing will come."""
        answer, self._answer = self._answer, b""
        if not answer:
            time.sleep(timeout_s)
        return answer

    def close(self) -> None:
        """Nothing is held."""

    def _deliver(self, data: bytes) -> tuple[int, bytes]:
        raise NotImplementedError


class EmulatorLink(MailboxLink):
    """The device in the emulated board."""

    def __init__(self, board: Emulator) -> None:
        """Start the device.

        Raises:
            InputError: the program is none with a device.
        """
        super().__init__()
        self.board = board
        self.stack = board.call("kws_device_start").stack
        """The most bytes of stack that any call has used."""
        self._in_size = self._number("in_size")

    def _deliver(self, data: bytes) -> tuple[int, bytes]:
        piece = data[: self._in_size]
        self.board.write("kws_mailbox_in", piece)
        call = self.board.call("kws_mailbox_deliver", len(piece))
        self.stack = max(self.stack, call.stack)
        return call.value, self.board.read("kws_mailbox_out", self._number("written"))

    def _number(self, name: str) -> int:
        return int.from_bytes(self.board.read(f"kws_mailbox_{name}", 4), "little")


class HostLink(MailboxLink):
    """The device as a shared library in this process."""

    def __init__(self, library: Path) -> None:
        """Load it and start the device. Every link needs a file of its own: a library that is
        loaded twice has one state.
        """
        super().__init__()
        self.library = ctypes.CDLL(str(library))
        self._inbox, self._outbox = self._array("in"), self._array("out")
        self.library.kws_mailbox_deliver.restype = ctypes.c_uint32
        self.library.kws_device_start()

    def _deliver(self, data: bytes) -> tuple[int, bytes]:
        piece = data[: len(self._inbox)]
        ctypes.memmove(self._inbox, piece, len(piece))
        taken = self.library.kws_mailbox_deliver(ctypes.c_uint32(len(piece)))
        return taken, bytes(memoryview(self._outbox)[: self._number("written")])

    def _array(self, name: str) -> ctypes.Array[ctypes.c_uint8]:
        size = self._number(f"{name}_size")
        return (ctypes.c_uint8 * size).in_dll(self.library, f"kws_mailbox_{name}")

    def _number(self, name: str) -> int:
        return ctypes.c_uint32.in_dll(self.library, f"kws_mailbox_{name}").value


Link = SerialLink | MailboxLink
"""Bytes to and from a board."""
