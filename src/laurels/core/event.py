"""Events as they reach us, and the facts we make of them."""

from typing import Any, ClassVar, Final, TypeAlias

from msgspec import Struct

TenantId: TypeAlias = str
"""One world of one tenant: `demo/live` or `demo/test`. Everything stored begins with it."""
ParticipantId: TypeAlias = str
EventId: TypeAlias = str
"""A ULID, bare. APIs that show a prefix add their own."""
Instant: TypeAlias = int
"""Milliseconds since 1970, UTC."""

CUSTOM: Final = "custom."
"""What the kind of a fact begins with when an application reported it."""


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """
    Something a participant did, as reported to us. A report, not yet a truth.

    `properties_json` is the same object as `properties`, as it was sent: numbers keep all their
    digits there. The id is made when the event is accepted, and is unique for ever.
    """

    tenant: TenantId
    id: EventId
    participant: ParticipantId
    name: str
    properties: dict[str, Any]
    properties_json: str
    occurred_at: Instant
    received_at: Instant
    key: str | None = None
    source: str | None = None
    dated: bool = True
    """Whether the caller gave the time; else `occurred_at` is `received_at`."""

    operation: ClassVar[str] = "event"
    """What a key is bound to, beside its participant: one namespace for every event route."""


class Fact(Struct, frozen=True, gc=False):
    """Something we hold to be true. Rules read facts; they never read events."""

    kind: str
    data: dict[str, Any]
    at: Instant
    because: int = -1
    """Position of the change that made this fact; -1 when the event itself did."""


def accept(event: Event) -> Fact:
    """Turn a report into a fact. Names we have never seen are welcome."""
    return Fact(CUSTOM + event.name, event.properties, event.occurred_at)
