"""Deciding: entries out of the lanes of Redis, and what becomes of them."""

import secrets
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, Final

import msgspec

from laurels.core.event import Instant
from laurels.engine.queue import CLAIM_SETTLED_MS, LANES, Entry, Tries
from laurels.link import BlockingLink
from laurels.queue.names import (
    CONSUMERS,
    HOLDERS,
    PARKED,
    STREAMS,
    TRIES,
    WORKERS,
    claim_of,
    claims_of,
)
from laurels.queue.parked import kept
from laurels.queue.script import Call, Script, ask_blocking, plain, together
from laurels.queue.text import claim_text, decode

HOLD_MS: Final = 800
"""How long a lane is held after the last beat: so long it lies idle when its reader dies."""
LIVE_MS: Final = HOLD_MS
"""How long a worker counts as alive after its last beat."""
ENTRIES_OF_LANE: Final = 32
"""As many are read of one lane before the next one has its turn."""
NEW: Final = ">"
FROM_THE_START: Final = "0"

_beat: Final = Script("beat")
_take: Final = Script("take")
_renew: Final = Script("renew")
_release: Final = Script("release")
_read: Final = Script("read")
_done: Final = Script("done")
_begin: Final = Script("begin")
_tried: Final = Script("tried")
_park: Final = Script("park")
_lengths: Final = Script("lengths")
_sizes: Final = Struct(">II")


class RedisReader:
    """The lanes, from the side of one worker."""

    def __init__(self, link: BlockingLink) -> None:
        self._link = link
        self._who = secrets.token_hex(8)
        self._workers = 1
        self._after: dict[int, str] = {}
        """The held lanes, each with the id after which it is read."""
        self._last = LANES
        """The lane that was read last."""

    @property
    def held(self) -> Collection[int]:
        return self._after.keys()

    def beat(self) -> None:
        held = list(self._after)
        calls = [_renew.call((HOLDERS[lane],), (self._who, HOLD_MS)) for lane in held]
        # One that is lost shows when it is read: only its holder can.
        workers, *_ = self._ask([_beat.call((WORKERS,), (self._who, LIVE_MS)), *calls])
        self._workers = workers

    def share(self) -> None:
        fair = -(-LANES // self._workers)
        if len(self._after) < fair:
            self._take(fair - len(self._after))
        elif len(self._after) > fair:
            self._give_back(list(self._after)[fair:])

    def read(self, lanes: Collection[int], count: int) -> list[Entry]:
        asked = sorted(lane for lane in lanes if lane in self._after)
        after_last = bisect_right(asked, self._last)
        asked = asked[after_last:] + asked[:after_last]
        groups = together(self._link, asked)
        told = self._ask([_lengths.call([STREAMS[lane] for lane in group]) for group in groups])
        lengths = [length for group in told for length in group]
        for lane, length in zip(asked, lengths, strict=True):
            if not length:
                self._after[lane] = NEW  # What was handed out before has been deleted.
        wanted = shares({lane: n for lane, n in zip(asked, lengths, strict=True) if n}, count)
        self._last = next(reversed(wanted), self._last)
        entries, settled = self._read(wanted)
        if settled:
            more, _ = self._read({lane: wanted[lane] for lane in settled})
            entries += more
        return entries

    def look_again(self) -> None:
        for lane in self._after:
            self._after[lane] = FROM_THE_START

    def done(self, entries: Sequence[Entry]) -> None:
        by_lane: dict[int, list[Entry]] = {}
        for entry in entries:
            by_lane.setdefault(entry.lane, []).append(entry)
        self._ask([_settling(lane, settled) for lane, settled in by_lane.items()])

    def begin(self, entry: Entry) -> Tries:
        (tries,) = self._ask([_begin.call((TRIES[entry.lane],), (entry.id, self._who))])
        return Tries(*tries)

    def failed(self, entry: Entry) -> None:
        self._ask([_tried.call((TRIES[entry.lane],), (entry.id, self._who, 1))])

    def spared(self, entry: Entry) -> None:
        self._ask([_tried.call((TRIES[entry.lane],), (entry.id, self._who, 0))])

    def park(self, entry: Entry, reason: str, at: Instant) -> None:
        lane = entry.lane
        keys = STREAMS[lane], PARKED[lane], TRIES[lane], *claims_of(entry.event, lane)
        said = b"" if entry.event is None else claim_text(entry.event)
        self._ask([_park.call(keys, (entry.id, kept(reason, at, entry.raw), said))])

    def leave(self) -> None:
        self._give_back(list(self._after))
        self._ask([plain("ZREM", WORKERS, self._who)])

    def _take(self, count: int) -> None:
        others = [lane for lane in range(LANES) if lane not in self._after]
        holders = self._ask([plain("GET", HOLDERS[lane]) for lane in others])
        free = [lane for lane, who in zip(others, holders, strict=True) if who is None]
        free = secrets.SystemRandom().sample(free, min(count, len(free)))
        taken = self._ask([_take.call((HOLDERS[lane],), (self._who, HOLD_MS)) for lane in free])
        for lane, is_ours in zip(free, taken, strict=True):
            if is_ours:
                self._after[lane] = FROM_THE_START

    def _give_back(self, lanes: Sequence[int]) -> None:
        for lane in lanes:
            del self._after[lane]
        self._ask([_release.call((HOLDERS[lane],), (self._who,)) for lane in lanes])

    def _read(self, wanted: dict[int, int]) -> tuple[list[Entry], list[int]]:
        """Read of some lanes, and say which of them hold nothing that was handed out before."""
        answers = self._ask([self._reading(lane, most) for lane, most in wanted.items()])
        entries: list[Entry] = []
        settled: list[int] = []
        for lane, answer in zip(wanted, answers, strict=True):
            if answer is None:
                del self._after[lane]  # Somebody else holds it now.
                continue
            was_settled = self._after[lane] == NEW
            entries += self._entries(lane, answer)
            if not was_settled and self._after[lane] == NEW:
                settled.append(lane)
        return entries, settled

    def _reading(self, lane: int, count: int) -> Call:
        after = self._after[lane]
        keys = STREAMS[lane], HOLDERS[lane]
        return _read.call(keys, (self._who, CONSUMERS[lane], count, after))

    def _entries(self, lane: int, answer: bytes) -> Iterator[Entry]:
        is_again = self._after[lane] != NEW
        last = NEW
        for last, raw in _parts(answer):
            yield _entry(lane, last, raw, is_again=is_again)
        if is_again:
            self._after[lane] = last

    def _ask(self, calls: Sequence[Call]) -> list[Any]:
        return ask_blocking(self._link, calls) if calls else []


def shares(lengths: Mapping[int, int], count: int) -> dict[int, int]:
    """
    Say how many entries to read of which lanes, so that few lanes are asked for many at once.

    >>> shares({1: 2, 2: 50, 3: 4}, 20)
    {1: 2, 2: 18}
    >>> shares({1: 2, 2: 50, 3: 4}, 50)
    {1: 2, 2: 44, 3: 4}
    """
    wanted: dict[int, int] = {}
    for lane, length in lengths.items():
        if count:
            wanted[lane] = min(length, count, ENTRIES_OF_LANE)
            count -= wanted[lane]
    for lane, taken in wanted.items():
        more = min(lengths[lane] - taken, count)
        wanted[lane] = taken + more
        count -= more
    return wanted


def _parts(answer: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(answer):
        id_length, text_length = _sizes.unpack_from(answer, at)
        at += _sizes.size
        text_at = at + id_length
        yield answer[at:text_at].decode(), answer[text_at : text_at + text_length]
        at = text_at + text_length


def _entry(lane: int, id_: str, raw: bytes, *, is_again: bool) -> Entry:
    try:
        event, problem = decode(raw), ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
        event, problem = None, f"it cannot be read: {failure}"
    return Entry(lane=lane, id=id_, raw=raw, event=event, problem=problem, is_again=is_again)


def _settling(lane: int, entries: Sequence[Entry]) -> Call:
    claims = [
        claim_of(entry.event, lane)
        for entry in entries
        if entry.event is not None and entry.event.key is not None
    ]
    ids = [entry.id for entry in entries]
    return _done.call((STREAMS[lane], TRIES[lane], *claims), (CLAIM_SETTLED_MS, *ids))
