"""How an event is spelled in its lane, and in the claim of its key."""

from typing import Final

import msgspec
from msgspec import Struct

from laurels.core.event import Event, EventId, Instant, ParticipantId, TenantId
from laurels.engine.queue import Waiting, content_of


class Text(Struct, frozen=True, array_like=True, gc=False):
    """An event without its properties, which are read from their JSON again. Only ever add."""

    tenant: TenantId
    id: EventId
    participant: ParticipantId
    name: str
    properties_json: str
    occurred_at: Instant
    received_at: Instant
    key: str | None = None
    source: str | None = None
    dated: bool = True


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Text).decode
_properties: Final = msgspec.json.Decoder(dict).decode


def encode(event: Event) -> bytes:
    return _encode(
        Text(
            event.tenant,
            event.id,
            event.participant,
            event.name,
            event.properties_json,
            event.occurred_at,
            event.received_at,
            event.key,
            event.source,
            event.dated,
        )
    )


def decode(raw: bytes) -> Event:
    """Read an event again. Raises msgspec.MsgspecError where there is none."""
    text = _decode(raw)
    return Event(
        tenant=text.tenant,
        id=text.id,
        participant=text.participant,
        name=text.name,
        properties=_properties(text.properties_json),
        properties_json=text.properties_json,
        occurred_at=text.occurred_at,
        received_at=text.received_at,
        key=text.key,
        source=text.source,
        dated=text.dated,
    )


def decode_if_any(raw: bytes) -> Event | None:
    """Read an event again, if anybody can."""
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def claim_text(event: Event) -> bytes:
    """Spell what the claim of a key says, but for where the entry stands."""
    return _encode(Waiting(event.id, event.received_at, content_of(event)))
