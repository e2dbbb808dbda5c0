"""What the parameters of chapters can be.

A parameter has one meaning in all chapters, so its name says what it can be. What depends on the
data of a run, such as whether a word has clips, is left to the chapter's first cell.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kwslib.cost.timing import check_repetitions
from kwslib.data.task import Task
from kwslib.errors import InputError, check
from kwslib.models import check_name
from kwslib.models.checkpoint import located
from kwslib.network.tensors import check_bits
from kwslib.prune.unstructured import check_amount

_MOST_EPOCHS = 10_000
_MOST_SEED = 2**32 - 1


def check_parameters(**values: Any) -> None:
    """Make sure that parameters can be what they are.

    Raises:
        InputError: one cannot; its message names it, its value, and what it can be.
    """
    for name, value in values.items():
        if name in CHECKS:
            CHECKS[name](value)


def parse_bits(bits: str) -> list[int]:
    """``"2,8,4,4"`` as ``[8, 4, 2]``.

    Raises:
        InputError: one is no whole number from 2 to 8.
    """
    try:
        widths = sorted({int(each) for each in str(bits).split(",")}, reverse=True)
    except ValueError:
        raise InputError(
            f"bits {bits!r}: must be whole numbers from 2 to 8, such as 8,4,2"
        ) from None
    for width in widths:
        check_bits(width)
    return widths


def parse_shares(name: str, text: str) -> list[float]:
    """``"0.8,0.5,0.8"`` as ``[0.5, 0.8]``.

    Args:
        name: of the parameter, for the message.
        text: comma-separated shares.

    Raises:
        InputError: one is no share from 0 to below 1.
    """
    try:
        shares = sorted({float(each) for each in str(text).split(",")})
    except ValueError:
        raise InputError(f"{name} {text!r}: must be numbers such as 0.5,0.8") from None
    for share in shares:
        check_amount(share, name)
    return shares


def _check_whole(name: str, most: int, value: Any) -> None:
    within = isinstance(value, int) and 0 <= value <= most
    check(f"{name} {value}", within, f"a whole number from 0 to {most:,}")


def _check_model(model: str) -> None:
    if not located(model).exists():  # chapter 2 takes a checkpoint too
        check_name(model)


CHECKS: Mapping[str, Callable[[Any], object]] = {
    "amounts": partial(parse_shares, "amounts"),
    "bits": parse_bits,
    "channels": partial(parse_shares, "channels"),
    "epochs": partial(_check_whole, "epochs", _MOST_EPOCHS),
    "keywords": Task.of,
    "model": _check_model,
    "repetitions": check_repetitions,
    "seed": partial(_check_whole, "seed", _MOST_SEED),
    "tuning_epochs": partial(_check_whole, "tuning_epochs", _MOST_EPOCHS),
}
"""What raises an error where a value cannot be, by the name of the parameter."""
