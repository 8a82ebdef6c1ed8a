"""Who a participant is and how they stand, as it travels."""

from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from laurels.api.bricqs.wire import About
from laurels.api.bricqs.wire_badges import Badge
from laurels.api.bricqs.wire_challenges import Challenge
from laurels.api.bricqs.wire_points import Points
from laurels.api.bricqs.wire_rewards import Claim
from laurels.api.bricqs.wire_streaks import Streak
from laurels.api.bricqs.wire_tiers import CurrentTier, Tier

NAME_CHARS_MAX: Final = 255
URL_CHARS_MAX: Final = 500
TIMEZONE_CHARS_MAX: Final = 255

Name: TypeAlias = Annotated[str, Meta(max_length=NAME_CHARS_MAX)]
Url: TypeAlias = Annotated[str, Meta(max_length=URL_CHARS_MAX)]
Timezone: TypeAlias = Annotated[
    str,
    Meta(
        max_length=TIMEZONE_CHARS_MAX,
        description="As `Europe/Berlin`: whose midnight ends a day. Default: the rulebook's.",
    ),
]


class ParticipantBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Whatever is left out stays as it is."""

    display_name: Name | None = None
    avatar_url: Url | None = None
    attributes: Annotated[
        dict[str, Any] | None, Meta(description="All of them: those known so far are replaced.")
    ] = None
    timezone: Timezone | None = None


class ParticipantPatch(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Whatever is left out stays as it is; null takes it away."""

    display_name: Name | UnsetType | None = UNSET
    avatar_url: Url | UnsetType | None = UNSET
    attributes: Annotated[
        dict[str, Any] | None,
        Meta(description="Merged into those known so far, key by key; null removes a key."),
    ] = None
    timezone: Timezone | UnsetType | None = UNSET


class Attributes(Struct, frozen=True, gc=False):
    """The attributes as they were sent, where numbers still have all their digits."""

    attributes: Raw


class PointsSum(Struct, frozen=True, gc=False):
    """Of the first currency."""

    balance: int
    total_earned: int
    total_spent: int


class Profile(Struct, frozen=True, kw_only=True):
    """A participant at a glance. Nobody met yet has an empty one; `created_at` is then null."""

    participant_id: str
    display_name: str | None
    avatar_url: str | None
    attributes: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    timezone: str | None
    points: PointsSum
    tier: CurrentTier | None
    badges: Annotated[list[Badge], Meta(description="Those that were earned.")]
    streaks: Annotated[Streak | None, Meta(description="The longest that runs.")]
    rewards_claimed: int
    total_events: int
    is_active: bool
    created_at: str | None


class State(Struct, frozen=True, kw_only=True):
    """The sections that were asked for, each as its own route shows it."""

    participant_id: str
    points: Points | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    badges: list[Badge] | UnsetType = UNSET
    streaks: list[Streak] | UnsetType = UNSET
    rewards: list[Claim] | UnsetType = UNSET
    challenges: list[Challenge] | UnsetType = UNSET
