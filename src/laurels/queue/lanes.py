"""Accepting: events into the lanes of Redis, as many in one round trip as came together."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import MsgspecError

from laurels.core.errors import Unavailable
from laurels.core.event import Event
from laurels.engine.queue import (
    CLAIM_LIFETIME_MS,
    LANES,
    Backlog,
    Waiting,
    content_of,
)
from laurels.link import Link
from laurels.queue.names import PARKED, STREAMS, claim_of, lane_of
from laurels.queue.script import Call, Script, ask, plain, unavailable
from laurels.queue.text import decode, encode

_accept: Final = Script("accept")
_look: Final = Script("look")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Waiting).decode


class RedisLanes:
    """The lanes, from the side of an event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def append(self, events: Sequence[Event]) -> list[Waiting | Unavailable | None]:
        by_lane: dict[int, list[int]] = {}
        for place, event in enumerate(events):
            by_lane.setdefault(lane_of(event), []).append(place)
        calls = [
            _appending(lane, [events[place] for place in places])
            for lane, places in by_lane.items()
        ]
        outcomes: list[Waiting | Unavailable | None] = [None for _ in events]
        answers = await ask(self._link, calls)
        for places, answer in zip(by_lane.values(), answers, strict=True):
            if isinstance(answer, Exception):
                for place in places:
                    outcomes[place] = unavailable(answer)
                continue
            for nth, claim in _pairs(answer):
                place = places[nth - 1]
                found = waiting_of(claim)
                # Our own, when the answer to a first sending was lost.
                outcomes[place] = found if found.id != events[place].id else None
        return outcomes

    async def waiting(self, events: Sequence[Event]) -> list[Waiting | None]:
        claims = [claim_of(event, lane_of(event)) for event in events]
        answers = await ask(self._link, [plain("GET", claim) for claim in claims])
        return [_found(answer) for answer in answers]

    async def original(self, event: Event, waiting: Waiting) -> Event | None:
        stream = STREAMS[lane_of(event)]
        (answer,) = await ask(self._link, [plain("XRANGE", stream, waiting.entry, waiting.entry)])
        if isinstance(answer, Exception):
            raise unavailable(answer)
        for _, fields in answer:
            try:
                return decode(fields[b"e"])
            except (KeyError, MsgspecError):
                break
        return None

    async def backlog(self) -> Backlog:
        answers = await ask(
            self._link, [_look.call((STREAMS[lane], PARKED[lane])) for lane in range(LANES)]
        )
        told: list[tuple[int, int]] = []
        for answer in answers:
            if isinstance(answer, Exception):
                raise unavailable(answer)
            told.append(answer)
        return Backlog(sum(count for count, _ in told), max(waited for _, waited in told))


def _pairs(answer: list[Any]) -> Iterator[tuple[int, bytes]]:
    return zip(answer[::2], answer[1::2], strict=True)


def waiting_of(claim: bytes) -> Waiting:
    entry, _, said = claim.partition(b" ")
    return msgspec.structs.replace(_decode(said), entry=entry.decode())


def _appending(lane: int, events: Sequence[Event]) -> Call:
    keys: list[Any] = [STREAMS[lane]]
    values: list[Any] = [CLAIM_LIFETIME_MS]
    for event in events:
        values.append(encode(event))
        if event.key is None:
            values.append(b"")
        else:
            keys.append(claim_of(event, lane))
            values.append(_encode(Waiting(event.id, event.received_at, content_of(event))))
    return _accept.call(keys, values)


def _found(answer: Any) -> Waiting | None:
    if isinstance(answer, Exception):
        raise unavailable(answer)
    return None if answer is None else waiting_of(answer)
