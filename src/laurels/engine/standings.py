"""One ranking in memory: an order that moves with every score, and finds everybody's place."""

from collections import Counter
from collections.abc import Iterable
from struct import Struct
from typing import Final, TypeAlias

from sortedcontainers import SortedDict, SortedList

from laurels.core.event import Instant, ParticipantId
from laurels.core.number import Millionths
from laurels.core.rulebook import Ties
from laurels.engine.answers import Placed, Ranking

Key: TypeAlias = bytes
"""A whole entry, spelled so that the better of two sorts first: score, moment, participant."""

_numbers: Final = Struct(">QQ")
HALF: Final = 2**63
SCORE_BYTES: Final = 8
NUMBERS_BYTES: Final = _numbers.size


class Standing:
    """
    Who stands where. All of a ranking shares one order: ties only decide how places are numbered.

    An entry is one short string of bytes: half the memory of a tuple, compared in one step, and
    nothing that the garbage collector would ever look at. For one thread at a time.

    >>> standing = Standing("shared", [("ann", 9, 0), ("bob", 7, 0), ("cid", 7, 1), ("dan", 5, 0)])
    >>> [place.rank for place in standing.top(4).places]
    [1, 2, 2, 4]
    """

    __slots__ = ("_keys", "_order", "_scores", "_ties")

    def __init__(
        self, ties: Ties, entries: Iterable[tuple[ParticipantId, Millionths, Instant]] = ()
    ) -> None:
        """Entries that come best first are taken in several times as fast."""
        self._ties: Final = ties
        self._keys = {entry[0]: _key(*entry) for entry in entries}
        self._order = SortedList(self._keys.values())
        self._scores: SortedDict[bytes, int] = SortedDict()
        """How often each score is there: only dense ranks need to know."""
        if ties == "dense":
            self._scores.update(Counter(key[:SCORE_BYTES] for key in self._order))

    def __len__(self) -> int:
        return len(self._order)

    def put(self, participant: ParticipantId, score: Millionths, reached_at: Instant) -> None:
        """Give a participant a score, in place of the one they had."""
        key = _key(participant, score, reached_at)
        before = self._keys.get(participant)
        if before == key:
            return
        if before is not None:
            self._take_out(before)
        self._keys[participant] = key
        self._order.add(key)
        if self._ties == "dense":
            score_of = key[:SCORE_BYTES]
            self._scores[score_of] = self._scores.get(score_of, 0) + 1

    def remove(self, participant: ParticipantId) -> None:
        """Take a participant out, if they are there."""
        key = self._keys.pop(participant, None)
        if key is not None:
            self._take_out(key)

    def top(self, count: int) -> Ranking:
        return self._places(0, count)

    def around(self, participant: ParticipantId, *, each_side: int) -> Ranking:
        """Return the places next to a participant's, their own among them; none for strangers."""
        key = self._keys.get(participant)
        if key is None:
            return Ranking([], len(self))
        index = self._order.bisect_left(key)
        return self._places(max(0, index - each_side), index + each_side + 1)

    def place(self, participant: ParticipantId) -> Placed | None:
        key = self._keys.get(participant)
        return None if key is None else _placed(self._rank(key), key)

    def _rank(self, key: Key) -> int:
        """Count who is better. A score alone sorts before all entries that begin with it."""
        if self._ties == "earliest":
            better = self._order.bisect_left(key)
        elif self._ties == "shared":
            better = self._order.bisect_left(key[:SCORE_BYTES])
        else:
            better = self._scores.bisect_left(key[:SCORE_BYTES])
        return better + 1

    def _places(self, start: int, stop: int) -> Ranking:
        """Return a stretch of the order. Only the first rank is looked up; the others follow."""
        places: list[Placed] = []
        rank, score = 0, b""
        for index, key in enumerate(self._order.islice(start, stop), start):
            if index == start:
                rank = self._rank(key)
            elif self._ties == "earliest" or key[:SCORE_BYTES] != score:
                rank = rank + 1 if self._ties == "dense" else index + 1
            score = key[:SCORE_BYTES]
            places.append(_placed(rank, key))
        return Ranking(places, len(self))

    def _take_out(self, key: Key) -> None:
        self._order.remove(key)
        if self._ties == "dense":
            score = key[:SCORE_BYTES]
            self._scores[score] -= 1
            if not self._scores[score]:
                del self._scores[score]


def _key(participant: ParticipantId, score: Millionths, reached_at: Instant) -> Key:
    """Spell an entry: of fewer points comes more, and both numbers are above zero."""
    return _numbers.pack(HALF - 1 - score, reached_at + HALF) + participant.encode()


def _placed(rank: int, key: Key) -> Placed:
    score, reached_at = _numbers.unpack_from(key)
    participant = key[NUMBERS_BYTES:].decode()
    return Placed(rank, participant, HALF - 1 - score, reached_at - HALF)
