"""Leaderboards, and contests as leaderboards: who stands where."""

import re
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_boards as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import PARTICIPANT, Told, in_path, in_query, reads, route
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core import limits
from laurels.core.errors import InvalidQuery, Problem, UnknownName
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.number import plain
from laurels.core.rulebook import Board, Contest
from laurels.core.window import window_key
from laurels.engine.answers import BoardName, Placed, Ranking, Snapshot
from laurels.engine.ports import Queries

LIMIT_DEFAULT: Final = 20
EACH_SIDE_DEFAULT: Final = 5
TAG: Final = "Bricqs leaderboards"

PERIODS: Final = {
    "lifetime": "all_time",
    "yearly": "yearly",
    "monthly": "monthly",
    "weekly": "weekly",
    "daily": "daily",
    "fixed": "contest",
}
"""What the periods of boards are called here, by the kind of their window."""
KEYS: Final = {
    "yearly": r"\d{4}",
    "monthly": r"\d{4}-\d\d",
    "weekly": r"\d{4}-W\d\d",
    "daily": r"\d{4}-\d\d-\d\d",
}
"""How the periods themselves are called, of those kinds that have more than one."""


class Question(NamedTuple):
    """Which ranking is asked for, as the path and the query name it."""

    code: str
    period: str | None
    key: str | None
    segment: str | None


class View(NamedTuple):
    """The ranking that was asked for."""

    name: BoardName
    period: str
    key: str | None
    day: int
    """Today, by the board's clock."""


class Boards:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_top(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        query = Query(request)
        limit = query.whole("limit", limits.TOP_MAX, LIMIT_DEFAULT)
        question, now = _question(request, query), self._desk.clock.now()
        queries = self._desk.queries
        return answer(await self._desk.ask(_top, queries, caller.tenant, question, now, limit))

    async def get_around(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant, query = path_part(request, "participant_id"), Query(request)
        each_side = query.whole("each_side", limits.EACH_SIDE_MAX, EACH_SIDE_DEFAULT)
        question, now = _question(request, query), self._desk.clock.now()
        found = await self._desk.ask(
            _around,
            self._desk.queries,
            caller.tenant,
            question,
            now,
            participant=participant,
            each_side=each_side,
        )
        return answer(found)

    async def get_rank(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        question, now = _question(request, Query(request)), self._desk.clock.now()
        queries = self._desk.queries
        return answer(
            await self._desk.ask(_rank, queries, caller.tenant, question, now, participant)
        )


def _question(request: Request, query: Query) -> Question:
    return Question(
        path_part(request, "code"),
        query.one_of("period", tuple(PERIODS.values())),
        query.text("period_key"),
        query.text("segment"),
    )


def _view(queries: Queries, tenant: TenantId, question: Question, now: Instant) -> View:
    rulebook = queries.rulebook(tenant)
    board = rulebook.boards.get(question.code)
    if board is None:
        raise UnknownName("The rulebook has no such leaderboard and no such contest.")
    kind = board.window.kind
    period = PERIODS[kind]
    if question.period not in (None, period):
        raise InvalidQuery(Problem("period", f"must be {period}: {board.id} has no other"))
    _check_key(kind, question.key)
    if question.segment is not None and not _has_segments(board):
        raise InvalidQuery(Problem("segment", f"must be left out: {board.id} has none"))
    calendar = rulebook.calendar
    key = question.key or window_key(board.window, now, calendar) or ""
    name = BoardName(board.id, key, board.ties, question.segment)
    return View(name, period, key or None, calendar.day(now))


def _has_segments(board: Board | Contest) -> bool:
    return isinstance(board, Board) and board.segment is not None


def _check_key(kind: str, key: str | None) -> None:
    if key is None:
        return
    if kind not in KEYS:
        raise InvalidQuery(Problem("period_key", "must be left out: there is one period only"))
    if re.fullmatch(KEYS[kind], key, re.ASCII) is None:
        examples = {"yearly": "2026", "monthly": "2026-04", "weekly": "2026-W15"}
        example = examples.get(kind, "2026-04-10")
        raise InvalidQuery(Problem("period_key", f"must be {kind}, such as {example}"))


def _top(
    queries: Queries, tenant: TenantId, question: Question, now: Instant, limit: int
) -> wire.Leaderboard:
    view = _view(queries, tenant, question, now)
    return _to_leaderboard(queries, tenant, view, queries.top(tenant, view.name, limit))


def _around(
    queries: Queries,
    tenant: TenantId,
    question: Question,
    now: Instant,
    *,
    participant: ParticipantId,
    each_side: int,
) -> wire.Leaderboard:
    view = _view(queries, tenant, question, now)
    ranking = queries.around(tenant, view.name, participant, each_side=each_side)
    return _to_leaderboard(queries, tenant, view, ranking)


def _rank(
    queries: Queries,
    tenant: TenantId,
    question: Question,
    now: Instant,
    participant: ParticipantId,
) -> wire.Rank:
    view = _view(queries, tenant, question, now)
    place, total = queries.place(tenant, view.name, participant), queries.total(tenant, view.name)
    if place is None:
        return wire.Rank(participant, None, 0, total, None)
    percentile = round((total - place.rank) / total * 100, 1)
    return wire.Rank(participant, place.rank, plain(place.score), total, percentile)


def _to_leaderboard(
    queries: Queries, tenant: TenantId, view: View, ranking: Ranking
) -> wire.Leaderboard:
    snapshot = queries.snapshot(tenant, view.name, day=view.day)
    return wire.Leaderboard(
        leaderboard_code=view.name.board,
        period=view.period,
        period_key=view.key,
        segment=view.name.segment,
        entries=[
            wire.Entry(each.rank, each.participant, plain(each.score), _change(each, snapshot))
            for each in ranking.places
        ],
        total_participants=ranking.total,
    )


def _change(place: Placed, snapshot: Snapshot | None) -> wire.Change:
    if snapshot is None:
        return "new"
    before = snapshot.ranks.get(place.participant)
    if before is None:
        # Whoever was not among the best may have been below them.
        return "up" if snapshot.has_more else "new"
    if before == place.rank:
        return "same"
    return "up" if place.rank < before else "down"


_CODE: Final = in_path("code", "A leaderboard or a contest, by its id in the rulebook.")
_VIEW: Final = (
    in_query("period", "The board's own; another one is refused."),
    in_query("period_key", "A past period, as `2026-04`, `2026-W15` or `2026-04-10`."),
    in_query("segment", "Only those with this value of the attribute that parts the board."),
)
_ENTRY: Final = {"rank": 1, "participant_id": "user_123", "score": 940, "change": "up"}
_LEADERBOARD: Final = {
    "leaderboard_code": "weekly_points",
    "period": "weekly",
    "period_key": "2026-W15",
    "segment": None,
    "entries": [_ENTRY],
    "total_participants": 1,
}

TOP: Final = reads(
    Told(
        id="readLeaderboard",
        tag=TAG,
        summary="The best of a leaderboard",
        about="Live. A contest answers by its id, too.",
        reply=wire.Leaderboard,
        shows=_LEADERBOARD,
        parameters=(
            _CODE,
            in_query(
                "limit",
                f"Default {LIMIT_DEFAULT}.",
                Annotated[int, Meta(ge=1, le=limits.TOP_MAX)],
            ),
            *_VIEW,
        ),
        refusals=docs.UNKNOWN,
    )
)
RANK: Final = reads(
    Told(
        id="readRank",
        tag=TAG,
        summary="A participant's own place",
        about="Live. Whoever has no score has no rank.",
        reply=wire.Rank,
        shows={
            "participant_id": "user_123",
            "rank": 2,
            "score": 940,
            "total_participants": 1250,
            "percentile": 99.8,
        },
        parameters=(_CODE, PARTICIPANT, *_VIEW),
        refusals=docs.UNKNOWN,
    )
)
AROUND: Final = reads(
    Told(
        id="readNeighbours",
        tag=TAG,
        summary="The places next to a participant's",
        about="Their own is among them; whoever has no score has no neighbours.",
        reply=wire.Leaderboard,
        shows=_LEADERBOARD,
        parameters=(
            _CODE,
            PARTICIPANT,
            in_query(
                "each_side",
                f"How many above, and how many below. Default {EACH_SIDE_DEFAULT}.",
                Annotated[int, Meta(ge=1, le=limits.EACH_SIDE_MAX)],
            ),
            *_VIEW,
        ),
        refusals=docs.UNKNOWN,
    )
)


def routes(desk: Desk) -> list[Route]:
    boards = Boards(desk)
    base = f"{docs.BASE}/leaderboards/{{code}}"
    return [
        route("GET", base, boards.get_top, TOP),
        route("GET", f"{base}/rank/{{participant_id}}", boards.get_rank, RANK),
        route("GET", f"{base}/around/{{participant_id}}", boards.get_around, AROUND),
    ]
