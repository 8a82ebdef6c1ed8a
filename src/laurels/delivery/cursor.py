"""How far somebody has read a feed: to the end of a journal entry, or to within it."""

import re
from typing import Final, NamedTuple

WHOLE: Final = 2**31

_is_cursor: Final = re.compile(rb"([0-9]{1,15})(?:\.([0-9]{1,9}))?").fullmatch


class Cursor(NamedTuple):
    """All entries before `number` are read, and that one's updates up to `position`, from 1."""

    number: int
    position: int = WHOLE

    @property
    def after(self) -> int:
        """The number behind which there may be something that is not read yet."""
        return self.number if self.position == WHOLE else self.number - 1

    def __str__(self) -> str:
        return str(self.number) if self.position == WHOLE else f"{self.number}.{self.position}"


def read_cursor(text: bytes) -> Cursor | None:
    """
    Read what we once spelled, or None for anything else.

    >>> read_cursor(b"17"), read_cursor(b"17.2"), read_cursor(b"17.")
    (Cursor(number=17, position=2147483648), Cursor(number=17, position=2), None)
    """
    match = _is_cursor(text)
    if match is None:
        return None
    number, position = int(match[1]), match[2]
    return Cursor(number) if position is None else Cursor(number, int(position))
