"""Deliveries of webhooks as operators see them."""

from typing import Literal, TypeAlias

from msgspec import Struct

Status: TypeAlias = Literal["waiting", "processed", "ignored", "unclaimed", "parked"]


class Delivery(Struct, frozen=True):
    """What a source has sent us, and what has become of it."""

    source: str
    delivery_id: str
    event_id: str
    type: str
    status: Status
    attempts: int
    received_at: str
    due_at: str | None
    reason: str | None


class Deliveries(Struct, frozen=True):
    """Newest first."""

    deliveries: list[Delivery]
    total: int
    page: int
    page_size: int


class WholeDelivery(Struct, frozen=True):
    delivery: Delivery
    body: str
