"""Constants that every stage shares: the sound, the deployed feature and the board."""

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Samples per second of every clip."""

CLIP_SAMPLES = SAMPLE_RATE
"""Samples in a clip: one second."""


@dataclass(frozen=True)
class LogMelConfig:
    """The 8-bit log-mel image that a network on the board sees.

    The defaults are the deployed feature: 49 frames of 30 ms every 20 ms, 40 bands up to
    4 kHz. ``gain`` and ``offset`` turn the natural logarithm of a band's power (int16 units)
    into a byte: ``clip(round(gain * ln(P) + offset), 0, 255)``.
    """

    window: int = 480
    hop: int = 320
    fft: int = 512
    bands: int = 40
    low_hz: float = 0.0
    high_hz: float = 4000.0
    gain: float = 19.85 * 0.5
    offset: float = -60.31

    @property
    def frames(self) -> int:
        """Frames that lie wholly inside a clip of one second."""
        return (CLIP_SAMPLES - self.window) // self.hop + 1


DEPLOYED = LogMelConfig()
"""49 x 40, what the board computes: a frame every 20 ms."""

TRAINING = LogMelConfig(hop=160)
"""98 x 40, a frame every 10 ms; its even rows are the deployed image."""


@dataclass(frozen=True)
class Board:
    """What a microcontroller board offers. Sizes in bytes, clock in hertz."""

    name: str
    processor: str
    flash: int
    ram: int
    clock_hz: int


NANO33BLE = Board(
    name="Arduino Nano 33 BLE Sense",
    processor="nRF52840 (Cortex-M4F)",
    flash=2**20,
    ram=2**18,
    clock_hz=64_000_000,
)
