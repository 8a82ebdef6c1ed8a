"""From the words of `/v1` to ours, and from receipts to its replies."""

from math import floor
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from laurels.api.body import Judged, Shape, object_text
from laurels.api.exchange import Header
from laurels.api.questkit import wire
from laurels.core.change import ChallengeCompleted, ProgressMoved
from laurels.core.event import Event, EventId, Instant, TenantId
from laurels.engine.ports import Receipt

REPLAYS: Final[dict[str, tuple[Header, ...]]] = {
    "decision": (),
    "cache": ((b"x-idempotent-replay", b"hit"),),
    "store": ((b"x-idempotent-replay", b"db-hit"),),
}


class Text(Struct, gc=False):
    """The payload as it was sent, where numbers still have all their digits."""

    payload: Raw


class Arrival(Struct, frozen=True, gc=False):
    """Whose world an event reached, when, and the id it may take."""

    tenant: TenantId
    received_at: Instant
    id: EventId


_text: Final = msgspec.json.Decoder(Text).decode
_event: Final = Shape(wire.QuestEvent)


def read_event(raw: bytes) -> wire.QuestEvent:
    """Return the event of a body. Fields we do not know are ignored here, and nothing is said."""
    judged: Judged[wire.QuestEvent] = _event.read(raw)
    return judged.body


def from_event_body(
    body: wire.QuestEvent, raw: bytes, arrival: Arrival, header_key: str | None
) -> Event:
    """Read an event. When header and body both name a key, the header wins; empty is absent."""
    return Event(
        tenant=arrival.tenant,
        id=arrival.id,
        participant=body.user_id,
        name=body.name,
        properties=body.payload,
        properties_json=object_text(_text(raw).payload),
        occurred_at=floor(body.timestamp),
        received_at=arrival.received_at,
        key=header_key or body.idempotency_key or None,
    )


def to_event_accepted(receipt: Receipt) -> wire.QuestEventAccepted:
    return wire.QuestEventAccepted(True, f"evt_{receipt.id}", missions_updated(receipt))  # noqa: FBT003 - a constant of the wire


def missions_updated(receipt: Receipt) -> list[str]:
    """Name the challenges that this event moved, each once, in the order they moved."""
    moved: dict[str, Any] = {}
    for change in receipt.changes:
        if (isinstance(change, ProgressMoved) and not change.quiet) or isinstance(
            change, ChallengeCompleted
        ):
            moved[change.challenge] = None
    return list(moved)


def replay_headers(receipt: Receipt) -> tuple[Header, ...]:
    """Tell which memory a replay came from, and whether the key came with other content."""
    headers = REPLAYS[receipt.answered_by]
    return (*headers, (b"idempotency-mismatch", b"true")) if receipt.mismatch else headers
