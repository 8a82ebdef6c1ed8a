"""Badges, as they travel."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from laurels.api.bricqs.wire import About, Code


class BadgeBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    badge_code: Code
    metadata: Annotated[dict[str, Any] | None, Meta(description="Taken, and not kept.")] = None


class BadgeAwarded(Struct, frozen=True, gc=False):
    """A badge, and since when it is the participant's. Once awarded it stays."""

    participant_id: str
    badge_code: str
    badge_name: str
    icon: str
    rarity: str
    earned_at: str
    already_earned: bool


class Badge(Struct, frozen=True, gc=False):
    code: str
    name: str
    description: str
    icon: str
    rarity: str
    earned: bool
    earned_at: str | None


class Badges(Struct, frozen=True):
    """As the rulebook lists them."""

    participant_id: str
    badges: list[Badge]
    total: int
    earned_count: int
