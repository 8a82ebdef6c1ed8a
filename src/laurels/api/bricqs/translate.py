"""From the words of `/api/v1` to ours, and from receipts to its replies."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from laurels.api import instant
from laurels.api.body import object_text
from laurels.api.bricqs import wire
from laurels.api.bricqs.read import Part
from laurels.core.change import BadgeAwarded, ItemGranted, Parked, PointsPosted, ProgressMoved
from laurels.core.errors import InvalidBody, Problem
from laurels.core.event import CUSTOM, Event, EventId, Instant, TenantId
from laurels.core.ledger import is_house
from laurels.core.number import plain
from laurels.core.ulid import fact_id, message_id
from laurels.engine.ports import History, Receipt

IGNORED_SHOWN_MAX: Final = 20
NAME_CHARS_SHOWN_MAX: Final = 100

_NOTHING: Final = wire.Results()


class Arrival(Struct, frozen=True):
    """Where and when events reached us, and the ids they may take."""

    tenant: TenantId
    received_at: Instant
    ids: Iterator[EventId]


def from_event_body(part: Part[Any], arrival: Arrival, header_key: str | None = None) -> Event:
    """
    Read an event. Raises InvalidBody when a time is none, or two names of one field disagree.

    An id is taken only for an event that is sound, so that the ids of a batch have no gaps.
    """
    body: wire.EventBody = part.body
    name = body.event_name
    if body.event_type is not None:
        name = _agreed(name, body.event_type, "event_name", "event_type")
    if name is None:
        raise InvalidBody(Problem("event_name", "is required"))
    properties, text = _properties(body, part.texts)
    occurred_at = _occurred_at(body)
    return Event(
        tenant=arrival.tenant,
        id=next(arrival.ids),
        participant=body.participant_id,
        name=name,
        properties=properties,
        properties_json=text,
        occurred_at=arrival.received_at if occurred_at is None else occurred_at,
        received_at=arrival.received_at,
        key=body.idempotency_key if header_key is None else header_key,
        source=body.source,
        dated=occurred_at is not None,
    )


def _properties(body: wire.EventBody, texts: wire.Texts) -> tuple[dict[str, Any], str]:
    properties = body.properties
    other = body.attributes
    if other is None:
        return (properties, object_text(texts.properties)) if properties else ({}, "{}")
    if properties is not None and properties is not UNSET:
        _agreed(_canonical(properties), _canonical(other), "properties", "attributes")
    return other, object_text(texts.attributes)


def _occurred_at(body: wire.EventBody) -> Instant | None:
    at = _instant(body.timestamp, "timestamp")
    if body.occurred_at is None:
        return at
    return _agreed(at, _instant(body.occurred_at, "occurred_at"), "timestamp", "occurred_at")


def _instant(text: str | None, path: str) -> Instant | None:
    if text is None:
        return None
    try:
        return instant.from_text(text)
    except ValueError as fault:
        raise InvalidBody(Problem(path, str(fault))) from None


def _agreed(one: Any, other: Any, name: str, alias: str) -> Any:
    if one is None or one == other:
        return other
    raise InvalidBody(Problem(alias, f"differs from {name}, which is another name of it"))


def _canonical(properties: dict[str, Any]) -> bytes:
    # Python's own comparison would take true for 1.
    return msgspec.json.encode(properties, order="sorted")


def evt(event: EventId) -> str:
    return f"evt_{event}"


def warnings_of(receipt: Receipt, ignored: Sequence[str] = ()) -> list[str]:
    """Say what went well and may still surprise."""
    if receipt.known and not ignored and not receipt.mismatch:
        return []
    warnings = [] if receipt.known else [f"unknown_event: {receipt.name}"]
    warnings += ignored_fields(ignored)
    if receipt.mismatch:
        warnings.append("idempotency_mismatch")
    return warnings


def ignored_fields(names: Sequence[str]) -> list[str]:
    """Name the fields that were not read, as far as a reply should go."""
    return [f"ignored_field: {name[:NAME_CHARS_SHOWN_MAX]}" for name in names[:IGNORED_SHOWN_MAX]]


def to_accepted(receipt: Receipt, ignored: Sequence[str]) -> wire.Accepted:
    return wire.Accepted(
        accepted=True,
        message_id=message_id(receipt.id),
        event_id=evt(receipt.id),
        duplicate=receipt.duplicate,
        warnings=warnings_of(receipt, ignored),
    )


def to_outcome(receipt: Receipt, ignored: Sequence[str]) -> wire.Outcome:
    results = to_results(receipt)
    warnings = warnings_of(receipt, ignored)
    parked = parked_of(receipt)
    if parked:
        warnings.append(f"parked: {parked.reason}")
    return wire.Outcome(
        event_id=evt(receipt.id),
        fact_id=f"fact_{fact_id(receipt.id)}",
        fact_type=CUSTOM + receipt.name,
        processed_at=instant.to_text(receipt.recorded_at),
        duplicate=receipt.duplicate,
        results=_NOTHING if receipt.duplicate else results,
        original_results=results if receipt.duplicate else UNSET,
        warnings=warnings,
    )


def to_results(receipt: Receipt) -> wire.Results:
    points = 0
    moves: list[wire.ObjectiveMove] = []
    badges: list[wire.BadgeEarned] = []
    for change in receipt.changes:
        if isinstance(change, PointsPosted):
            if change.currency == receipt.currency and is_house(change.source):
                points += change.amount
        elif isinstance(change, ProgressMoved):
            if not change.quiet:
                moves.append(to_move(change))
        elif isinstance(change, BadgeAwarded):
            earned_at = instant.to_text(change.at)
            badges.append(wire.BadgeEarned(change.badge, change.title, earned_at))
    return wire.Results(points_granted=points, challenge_progress=moves, badges_earned=badges)


def to_move(change: ProgressMoved) -> wire.ObjectiveMove:
    return wire.ObjectiveMove(
        challenge_id=change.challenge,
        objective_id=change.objective,
        before=plain(min(change.before, change.target)),
        after=plain(min(change.after, change.target)),
        completed=change.after >= change.target,
    )


def to_emitted(receipt: Receipt) -> wire.Emitted:
    """Render what is the same at every replay, byte for byte: nothing of today enters it."""
    parked = parked_of(receipt)
    if parked:
        return wire.Emitted(status="error", error=parked.reason)
    return wire.Emitted(
        event_id=receipt.id,
        fact_id=fact_id(receipt.id),
        rewards_granted=list(_granted(receipt)),
    )


def _granted(receipt: Receipt) -> Iterator[wire.Granted]:
    for change in receipt.changes:
        if isinstance(change, PointsPosted):
            if is_house(change.source):
                yield wire.PointsGranted(change.amount, change.currency, change.rule)
        elif isinstance(change, BadgeAwarded):
            yield wire.BadgeGranted(change.badge, change.title)
        elif isinstance(change, ItemGranted):
            yield wire.RewardGranted(change.item, change.quantity)


def parked_of(receipt: Receipt) -> Parked | None:
    """Return why an event is kept without effect, if it is."""
    for change in receipt.changes:
        if isinstance(change, Parked):
            return change
    return None


def to_history_page(
    history: History, *, participant: str, page: int, page_size: int
) -> wire.HistoryPage:
    events = [
        wire.HistoryEvent(
            entry.id,
            entry.name,
            Raw(entry.properties_json.encode()),
            instant.to_text(entry.occurred_at),
        )
        for entry in history.entries
    ]
    return wire.HistoryPage(participant, events, history.total, page, page_size)
