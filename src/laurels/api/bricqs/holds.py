"""Holds: points that are set aside until they are captured, released, or their time is over."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_points as wire
from laurels.api.bricqs.desk import Desk, answer, paying
from laurels.api.bricqs.docs import Told, in_path, route, writes
from laurels.api.bricqs.points import TAG, balance_after
from laurels.api.bricqs.translate import to_instant
from laurels.api.bricqs.wire import Keyed
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Operation, Route
from laurels.core.change import Change, HoldEnded, HoldPlaced, PointsPosted
from laurels.core.command import EndHold, Hold
from laurels.core.event import ParticipantId
from laurels.core.ledger import HELD

_hold: Final = Shape(wire.HoldBody)
_capture: Final = Shape(wire.CaptureBody)
_release: Final = Shape(Keyed)


class Holds:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_hold(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _hold)
        command = Hold(
            **asked.stamp(),
            amount=body.amount,
            currency=body.currency,
            expires_at=to_instant(body.expires_at, "expires_at"),
        )
        receipt = await self._desk.submit(command)
        return answer(to_placed(asked.participant, receipt.changes), receipt)

    async def post_capture(self, request: Request) -> Reply:
        hold = path_part(request, "hold_id")
        body, asked = await self._desk.take(request, _capture)
        command = EndHold(**asked.stamp(), hold=hold, capture=True, amount=body.amount)
        receipt = await self._desk.submit(command)
        return answer(to_ended(asked.participant, receipt.changes), receipt)

    async def post_release(self, request: Request) -> Reply:
        hold = path_part(request, "hold_id")
        _, asked = await self._desk.take(request, _release)
        receipt = await self._desk.submit(EndHold(**asked.stamp(), hold=hold, capture=False))
        return answer(to_ended(asked.participant, receipt.changes), receipt)


def to_placed(participant: ParticipantId, changes: Sequence[Change]) -> wire.Held:
    placed = next(change for change in changes if isinstance(change, HoldPlaced))
    return wire.Held(
        hold_id=placed.hold,
        participant_id=participant,
        amount=placed.amount,
        currency=placed.currency,
        status="held",
        captured=0,
        new_balance=balance_after(changes, placed.currency) or 0,
        expires_at=instant.to_text_if(placed.expires_at),
    )


def to_ended(participant: ParticipantId, changes: Sequence[Change]) -> wire.Held:
    """Render the end of a hold: the postings out of its account tell what it held."""
    ended = next(change for change in changes if isinstance(change, HoldEnded))
    out = [
        change
        for change in changes
        if isinstance(change, PointsPosted) and change.source.startswith(HELD)
    ]
    return wire.Held(
        hold_id=ended.hold,
        participant_id=participant,
        amount=sum(posting.amount for posting in out),
        currency=out[0].currency,
        status="captured" if ended.captured else "released",
        captured=ended.captured,
        new_balance=balance_after(changes, out[0].currency) or 0,
        expires_at=None,
    )


_ID: Final = in_path("hold_id", "As `hold_id` was told when it was placed.")
_HELD: Final = {
    "hold_id": docs.ID,
    "participant_id": "user_123",
    "amount": 200,
    "currency": "points",
    "status": "held",
    "captured": 0,
    "new_balance": 50,
    "expires_at": docs.TIME,
}
_ENDED: Final = {**_HELD, "expires_at": None}

PLACE: Final = writes(
    Told(
        id="holdPoints",
        tag=TAG,
        summary="Set points aside",
        about="They cannot be spent otherwise, and still expire when their time has come.",
        reply=wire.Held,
        shows=_HELD,
        refusals={**docs.UNKNOWN, **docs.TOO_FEW},
    ),
    wire.HoldBody,
    {"participant_id": "user_123", "amount": 200, "expires_at": "2099-04-10T10:30:00Z"},
)
CAPTURE: Final = writes(
    Told(
        id="captureHold",
        tag=TAG,
        summary="Spend what a hold has set aside",
        about="All of it or `amount`; the rest is released. The hold is gone then.",
        reply=wire.Held,
        shows={**_ENDED, "status": "captured", "captured": 150},
        parameters=(_ID,),
        refusals=docs.UNKNOWN,
    ),
    wire.CaptureBody,
    {"participant_id": "user_123", "amount": 150},
)
RELEASE: Final = writes(
    Told(
        id="releaseHold",
        tag=TAG,
        summary="Give back what a hold has set aside",
        about="With the expiry that it had. The hold is gone then.",
        reply=wire.Held,
        shows={**_ENDED, "status": "released", "new_balance": 250},
        parameters=(_ID,),
        refusals=docs.UNKNOWN,
    ),
    Keyed,
    {"participant_id": "user_123"},
)


def routes(desk: Desk) -> list[Route]:
    holds = Holds(desk)
    ends = {"capture": (holds.post_capture, CAPTURE), "release": (holds.post_release, RELEASE)}
    return [
        route("POST", f"{docs.BASE}/points/holds", paying(holds.post_hold), PLACE),
        *(
            route("POST", f"{docs.BASE}{prefix}/holds/{{hold_id}}/{name}", endpoint, said)
            for name, (endpoint, operation) in ends.items()
            for prefix, said in (("/points", operation), ("", _shorter(operation)))
        ),
    ]


def _shorter(operation: Operation) -> Operation:
    return replace(operation, id=f"{operation.id}ByShorterPath")
