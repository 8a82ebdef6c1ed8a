"""Streaks, as they travel."""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from laurels.api.bricqs.wire import About, Code, Keyed, Time

FREEZES_MAX: Final = 1_000

Moment: TypeAlias = Annotated[
    str, Meta(description="RFC 3339.", extra_json_schema={"format": "date-time"})
]


class RecordBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    streak_code: Code
    timestamp: Time | None = None


class FreezeBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    streak_code: Code
    action: Annotated[
        Literal["use", "buy", "grant"],
        Meta(description="`use` one for the period in danger, `buy` one, or `grant` some."),
    ] = "use"
    quantity: Annotated[
        int, Meta(ge=1, le=FREEZES_MAX, description="How many are bought or granted.")
    ] = 1


class PauseBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The periods that hold the two moments, and all in between, need no fact."""

    streak_code: Code
    starts_at: Moment
    ends_at: Moment


class Recorded(Struct, frozen=True, gc=False):
    participant_id: str
    streak_code: str
    new_count: int
    longest_count: int
    is_new_record: bool
    already_recorded: bool


class Frozen(Struct, frozen=True, gc=False):
    """What was done; `freezes_available` is as of now."""

    participant_id: str
    streak_code: str
    action: Literal["use", "buy", "grant"]
    quantity: int
    freezes_available: int
    points_deducted: int
    new_balance: Annotated[int | None, Meta(description="Only when points were deducted.")]


class Paused(Struct, frozen=True, gc=False):
    participant_id: str
    streak_code: str
    starts_at: str
    ends_at: str


class NextMilestone(Struct, frozen=True, gc=False):
    at: int
    remaining: int


class Streak(Struct, frozen=True, gc=False):
    code: str
    name: str
    current_count: int
    longest_count: int
    last_recorded_at: str | None
    is_at_risk: bool
    period: Annotated[str, Meta(description="`daily`, `weekly`, `monthly` or `every_<n>_days`.")]
    freezes_available: int
    grace_period_ends_at: Annotated[
        str | None, Meta(description="Until when a missed period can still be made good.")
    ]
    next_milestone: NextMilestone | None


class Streaks(Struct, frozen=True):
    """Those that the participant has touched."""

    participant_id: str
    streaks: list[Streak]
