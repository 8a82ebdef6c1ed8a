"""Contests: how they stand, what they pay, and scores that came too fast."""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_boards as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import Told, in_path, reads, route, writes
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Route
from laurels.core.change import ScoreReviewed
from laurels.core.command import ReviewScore
from laurels.core.errors import UnknownName
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.number import plain
from laurels.core.rulebook import (
    BadgeReward,
    Contest,
    FreezeReward,
    ItemReward,
    OfferReward,
    PointsReward,
    Reward,
)
from laurels.engine.answers import BoardName, ContestRow
from laurels.engine.ports import Queries

TAG: Final = "Bricqs contests"

_review: Final = Shape(wire.ReviewBody)


class Contests:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_contests(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        now = self._desk.clock.now()
        return answer(await self._desk.ask(_contests, self._desk.queries, caller.tenant, now))

    async def get_contest(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        code, now = path_part(request, "contest_id"), self._desk.clock.now()
        return answer(await self._desk.ask(_contest, self._desk.queries, caller.tenant, code, now))

    async def post_review(self, request: Request) -> Reply:
        contest = path_part(request, "contest_id")
        body, asked = await self._desk.take(request, _review, is_admin=True)
        command = ReviewScore(**asked.stamp(), contest=contest, accept=body.decision == "accept")
        receipt = await self._desk.submit(command)
        reviewed = next(each for each in receipt.changes if isinstance(each, ScoreReviewed))
        decision = "accept" if reviewed.accepted else "drop"
        score = plain(reviewed.amount)
        return answer(wire.Reviewed(contest, asked.participant, decision, score), receipt)


def contest_ranks(
    queries: Queries, tenant: TenantId, participant: ParticipantId, contests: Iterable[str]
) -> dict[str, int | None]:
    """Return a participant's rank in some contests, as of now."""
    boards = queries.rulebook(tenant).boards
    ranks: dict[str, int | None] = {}
    for contest in contests:
        board = boards.get(contest)
        if board is not None:
            place = queries.place(tenant, BoardName(contest, "", board.ties), participant)
            ranks[contest] = place and place.rank
    return ranks


def _contests(queries: Queries, tenant: TenantId, now: Instant) -> wire.Contests:
    contests = queries.rulebook(tenant).rulebook.contests
    rows = queries.contests(tenant)
    shown = [
        _to_contest(each, rows.get(each.id), queries.total(tenant, _standings(each)), now)
        for each in contests
    ]
    return wire.Contests(shown, len(shown))


def _contest(queries: Queries, tenant: TenantId, code: str, now: Instant) -> wire.Contest:
    contest = queries.rulebook(tenant).boards.get(code)
    if not isinstance(contest, Contest):
        raise UnknownName("The rulebook has no such contest.")
    entries = queries.total(tenant, _standings(contest))
    return _to_contest(contest, queries.contests(tenant).get(code), entries, now)


def _standings(contest: Contest) -> BoardName:
    return BoardName(contest.id, "", contest.ties)


def _to_contest(
    contest: Contest, row: ContestRow | None, entries: int, now: Instant
) -> wire.Contest:
    return wire.Contest(
        id=contest.id,
        title=contest.title,
        status=_status(contest, row, now),
        starts_at=instant.to_text(contest.starts),
        ends_at=instant.to_text(contest.ends),
        entry_count=entries,
        prizes=[
            wire.Prize(prize.first, prize.last, _to_won(prize.rewards)) for prize in contest.prizes
        ],
        consistency="realtime_estimated" if row is None else "final_verified",
    )


def _status(contest: Contest, row: ContestRow | None, now: Instant) -> wire.ContestStatus:
    if contest.draft:
        return "draft"
    if row is not None and row.completed_at is not None:
        return "completed"
    if now < contest.starts:
        return "scheduled"
    return "active" if now < contest.ends else "scoring"


def _to_won(rewards: Sequence[Reward]) -> list[wire.Won]:
    return [_to_one_won(reward) for reward in rewards]


def _to_one_won(reward: Reward) -> wire.Won:
    match reward:
        case PointsReward():
            return wire.PointsPrize(reward.amount, reward.currency)
        case BadgeReward():
            return wire.BadgePrize(reward.badge, reward.title)
        case ItemReward():
            return wire.ItemPrize(reward.item, reward.quantity)
        case OfferReward():
            return wire.RewardPrize(reward.offer, reward.title)
        case FreezeReward():
            return wire.FreezePrize(reward.streak, reward.quantity)
        case _:
            assert_never(reward)


_ID: Final = in_path("contest_id", "Its id in the rulebook.")
_CUP: Final = {
    "id": "spring_cup",
    "title": "Spring cup",
    "status": "active",
    "starts_at": "2026-04-01T00:00:00Z",
    "ends_at": "2026-05-01T00:00:00Z",
    "entry_count": 120,
    "prizes": [
        {
            "rank_from": 1,
            "rank_to": 3,
            "rewards": [{"type": "points", "amount": 500, "currency": "points"}],
        }
    ],
    "consistency": "realtime_estimated",
}

LIST: Final = reads(
    Told(
        id="listContests",
        tag=TAG,
        summary="All contests",
        about="As the rulebook lists them, drafts among them.",
        reply=wire.Contests,
        shows={"contests": [_CUP], "total": 1},
    )
)
READ: Final = reads(
    Told(
        id="readContest",
        tag=TAG,
        summary="One contest",
        about="Its standings are read as a leaderboard of the same id.",
        reply=wire.Contest,
        shows=_CUP,
        parameters=(_ID,),
        refusals=docs.UNKNOWN,
    )
)
REVIEW: Final = writes(
    Told(
        id="reviewScore",
        tag=TAG,
        summary="Let held scores count, or drop them",
        about="What came faster than the contest allows waits for this, if it says `action: hold`.",
        reply=wire.Reviewed,
        shows={
            "contest_id": "spring_cup",
            "participant_id": "user_123",
            "decision": "accept",
            "score": 75,
        },
        parameters=(_ID,),
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    wire.ReviewBody,
    {"participant_id": "user_123", "decision": "accept"},
)


def routes(desk: Desk) -> list[Route]:
    contests = Contests(desk)
    one = f"{docs.BASE}/contests/{{contest_id}}"
    return [
        route("GET", f"{docs.BASE}/contests", contests.get_contests, LIST),
        route("GET", one, contests.get_contest, READ),
        route("POST", f"{one}/review", contests.post_review, REVIEW),
    ]
