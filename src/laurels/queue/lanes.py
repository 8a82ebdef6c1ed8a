"""Accepting: events into the lanes of Redis, as many in one round trip as came together."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from laurels.core.errors import Unavailable
from laurels.core.event import Event
from laurels.engine.queue import (
    CLAIM_LIFETIME_MS,
    LANES,
    Backlog,
    Original,
    Waiting,
)
from laurels.link import Link
from laurels.queue.names import PARKED, STREAMS, claim_of, lane_of
from laurels.queue.parked import raw_of
from laurels.queue.script import Call, Script, ask, plain, together, unavailable
from laurels.queue.text import claim_text, decode_if_any, encode

_accept: Final = Script("accept")
_look: Final = Script("look")
_original: Final = Script("original")
_decode: Final = msgspec.msgpack.Decoder(Waiting).decode


class RedisLanes:
    """The lanes, from the side of an event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def append(self, events: Sequence[Event]) -> list[Waiting | Unavailable | None]:
        lanes = [lane_of(event) for event in events]
        shared = together(self._link, dict.fromkeys(lanes))
        group_of = {lane: nth for nth, group in enumerate(shared) for lane in group}
        groups: list[list[int]] = [[] for _ in shared]
        for place, lane in enumerate(lanes):
            groups[group_of[lane]].append(place)
        calls = [_appending([(lanes[place], events[place]) for place in group]) for group in groups]
        outcomes: list[Waiting | Unavailable | None] = [None for _ in events]
        answers = await ask(self._link, calls)
        for places, answer in zip(groups, answers, strict=True):
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
        claims: dict[int, dict[bytes, Waiting | None]] = {}
        names: list[tuple[int, bytes]] = []
        for event in events:
            lane = lane_of(event)
            name = claim_of(event, lane)
            names.append((lane, name))
            claims.setdefault(lane, {})[name] = None
        groups = [
            {name: lane for lane in group for name in claims[lane]}
            for group in together(self._link, claims)
        ]
        answers = await ask(self._link, [plain("MGET", *group) for group in groups])
        for group, answer in zip(groups, answers, strict=True):
            if isinstance(answer, Exception):
                raise unavailable(answer)
            for (name, lane), said in zip(group.items(), answer, strict=True):
                claims[lane][name] = None if said is None else waiting_of(said)
        return [claims[lane][name] for lane, name in names]

    async def original(self, event: Event) -> Original | None:
        lane = lane_of(event)
        keys = claim_of(event, lane), STREAMS[lane], PARKED[lane]
        (answer,) = await ask(self._link, [_original.call(keys)])
        if isinstance(answer, Exception):
            raise unavailable(answer)
        if answer is None:
            return None
        is_parked, said = bool(answer[0]), answer[1]
        first = decode_if_any(raw_of(said) if is_parked else said)
        if first is None:
            raise Unavailable("What was sent first with this key cannot be read; try again.")
        return Original(first, is_parked)

    async def backlog(self) -> Backlog:
        groups = together(self._link, range(LANES))
        calls = [
            _look.call([name for lane in group for name in (STREAMS[lane], PARKED[lane])])
            for group in groups
        ]
        told: list[tuple[int, int]] = []
        for answer in await ask(self._link, calls):
            if isinstance(answer, Exception):
                raise unavailable(answer)
            told.append(answer)
        return Backlog(sum(count for count, _ in told), max(waited for _, waited in told))


def _pairs(answer: list[Any]) -> Iterator[tuple[int, bytes]]:
    return zip(answer[::2], answer[1::2], strict=True)


def waiting_of(claim: bytes) -> Waiting:
    entry, _, said = claim.partition(b" ")
    return msgspec.structs.replace(_decode(said), entry=entry.decode())


def _appending(events: Sequence[tuple[int, Event]]) -> Call:
    places: dict[int, int] = {}
    claims: list[bytes] = []
    values: list[Any] = []
    for lane, event in events:
        values.append(places.setdefault(lane, len(places) + 1))
        values.append(encode(event))
        if event.key is None:
            values.append(b"")
        else:
            claims.append(claim_of(event, lane))
            values.append(claim_text(event))
    keys = [*(STREAMS[lane] for lane in places), *claims]
    return _accept.call(keys, (len(places), CLAIM_LIFETIME_MS, *values))
