"""Where webhooks come from, as a rulebook has it: how they are signed, and what they mean."""

from typing import Literal, TypeAlias

from msgspec import Struct

from laurels.core.filter import Path

SignatureScheme: TypeAlias = Literal["stripe", "standard", "github", "shopify"]


class WebhookEvent(Struct, frozen=True, kw_only=True):
    """Which event the deliveries of one type are."""

    type: str
    event: str
    participant: Path | None
    """Where the id of whoever did it stands; None means nobody can be told."""
    properties: Path | None
    """Where the event's properties stand; None means that the whole body is them."""


class Source(Struct, frozen=True, kw_only=True):
    """Somebody whose webhooks we take. Paths lead into the body of a delivery."""

    id: str
    signature: SignatureScheme
    delivery: Path | None = None
    """Where a delivery's id stands; None means in the header that the signature's makers use."""
    type: Path | None = None
    """Where its type stands; None means in a header as well."""
    at: Path | None = None
    """Where its time stands; None means that it is when it was received."""
    participant: Path | None = None
    properties: Path | None = None
    events: tuple[WebhookEvent, ...] | None = None
    """By type; None means that each type is an event of the same name."""
