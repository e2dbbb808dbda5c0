"""The one exception that stands for a user's mistake."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class InputError(Exception):
    """Bad input: one line that names the file or value and says how to mend it.

    Every ``kws`` command prints the message to standard error and ends with exit code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@contextmanager
def naming(what: object, *others: type[Exception]) -> Iterator[None]:
    """Say of which file or parameter a mistake is that the body finds.

    Args:
        what: the file or parameter.
        others: what the body raises beside InputError.

    Raises:
        InputError: the body raises one, or one of ``others``.
    """
    kinds: tuple[type[Exception], ...] = (InputError, *others)
    try:
        yield
    except kinds as error:
        raise InputError(f"{what}: {error}") from error


def check(what: str, holds: bool, must: str) -> None:
    """Make sure that a value is what it must be.

    Args:
        what: the value and its name.
        holds: whether it is.
        must: be, to end the message.

    >>> check("hops 0", 0 > 0, "1 or more")
    Traceback (most recent call last):
    kwslib.errors.InputError: hops 0: must be 1 or more
    """
    if not holds:
        raise InputError(f"{what}: must be {must}")


def check_one_of(what: str, value: str, choices: Iterable[str]) -> None:
    """Make sure that a value is one of several, as :func:`check`."""
    check(f"{what} {value!r}", value in choices, f"one of {', '.join(choices)}")


def told_by_system(error: OSError) -> str:
    """What the operating system refused, in one line: the file where it is known, and why."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    named = " to ".join(str(name) for name in (error.filename, error.filename2) if name)
    return f"{named}: {reason}" if named else f"the system refuses: {reason}"


@contextmanager
def mistakes_in_a_line() -> Iterator[None]:
    """For what is run by ``python -m``, as ``kws`` does it: bad input, and what the system refuses,
    get one line and exit code 2.
    """
    try:
        yield
    except (InputError, OSError) as error:
        line = told_by_system(error) if isinstance(error, OSError) else error
        print(line, file=sys.stderr)
        sys.exit(2)
