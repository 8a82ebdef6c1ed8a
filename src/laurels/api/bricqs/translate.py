"""From the words of `/api/v1` to ours, and from receipts to its replies."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from laurels.api import instant
from laurels.api.body import object_text
from laurels.api.bricqs import wire
from laurels.api.bricqs.read import Part
from laurels.api.exchange import Header
from laurels.core.change import (
    BadgeAwarded,
    Change,
    FreezesGranted,
    ItemGranted,
    PointsPosted,
    ProgressMoved,
    RewardGranted,
    ScoreMoved,
    TierChanged,
)
from laurels.core.errors import InvalidBody, Problem, Unavailable
from laurels.core.event import CUSTOM, Event, EventId, Instant, TenantId
from laurels.core.ledger import is_earned
from laurels.core.number import Millionths, plain
from laurels.core.ulid import fact_id, message_id
from laurels.engine.answers import History
from laurels.engine.ports import Outcome, Receipt

IGNORED_SHOWN_MAX: Final = 20
NAME_CHARS_SHOWN_MAX: Final = 100
MISMATCH: Final[tuple[Header, ...]] = ((b"idempotency-mismatch", b"true"),)

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
    at = to_instant(body.timestamp, "timestamp")
    if body.occurred_at is None:
        return at
    return _agreed(at, to_instant(body.occurred_at, "occurred_at"), "timestamp", "occurred_at")


def to_instant(text: str | None, path: str) -> Instant | None:
    """Read a time that stands in a body. Raises InvalidBody."""
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


def to_outcome(
    receipt: Receipt, ignored: Sequence[str], ranks: Mapping[str, int | None]
) -> wire.Outcome:
    """Render what an event led to; `ranks` are those that its contests' scores came to."""
    results = to_results(receipt, ranks)
    warnings = warnings_of(receipt, ignored)
    if parked := receipt.parked:
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


def to_results(receipt: Receipt, ranks: Mapping[str, int | None]) -> wire.Results:
    points = 0
    moves: list[wire.ObjectiveMove] = []
    for change in receipt.changes:
        if isinstance(change, PointsPosted):
            if change.currency == receipt.currency and is_earned(change.source, change.target):
                points += change.amount
        elif isinstance(change, ProgressMoved) and not change.quiet:
            moves.append(to_move(change))
    return wire.Results(
        points_granted=points,
        tier_changed=to_tier_move(receipt.changes),
        challenge_progress=moves,
        badges_earned=to_badges(receipt.changes),
        contest_score_delta=[
            wire.ScoreDelta(contest, plain(delta), ranks.get(contest))
            for contest, delta in contest_deltas(receipt).items()
        ],
    )


def to_badges(changes: Sequence[Change]) -> list[wire.BadgeEarned]:
    return [
        wire.BadgeEarned(change.badge, change.title, instant.to_text(change.at))
        for change in changes
        if isinstance(change, BadgeAwarded)
    ]


def to_tier_move(changes: Sequence[Change]) -> wire.TierMove | None:
    """Return the way from the first tier to the last, if there was any."""
    moves = [change for change in changes if isinstance(change, TierChanged)]
    if not moves:
        return None
    first, last = moves[0], moves[-1]
    return wire.TierMove(
        before=first.previous,
        after=last.tier,
        code=last.tier,
        name=last.title or None,
        level=last.level,
        previous_code=first.previous,
        previous_level=first.previous_level,
    )


def contest_deltas(receipt: Receipt) -> dict[str, Millionths]:
    """Return by how much each contest's score moved, in the order they were first moved."""
    deltas: dict[str, Millionths] = {}
    for change in receipt.changes:
        if isinstance(change, ScoreMoved) and change.is_contest:
            deltas[change.board] = deltas.get(change.board, 0) + change.after - change.before
    return deltas


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
    if parked := receipt.parked:
        return wire.Emitted(status="error", error=parked.reason)
    return wire.Emitted(
        event_id=receipt.id,
        fact_id=fact_id(receipt.id),
        rewards_granted=list(to_granted(receipt.changes)),
    )


def to_granted(changes: Sequence[Change]) -> Iterator[wire.Granted]:
    """Return an entry for whatever was given, in the order of the chain."""
    for change in changes:
        match change:
            case PointsPosted() if is_earned(change.source, change.target):
                yield wire.PointsGranted(change.amount, change.currency, change.rule)
            case BadgeAwarded():
                yield wire.BadgeGranted(change.badge, change.title)
            case ItemGranted():
                yield wire.RewardGranted(change.item, change.quantity)
            case RewardGranted():
                yield wire.RewardGranted(change.reward, 1, change.claim, change.title)
            case FreezesGranted():
                yield wire.FreezesGranted(change.streak, change.quantity)
            case _:
                pass


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


def refuse_if_unavailable(outcomes: Sequence[Outcome]) -> None:
    """Let the caller send the whole batch again when none of it could be taken."""
    if outcomes and all(isinstance(outcome, Unavailable) for outcome in outcomes):
        raise outcomes[0]  # pyright: ignore[reportGeneralTypeIssues] - all of them are
