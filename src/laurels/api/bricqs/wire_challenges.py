"""Challenges, as they travel."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from laurels.api.bricqs.wire import About, Granted, Keyed

Status: TypeAlias = Literal["locked", "available", "active", "completed", "claimed"]


class EnrolBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Who wants to take part."""


class Enrolled(Struct, frozen=True, gc=False):
    participant_id: str
    challenge_id: str
    enrolled_at: str
    already_enrolled: bool


class ChallengeClaimBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Who claims."""


class ChallengeClaimed(Struct, frozen=True):
    """What a completed challenge paid. One that was claimed already pays nothing."""

    participant_id: str
    challenge_id: str
    claimed_at: str
    already_claimed: bool
    rewards_granted: list[Granted]


class Objective(Struct, frozen=True, gc=False):
    """Counts never go past the target."""

    objective_id: str
    current: int | float
    target: int | float
    completed: bool


class Challenge(Struct, frozen=True, kw_only=True):
    """
    One challenge, in the oldest window whose reward waits to be claimed, else in the current one.

    `completed` waits to be claimed. `locked` asks for something else first, or has not begun.
    """

    id: str
    title: str
    status: Status
    window: Annotated[str | None, Meta(description="Null where none has begun.")]
    progress: list[Objective]
    ends_at: str | None
    enrolled_at: str | None
    completed_at: str | None
    claimed_at: str | None
    times_completed: int
