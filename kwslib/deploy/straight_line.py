"""Straight lines of C for the weights of a convolution that are not zero.

Each weight is a constant of an instruction, so that nothing is spent on finding it: in groups, so
many words of the image are loaded as registers hold, then all weights that meet them multiply
(``firmware/core/conv2d_straight.h`` has the macros).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kwslib.deploy.planes import Tap

FARTHEST = 4095
"""Bytes from the rows' start that a load reaches (Thumb-2, LDR with a 12-bit offset)."""

REGISTERS = "uvwxyz"
"""Of the macros, for words of the image."""


@dataclass(frozen=True)
class Group:
    """Words that are loaded together, and the taps that multiply nothing else.

    Attributes:
        words: bytes from the rows' start.
        taps: with all of their words among those.
    """

    words: tuple[int, ...]
    taps: tuple[Tap, ...]

    @property
    def instructions(self) -> int:
        """A load for each word; for each tap its constant and four products."""
        return len(self.words) + 5 * len(self.taps)

    @property
    def cycles(self) -> int:
        """The first load takes two, each behind it one."""
        return self.instructions + 1


def groups_of(taps: Sequence[Tap]) -> list[Group]:
    """A channel's taps in groups; neighbouring taps share words."""
    groups: list[Group] = []
    words: list[int] = []
    members: list[Tap] = []
    for tap in taps:
        new = [word for word in tap.words if word not in words]
        if len(words) + len(new) > len(REGISTERS):
            groups.append(Group(tuple(words), tuple(members)))
            words, members, new = [], [], list(tap.words)
        words += new
        members.append(tap)
    return [*groups, Group(tuple(words), tuple(members))] if members else groups


def lines_of(group: Group) -> list[str]:
    """A group in the macros' words: a line of loads, and one for each tap."""
    names = dict(zip(group.words, REGISTERS, strict=False))
    lines = [" ".join(f"KWS_WORD({name}, {at})" for at, name in names.items())]
    for tap in group.taps:
        operands = ", ".join([str(2 * tap.weight), *(names[word] for word in tap.words)])
        lines.append(f"KWS_{'ODD' if tap.odd else 'EVEN'}({operands})")
    return lines


def channel_code(place: int, channel: Sequence[int], groups: Sequence[Group]) -> str:
    """A statement that computes a row of a channel's outputs.

    Args:
        place: the channel's number among the outputs.
        channel: its fields of ``struct kws_channel_dsp``, the bias doubled.
        groups: of its taps.
    """
    numbers = ", ".join(map(str, (place, *channel)))
    if not groups:
        return f"    KWS_CONSTANT_CHANNEL({numbers});"
    lines = [line for group in groups for line in lines_of(group)]
    body = "".join(f"\n        {line}" for line in lines)
    return f"    KWS_STRAIGHT_CHANNEL({numbers},{body});"
