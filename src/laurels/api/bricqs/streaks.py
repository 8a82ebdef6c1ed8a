"""Streaks: how they run, facts by hand, freezes and pauses."""

from typing import Final

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_streaks as wire
from laurels.api.bricqs.desk import Asked, Desk, answer, paying
from laurels.api.bricqs.docs import PARTICIPANT, Told, reads, route, writes
from laurels.api.bricqs.points import balance_after
from laurels.api.bricqs.translate import to_instant
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Route
from laurels.core.change import FreezesGranted, PointsPosted, StreakExtended
from laurels.core.command import Freeze, Pause, RecordStreak
from laurels.core.event import Instant
from laurels.core.rulebook import Streak
from laurels.core.streak import StreakPicture
from laurels.engine.answers import Met
from laurels.engine.pictures import picture_streak, run_length, streaks_of
from laurels.engine.ports import Receipt

TAG: Final = "Bricqs streaks"
PERIODS: Final = {"day": "daily", "week": "weekly", "month": "monthly"}

_record: Final = Shape(wire.RecordBody)
_freeze: Final = Shape(wire.FreezeBody)
_pause: Final = Shape(wire.PauseBody)


class Streaks:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_record(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _record)
        at = to_instant(body.timestamp, "timestamp")
        command = RecordStreak(
            **asked.stamp(),
            streak=body.streak_code,
            at=asked.received_at if at is None else at,
        )
        receipt = await self._desk.submit(command)
        extended = next(
            (
                each
                for each in receipt.changes
                if isinstance(each, StreakExtended) and not each.quiet
            ),
            None,
        )
        if extended is None:
            counts = (*await self._counts(asked, command), False, True)
        else:
            counts = (extended.current, extended.longest, extended.is_record, False)
        return answer(wire.Recorded(asked.participant, body.streak_code, *counts))

    async def post_freeze(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _freeze)
        command = Freeze(
            **asked.stamp(),
            streak=body.streak_code,
            action=body.action,
            quantity=body.quantity,
        )
        receipt = await self._desk.submit(command)
        picture = await self._picture(asked, body.streak_code)
        return answer(_to_frozen(body.streak_code, asked, receipt, picture.freezes), receipt)

    async def post_pause(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _pause)
        starts, ends = _moment(body.starts_at, "starts_at"), _moment(body.ends_at, "ends_at")
        await self._desk.submit(
            Pause(**asked.stamp(), streak=body.streak_code, starts=starts, ends=ends)
        )
        told = (instant.to_text(starts), instant.to_text(ends))
        return answer(wire.Paused(asked.participant, body.streak_code, *told))

    async def get_streaks(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        met = await self._desk.read(caller.tenant, participant)
        return answer(wire.Streaks(participant, to_streaks(met, self._desk.clock.now())))

    async def _counts(self, asked: Asked, command: RecordStreak) -> tuple[int, int]:
        """Return how long the run is that a fact belongs to, and the longest run of all."""
        met = await self._desk.read(asked.tenant, asked.participant)
        streak = met.rulebook.streaks[command.streak]
        longest = picture_streak(met, streak, command.received_at).longest
        return run_length(met, streak, command.at), longest

    async def _picture(self, asked: Asked, code: str) -> StreakPicture:
        met = await self._desk.read(asked.tenant, asked.participant)
        return picture_streak(met, met.rulebook.streaks[code], self._desk.clock.now())


def to_streaks(met: Met, now: Instant) -> list[wire.Streak]:
    return [to_streak(streak, picture) for streak, picture in streaks_of(met, now)]


def to_streak(streak: Streak, picture: StreakPicture) -> wire.Streak:
    following = picture.next_milestone
    return wire.Streak(
        code=streak.id,
        name=streak.title,
        current_count=picture.current,
        longest_count=picture.longest,
        last_recorded_at=instant.to_text_if(picture.last_at),
        is_at_risk=picture.is_at_risk,
        period=PERIODS[streak.unit] if streak.length == 1 else f"every_{streak.length}_days",
        freezes_available=picture.freezes,
        grace_period_ends_at=instant.to_text_if(picture.grace_ends_at),
        next_milestone=None
        if following is None
        else wire.NextMilestone(following[0], following[0] - picture.current),
    )


def _to_frozen(code: str, asked: Asked, receipt: Receipt, left: int) -> wire.Frozen:
    """Render what came of asking for, buying or granting freezes, from the changes alone."""
    granted = [each for each in receipt.changes if isinstance(each, FreezesGranted)]
    paid = [each for each in receipt.changes if isinstance(each, PointsPosted)]
    return wire.Frozen(
        participant_id=asked.participant,
        streak_code=code,
        action="use" if not granted else "buy" if paid else "grant",
        quantity=granted[0].quantity if granted else 1,
        freezes_available=left,
        points_deducted=paid[0].amount if paid else 0,
        new_balance=balance_after(receipt.changes, paid[0].currency) if paid else None,
    )


def _moment(text: str, path: str) -> Instant:
    at = to_instant(text, path)
    assert at is not None
    return at


_STREAK: Final = {"participant_id": "user_123", "streak_code": "daily_login"}

RECORD: Final = writes(
    Told(
        id="recordStreak",
        tag=TAG,
        summary="Record a streak",
        about=(
            "Once in a period is enough: again changes nothing. So no key is needed, and none is "
            "read."
        ),
        reply=wire.Recorded,
        shows={
            **_STREAK,
            "new_count": 8,
            "longest_count": 12,
            "is_new_record": False,
            "already_recorded": False,
        },
        refusals=docs.UNKNOWN,
    ),
    wire.RecordBody,
    {**_STREAK, "timestamp": docs.TIME},
)
FREEZE: Final = writes(
    Told(
        id="freezeStreak",
        tag=TAG,
        summary="Use, buy or grant freezes of a streak",
        about="A freeze forgives a missed period. `use` asks for one for the period in danger.",
        reply=wire.Frozen,
        shows={
            **_STREAK,
            "action": "use",
            "quantity": 1,
            "freezes_available": 1,
            "points_deducted": 0,
            "new_balance": None,
        },
        refusals={
            **docs.UNKNOWN,
            **docs.TOO_FEW,
            409: docs.error("`nothing_to_freeze`, `no_freeze_left` or `freezes_full`."),
        },
    ),
    wire.FreezeBody,
    {**_STREAK, "action": "use"},
)
PAUSE: Final = writes(
    Told(
        id="pauseStreak",
        tag=TAG,
        summary="Pause a streak",
        about="A pause begins in the current period or later, and lasts a year at most.",
        reply=wire.Paused,
        shows={**_STREAK, "starts_at": "2026-08-01T00:00:00Z", "ends_at": "2026-08-14T00:00:00Z"},
        refusals=docs.UNKNOWN,
    ),
    wire.PauseBody,
    {**_STREAK, "starts_at": "2026-08-01T00:00:00Z", "ends_at": "2026-08-14T00:00:00Z"},
)
LIST: Final = reads(
    Told(
        id="listStreaks",
        tag=TAG,
        summary="A participant's streaks",
        about="Those that were ever touched.",
        reply=wire.Streaks,
        shows={
            "participant_id": "user_123",
            "streaks": [
                {
                    "code": "daily_login",
                    "name": "Every day",
                    "current_count": 8,
                    "longest_count": 12,
                    "last_recorded_at": docs.TIME,
                    "is_at_risk": False,
                    "period": "daily",
                    "freezes_available": 1,
                    "grace_period_ends_at": None,
                    "next_milestone": {"at": 14, "remaining": 6},
                }
            ],
        },
        parameters=(PARTICIPANT,),
    )
)


def routes(desk: Desk) -> list[Route]:
    streaks = Streaks(desk)
    base = f"{docs.BASE}/streaks"
    return [
        route("POST", f"{base}/record", streaks.post_record, RECORD),
        route("POST", f"{base}/freeze", paying(streaks.post_freeze), FREEZE),
        route("POST", f"{base}/pause", streaks.post_pause, PAUSE),
        route(
            "GET",
            f"{docs.BASE}/participants/{{participant_id}}/streaks",
            streaks.get_streaks,
            LIST,
        ),
    ]
