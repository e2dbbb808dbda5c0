"""What a data set is: a hash over its members' names and bytes, the same on every machine.

Reading gigabytes at every call would cost more than the calls. The hash is therefore kept in this
machine's cache under the sizes and times of the files that it was computed from; whoever does not
trust those has it computed anew.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from tqdm import tqdm

from kwslib.data.members import Members, digests
from kwslib.files import sha256_of_text, write_text
from kwslib.folders import cache_folder, keep_newest

_KEPT = 100
_MANY = 2_000  # members, whose hashing takes long enough to show how far it is


def identity_of(kind: str, parts: Sequence[Members], verify: bool = False) -> str:
    """Hexadecimal SHA-256 over the paths and bytes of all members.

    Args:
        kind: of the data set: how its members are read, and all else that it consists of.
        parts: of the data set, in an order that belongs to its kind.
        verify: compute it anew, whatever sizes and times say.

    Raises:
        ChangedError: a file is no longer what it was when its members were listed.
    """
    kept = cache_folder("identities") / sha256_of_text(kind, *_states(parts))
    if not verify:
        with suppress(FileNotFoundError):
            return kept.read_text(encoding="utf-8")
    identity = sha256_of_text(kind, *_lines(parts))
    write_text(kept, identity)
    keep_newest(kept.parent, _KEPT)
    return identity


def _lines(parts: Sequence[Members]) -> Iterator[str]:
    total = sum(len(part.paths) for part in parts)
    with tqdm(
        total=total, desc="hashing the data", unit="clip", file=sys.stderr, leave=False,
        disable=total < _MANY,
    ) as bar:  # fmt: skip
        for number, part in enumerate(parts):
            for path, digest in digests(part):
                yield f"{number} {digest} {path}"
                bar.update()


def _states(parts: Sequence[Members]) -> Iterator[str]:
    for part in parts:
        yield str(part.place.resolve())
        yield from (f"{path} {state}" for path, state in part.states.items())
