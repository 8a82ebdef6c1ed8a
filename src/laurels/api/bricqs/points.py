"""Points by hand: awards and deductions."""

from collections.abc import Sequence
from typing import Any, Final

from laurels.api.body import Shape, read, read_items
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_points as wire
from laurels.api.bricqs.desk import Asked, Desk, answer, paying
from laurels.api.bricqs.docs import Told, route, writes
from laurels.api.bricqs.errors import error_of
from laurels.api.bricqs.translate import to_badges, to_instant
from laurels.api.exchange import Reply, Request
from laurels.api.route import Route
from laurels.core import limits
from laurels.core.change import Change, PointsPosted, TierChanged
from laurels.core.command import Award, Deduct
from laurels.core.errors import Refusal
from laurels.core.event import ParticipantId
from laurels.core.ledger import NOTHING, SPENT
from laurels.engine.ports import Outcome, Receipt

TAG: Final = "Bricqs points"

_award: Final = Shape(wire.AwardBody)
_grant: Final = Shape(wire.GrantBody)
_deduct: Final = Shape(wire.DeductBody)


class Points:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_award(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _award)
        receipt = await self._desk.submit(to_award(body, asked))
        awarded = to_awarded(asked.participant, receipt)
        return answer(
            wire.Awarded(**awarded, lifetime=await self._lifetime(asked, receipt)), receipt
        )

    async def post_grant(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _grant, is_admin=True)
        receipt = await self._desk.submit(to_award(body, asked))
        lifetime = await self._lifetime(asked, receipt)
        given = wire.Given(
            **to_awarded(asked.participant, receipt),
            lifetime=lifetime,
            duplicate=receipt.duplicate,
        )
        return answer(given, receipt)

    async def post_deduct(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _deduct)
        command = Deduct(
            **asked.stamp(),
            amount=body.amount,
            currency=body.currency,
            reason=body.reason or "",
        )
        receipt = await self._desk.submit(command)
        moved = to_moved(asked.participant, receipt)
        return answer(
            wire.PointsMoved(**moved, lifetime=await self._lifetime(asked, receipt)), receipt
        )

    async def post_batch(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        raw = await read(request, limits.BATCH_BODY_BYTES_MAX)
        bodies = read_items(raw, "awards", _award, limits.GAMIFY_BATCH_EVENTS_MAX)
        received_at, ids = self._desk.clock.accept(len(bodies))
        awards = [
            to_award(
                body,
                Asked(caller.tenant, body.participant_id, received_at, id_, body.idempotency_key),
                f"awards[{index}].",
            )
            for index, (body, id_) in enumerate(zip(bodies, ids, strict=True))
        ]
        return answer(to_batch(awards, await self._desk.submit_all(awards)))

    async def _lifetime(self, asked: Asked, receipt: Receipt) -> int:
        """Return what was ever earned of the currency: the one number that no receipt holds."""
        met = await self._desk.read(asked.tenant, asked.participant)
        return met.state.balances.get(posting_of(receipt)[1].currency, NOTHING).earned


def to_award(body: wire.AwardBody, asked: Asked, where: str = "") -> Award:
    return Award(
        **asked.stamp(),
        amount=body.amount,
        currency=body.currency,
        reason=body.reason or "",
        expires_at=to_instant(body.expires_at, f"{where}expires_at"),
    )


def posting_of(receipt: Receipt) -> tuple[int, PointsPosted]:
    """Return the posting that was asked for, and its place: whatever it led to comes later."""
    return next(
        (position, change)
        for position, change in enumerate(receipt.changes)
        if isinstance(change, PointsPosted)
    )


def balance_after(changes: Sequence[Change], currency: str) -> int | None:
    """Return what there is to spend of a currency once all of it has happened."""
    balances = [
        change.balance
        for change in changes
        if isinstance(change, PointsPosted) and change.currency == currency
    ]
    return balances[-1] if balances else None


def to_moved(participant: ParticipantId, receipt: Receipt) -> dict[str, Any]:
    """Return what a posting by hand came to; but for `lifetime`."""
    position, posting = posting_of(receipt)
    balance = balance_after(receipt.changes, posting.currency)
    return {
        "transaction_id": f"{receipt.id}-{position}",
        "participant_id": participant,
        "amount": posting.amount,
        "currency": posting.currency,
        "new_balance": balance,
        "available": balance,
        "delta": -posting.amount if posting.target == SPENT else posting.amount,
    }


def to_awarded(participant: ParticipantId, receipt: Receipt) -> dict[str, Any]:
    return {
        **to_moved(participant, receipt),
        "tier_upgrade": to_upgrade(receipt.changes),
        "badges_unlocked": to_badges(receipt.changes),
    }


def to_upgrade(changes: Sequence[Change]) -> wire.TierUpgrade | None:
    """Return the way up from the first tier to the last, if there was one."""
    moves = [change for change in changes if isinstance(change, TierChanged)]
    if not moves or moves[-1].tier is None:
        return None
    first, last = moves[0], moves[-1]
    return wire.TierUpgrade(
        moves[-1].tier, last.title, last.level, first.previous, first.previous_level
    )


def to_batch(awards: Sequence[Award], outcomes: Sequence[Outcome]) -> wire.BatchAwarded:
    rows = [_to_row(award, outcome) for award, outcome in zip(awards, outcomes, strict=True)]
    processed = sum(row.status == "processed" for row in rows)
    return wire.BatchAwarded(processed, len(rows) - processed, rows)


def _to_row(award: Award, outcome: Outcome) -> wire.AwardRow:
    if isinstance(outcome, Refusal):
        error = error_of(outcome)
    elif parked := outcome.parked:
        error = parked.reason
    else:
        awarded = to_awarded(award.participant, outcome)
        del awarded["available"], awarded["delta"]
        return wire.AwardRow(**awarded)
    return wire.AwardRow(status="error", participant_id=award.participant, error=error)


_AWARD: Final = {
    "participant_id": "user_123",
    "amount": 250,
    "reason": "Helped another customer",
    "idempotency_key": "user_123:help:4271",
}
_MOVED: Final = {
    "transaction_id": f"{docs.ID}-0",
    "participant_id": "user_123",
    "amount": 250,
    "currency": "points",
    "new_balance": 1250,
    "available": 1250,
    "lifetime": 1400,
    "delta": 250,
}
_AWARDED: Final[dict[str, Any]] = {
    **_MOVED,
    "tier_upgrade": {
        "code": "silver",
        "name": "Silver",
        "level": 2,
        "previous_code": "bronze",
        "previous_level": 1,
    },
    "badges_unlocked": [],
}

AWARD: Final = writes(
    Told(
        id="awardPoints",
        tag=TAG,
        summary="Award points",
        about="As any credit, an award moves tiers, boards and whatever else listens to points.",
        reply=wire.Awarded,
        shows=_AWARDED,
        refusals=docs.UNKNOWN,
    ),
    wire.AwardBody,
    _AWARD,
)
GRANT: Final = writes(
    Told(
        id="grantPoints",
        tag=TAG,
        summary="Award points, for admin keys",
        about="The same as an award; the reply says whether its key came before.",
        reply=wire.Given,
        shows={**_AWARDED, "duplicate": False},
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    wire.GrantBody,
    {**_AWARD, "memo": "ticket 88"},
)
DEDUCT: Final = writes(
    Told(
        id="deductPoints",
        tag=TAG,
        summary="Deduct points",
        about="All of them or none. Those go first that expire soonest.",
        reply=wire.PointsMoved,
        shows={**_MOVED, "new_balance": 1000, "available": 1000, "delta": -250},
        refusals={**docs.UNKNOWN, **docs.TOO_FEW},
    ),
    wire.DeductBody,
    {"participant_id": "user_123", "amount": 250, "reason": "Parking ticket"},
)
BATCH: Final = writes(
    Told(
        id="awardBatch",
        tag=TAG,
        summary="Award points up to 100 times",
        about=(
            "An award of the wrong shape sinks the whole request; what goes wrong in processing "
            "stays with its award. Keys are sent with each award; a header key is not read here."
        ),
        reply=wire.BatchAwarded,
        shows={
            "processed": 1,
            "failed": 0,
            "results": [
                {
                    "status": "processed",
                    **{name: _AWARDED[name] for name in ("participant_id", "transaction_id")},
                    "amount": 250,
                    "currency": "points",
                    "new_balance": 1250,
                    "tier_upgrade": None,
                    "badges_unlocked": [],
                }
            ],
        },
    ),
    wire.AwardBatch,
    {"awards": [_AWARD]},
)


def routes(desk: Desk) -> list[Route]:
    points = Points(desk)
    base = f"{docs.BASE}/points"
    return [
        route("POST", f"{base}/award", points.post_award, AWARD),
        route("POST", f"{base}/award-batch", points.post_batch, BATCH),
        route("POST", f"{base}/deduct", paying(points.post_deduct), DEDUCT),
        route("POST", f"{base}/grant", points.post_grant, GRANT),
    ]
