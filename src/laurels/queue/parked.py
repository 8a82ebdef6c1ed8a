"""What was taken out of a lane undecided: kept as it was, until somebody looks after it."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from laurels.core.event import Instant
from laurels.engine.queue import CLAIM_LIFETIME_MS, LANES, ParkedEntry
from laurels.link import BlockingLink
from laurels.queue.names import INSTALLATION, PARKED, STREAMS, claims_of
from laurels.queue.owner import spelled
from laurels.queue.script import Script, ask_blocking, plain
from laurels.queue.text import claim_text, decode_if_any

_requeue: Final = Script("requeue")


class ParkedText(Struct, frozen=True, array_like=True):
    reason: str
    parked_at: Instant
    raw: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(ParkedText).decode


def kept(reason: str, at: Instant, raw: bytes) -> bytes:
    """Spell what is kept of a parked entry."""
    return _encode(ParkedText(reason, at, raw))


def raw_of(value: bytes) -> bytes:
    """Return the entry as it was; nothing where that cannot be read."""
    try:
        return _decode(value).raw
    except msgspec.MsgspecError:
        return b""


class RedisParked:
    """The parked entries of all lanes."""

    def __init__(self, link: BlockingLink) -> None:
        self._link = link

    def installation(self) -> str | None:
        (found,) = ask_blocking(self._link, [plain("GET", INSTALLATION)])
        return None if found is None else spelled(found)

    def listed(self, count: int) -> list[ParkedEntry]:
        found: list[ParkedEntry] = []
        for lane in range(LANES):
            cursor: Any = 0
            taken = 0
            while taken < count:
                call = plain("HSCAN", PARKED[lane], cursor, "COUNT", count)
                ((cursor, rows),) = ask_blocking(self._link, [call])
                found += [_parked(lane, id_, raw) for id_, raw in rows.items()]
                taken += len(rows)
                if int(cursor) == 0:
                    break
        return sorted(found, key=lambda one: (one.parked_at, one.lane, one.id))[:count]

    def requeue(self, lane: int, id_: str) -> bool:
        entry = self._find(lane, id_)
        if entry is None:
            return False
        keys = (PARKED[lane], STREAMS[lane], *claims_of(entry.event, lane))
        said = b"" if entry.event is None else claim_text(entry.event)
        call = _requeue.call(keys, (id_, entry.raw, CLAIM_LIFETIME_MS, said))
        return bool(ask_blocking(self._link, [call])[0])

    def discard(self, lane: int, id_: str) -> bool:
        entry = self._find(lane, id_)
        if entry is None:
            return False
        calls = [plain("HDEL", PARKED[lane], id_)]
        calls += [plain("DEL", claim) for claim in claims_of(entry.event, lane)]
        return bool(ask_blocking(self._link, calls)[0])

    def _find(self, lane: int, id_: str) -> ParkedEntry | None:
        (raw,) = ask_blocking(self._link, [plain("HGET", PARKED[lane], id_)])
        return None if raw is None else _parked(lane, id_.encode(), raw)


def _parked(lane: int, id_: bytes, value: bytes) -> ParkedEntry:
    about = _decode(value)
    return ParkedEntry(
        lane=lane,
        id=id_.decode(),
        reason=about.reason,
        parked_at=about.parked_at,
        raw=about.raw,
        event=decode_if_any(about.raw),
    )
