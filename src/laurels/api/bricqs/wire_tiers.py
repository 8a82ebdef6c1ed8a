"""Tiers, as they travel."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.api.bricqs.wire import Code, Keyed, Reason


class TierBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    tier_code: Code
    reason: Reason | None = None


class TierAssigned(Struct, frozen=True, gc=False):
    """A tier that was given by hand; automation may still raise it."""

    participant_id: str
    tier_code: str
    tier_name: str
    level: int
    previous_code: str | None
    previous_level: int
    achieved_at: str
    already_assigned: bool


class NextTier(Struct, frozen=True, gc=False):
    """The next one up, and how much of what the tiers count is missing."""

    code: str
    name: str
    points_required: int
    points_remaining: int


class CurrentTier(Struct, frozen=True, kw_only=True, gc=False):
    code: str
    name: str
    level: int
    color: str | UnsetType = UNSET
    benefits: list[str]
    achieved_at: str
    next_tier: Annotated[NextTier | None, Meta(description="Null at the top.")]


class PastTier(Struct, frozen=True, kw_only=True, gc=False):
    """A tier that was held from `achieved_at` on; one that was lost leaves a row without a code."""

    code: str | None
    name: str | None
    achieved_at: str


class Tier(Struct, frozen=True, kw_only=True):
    """Where somebody stands; `next_tier` is there also for those who have none yet."""

    participant_id: str | UnsetType = UNSET
    current_tier: CurrentTier | None
    next_tier: NextTier | None
    tier_history: Annotated[list[PastTier], Meta(description="Newest first, the current one too.")]
