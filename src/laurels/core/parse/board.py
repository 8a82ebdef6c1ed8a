"""From entries of `leaderboards` and `contests` to what is scored, when, and for which prizes."""

import re
from itertools import pairwise
from typing import Final

from laurels.core.filter import Path
from laurels.core.limits import AMOUNT_MAX
from laurels.core.parse.listener import HEARING, credits_of, read_listener
from laurels.core.parse.node import Fields, Node, quoted, unknown
from laurels.core.parse.reward import read_rewards
from laurels.core.parse.scope import Scope, currency_called, read_needed_span
from laurels.core.rulebook import (
    Board,
    Contest,
    Listener,
    Prize,
    Score,
    ScoreMeasure,
    Ties,
    Velocity,
    Window,
    WindowKind,
)
from laurels.core.window import HOUR_MS

BOARD: Final = ("id", "title", *HEARING, "score", "period", "ties", "segment")
CONTEST: Final = (
    "id", "title", *HEARING, "score", "starts", "ends", "grace_hours", "ties", "prizes",
    "max_liability", "velocity", "draft",
)  # fmt: skip
MEASURES: Final[tuple[ScoreMeasure, ...]] = ("count", "sum", "max", "latest")
TIES: Final[tuple[Ties, ...]] = ("earliest", "shared", "dense")
PERIODS: Final[dict[str, WindowKind]] = {
    "all_time": "lifetime",
    "yearly": "yearly",
    "monthly": "monthly",
    "weekly": "weekly",
    "daily": "daily",
}
GRACE_HOURS_MAX: Final = 720
RANKS: Final = re.compile(r"([1-9]\d{0,8})-([1-9]\d{0,8})", re.ASCII)
RANK_MAX: Final = 999_999_999


def read_board(node: Node, scope: Scope) -> Board:
    fields = node.fields(BOARD)
    id_ = fields.need("id").name()
    hears, score = _scored(fields, scope.currencies)
    return Board(
        id=id_,
        title=fields["title"].text(default=id_),
        hears=hears,
        score=score,
        window=Window(PERIODS[fields["period"].choice(tuple(PERIODS), "all_time")]),
        ties=fields["ties"].choice(TIES, "earliest"),
        segment=fields["segment"].text() or None,
    )


def read_contest(node: Node, scope: Scope) -> Contest:
    fields = node.fields(CONTEST)
    id_ = fields.need("id").name()
    hears, score = _scored(fields, scope.currencies)
    starts, ends = read_needed_span(fields, ("starts", "ends"), scope.timezone)
    liability = fields["max_liability"]
    return Contest(
        id=id_,
        title=fields["title"].text(default=id_),
        hears=hears,
        score=score,
        starts=starts,
        ends=ends,
        grace_ms=fields["grace_hours"].whole(GRACE_HOURS_MAX, least=0, default=1) * HOUR_MS,
        ties=fields["ties"].choice(TIES, "earliest"),
        prizes=_prizes(fields["prizes"], scope),
        liability_max=None if liability.is_absent else liability.whole(AMOUNT_MAX),
        velocity=_velocity(fields["velocity"]),
        draft=fields["draft"].flag(default=False),
    )


def _scored(fields: Fields, currencies: tuple[str, ...]) -> tuple[Listener, Score]:
    """Read what is heard, and what of it is scored; without a listener, the credits are."""
    hears, score = read_listener(fields), _score(fields.need("score"))
    if hears is not None or "where" in fields:
        return hears or Listener(kind=""), score
    if score.of is None or score.measure != "sum":
        fields.refuse(
            "needs an `event` or a `fact` to hear; only `score: {sum: <currency>}` does without"
        )
        return Listener(kind=""), score
    currency = currency_called(score.of.key, currencies)
    if score.of.key and currency is None:
        message = unknown("currency", score.of.key, currencies)
        fields["score"].child("sum", score.of.key).refuse(message)
    summed = Score(measure="sum", of=Path("amount"), weight=score.weight)
    return credits_of(currency or ""), summed


def _score(node: Node) -> Score:
    if not node.is_mapping:
        return Score(measure=node.choice(("count",), "count"))
    fields = node.fields((*MEASURES, "weight"))
    given: list[ScoreMeasure] = [measure for measure in MEASURES if measure in fields]
    if len(given) != 1:
        fields.refuse("needs exactly one of `count`, `sum`, `max`, `latest`")
        return Score(measure="count")
    (measure,) = given
    if measure == "count" and fields["count"].value is not True:
        fields["count"].refuse("must be true; to score a property, write `sum`, `max` or `latest`")
    return Score(
        measure=measure,
        of=None if measure == "count" else fields[measure].property_name(),
        weight=fields["weight"].positive(),
    )


def _prizes(node: Node, scope: Scope) -> tuple[Prize, ...]:
    prizes: list[tuple[Prize, Node]] = []
    for child in node.items():
        fields = child.fields(("ranks", "rewards"))
        ranks = _ranks(fields.need("ranks"))
        rewards = read_rewards(fields["rewards"], scope)
        if ranks is not None:
            prize = Prize(first=ranks[0], last=ranks[1], rewards=rewards)
            prizes.append((prize, fields["ranks"]))
    prizes.sort(key=lambda each: each[0].first)
    for (above, _), (below, its_ranks) in pairwise(prizes):
        if below.first <= above.last:
            taken = f"{above.first}-{above.last}"
            its_ranks.refuse(f"overlaps the ranks {taken} of another prize; a rank has one prize")
    return tuple(prize for prize, _ in prizes)


def _ranks(node: Node) -> tuple[int, int] | None:
    """Read a rank such as `1`, or several such as `2-3`."""
    if not isinstance(node.value, str):
        known_before = len(node.problems)
        rank = node.whole(RANK_MAX)
        return (rank, rank) if len(node.problems) == known_before else None
    found = RANKS.fullmatch(node.value)
    if found is None or int(found[1]) > int(found[2]):
        node.refuse(f"must be a rank such as 1, or several such as 2-3, not {quoted(node.value)}")
        return None
    return int(found[1]), int(found[2])


def _velocity(node: Node) -> Velocity | None:
    if node.is_absent:
        return None
    fields = node.fields(("per_minute", "per_hour", "action"))
    minute, hour = fields["per_minute"], fields["per_hour"]
    if minute.is_absent and hour.is_absent:
        fields.refuse("needs `per_minute`, `per_hour`, or both")
    return Velocity(
        per_minute=None if minute.is_absent else minute.positive(),
        per_hour=None if hour.is_absent else hour.positive(),
        action=fields["action"].choice(("flag", "hold"), "flag"),
    )
