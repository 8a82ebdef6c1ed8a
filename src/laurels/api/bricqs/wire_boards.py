"""Leaderboards and contests, as they travel."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from laurels.api.bricqs.wire import Keyed

Change: TypeAlias = Literal["up", "down", "same", "new"]
ContestStatus: TypeAlias = Literal["draft", "scheduled", "active", "scoring", "completed"]
Consistency: TypeAlias = Literal["realtime_estimated", "final_verified"]


class Entry(Struct, frozen=True, gc=False):
    rank: int
    participant_id: str
    score: int | float
    change: Annotated[Change, Meta(description="Since 00:00 in the board's zone.")]


class Leaderboard(Struct, frozen=True):
    """A part of a ranking, best first. A contest has the period `contest`."""

    leaderboard_code: str
    period: str
    period_key: Annotated[
        str | None, Meta(description="Which day, week, month or year; null where there is one only")
    ]
    segment: str | None
    entries: list[Entry]
    total_participants: int


class Rank(Struct, frozen=True, gc=False):
    """A participant's own place; null for whoever has no score."""

    participant_id: str
    rank: int | None
    score: int | float
    total_participants: int
    percentile: Annotated[
        float | None, Meta(description="How many of a hundred stand below: (total - rank) / total.")
    ]


class PointsPrize(Struct, frozen=True, tag_field="type", tag="points", gc=False):
    amount: int
    currency: str


class BadgePrize(Struct, frozen=True, tag_field="type", tag="badge", gc=False):
    badge_code: str
    badge_name: str


class ItemPrize(Struct, frozen=True, tag_field="type", tag="item", gc=False):
    item: str
    quantity: int


class RewardPrize(Struct, frozen=True, tag_field="type", tag="reward", gc=False):
    reward_id: str
    reward_name: str


class FreezePrize(Struct, frozen=True, tag_field="type", tag="freeze", gc=False):
    streak_code: str
    quantity: int


Won: TypeAlias = PointsPrize | BadgePrize | ItemPrize | RewardPrize | FreezePrize


class Prize(Struct, frozen=True):
    rank_from: int
    rank_to: int
    rewards: list[Won]


class Contest(Struct, frozen=True, kw_only=True):
    """A contest. Its standings are estimated while facts come in, and final once it is closed."""

    id: str
    title: str
    status: ContestStatus
    starts_at: str
    ends_at: str
    entry_count: int
    prizes: list[Prize]
    consistency: Consistency


class Contests(Struct, frozen=True):
    contests: list[Contest]
    total: int


class ReviewBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    decision: Annotated[
        Literal["accept", "drop"],
        Meta(description="Let what was held back of the score count, or drop it."),
    ]


class Reviewed(Struct, frozen=True, gc=False):
    contest_id: str
    participant_id: str
    decision: Literal["accept", "drop"]
    score: Annotated[int | float, Meta(description="How much was held back.")]
