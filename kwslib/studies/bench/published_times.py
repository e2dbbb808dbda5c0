"""What others published of tiny_conv's run time on the Arduino Nano 33 BLE Sense.

Solutions of one and the same assignment: TensorFlow Lite Micro, the network on yes and no.
"""

from kwslib.records import Record

_BOARD = "Arduino Nano 33 BLE Sense, nRF52840, Cortex-M4F, 64 MHz"
_RUNTIME = "TensorFlow Lite Micro"
_REPORT = (
    "Student report on the assignment 'A2: Keyword Spotting with MicroControllers', Cornell "
    "University, course on machine learning hardware and systems"
)
_BEICHEN_MA = "github.com/Beichen-Ma/ArduinoTinyML"
_CHANNELS_MS = {7: 83, 6: 79, 4: 71, 2: 63, 1: 59}
"""Run time by channels that structured pruning left: 55 ms and 4.0 ms a channel."""


def published_times() -> list[Record]:
    """Run times on the board as quoted."""
    unpruned = "README.md, section 4: average 86 ms, minimum and maximum 88 ms"
    records = [
        _published(109, _REPORT + ": average on the board"),
        _published(94, "github.com/ethanglaser/ML-Hardware-Systems"),
        _published(88.8, "github.com/kpan02/tinyml-keyword-spotting"),
        _published([86, 88], f"{_BEICHEN_MA}, {unpruned}", channels=8),
        _published(
            21, f"{_BEICHEN_MA}, README.md, section 4: average, minimum 19 and maximum 23 ms",
            stage="preprocessing",
        ),
    ]  # fmt: skip
    pruned = [
        _published(run_time, f"{_BEICHEN_MA}, section 6, structured pruning", channels=channels)
        for channels, run_time in _CHANNELS_MS.items()
    ]
    return [*records, *pruned]


def _published(value: float | list[float], source: str, **subject: int | str) -> Record:
    network = {"model": "tiny_conv", "task": "yes_no", "stage": "network", "runtime": _RUNTIME}
    return Record(
        "run_time", value, "ms", "published", {**network, **subject},
        machine=_BOARD, target="board", when="", code="", source=source,
    )  # fmt: skip
