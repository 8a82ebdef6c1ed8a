"""What can come of a fact, in the past tense. Written to the journal; read by every reply."""

from typing import TypeAlias

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.number import Millionths


class ProgressMoved(Struct, frozen=True, omit_defaults=True, gc=False, tag="progress.moved"):
    """
    An objective's measure went from `before` to `after`, in millionths, uncapped.

    `quiet` moves change the state but are not reported: the objective, or its whole challenge, had
    been completed already. A distinct objective names the `value` that it had not seen before.
    """

    challenge: str
    objective: str
    window: str
    before: Millionths
    after: Millionths
    target: Millionths
    quiet: bool = False
    value: str | None = None
    because: int = -1


class ChallengeCompleted(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.completed"
):
    """A challenge's needs are met, once per window. `at` is the completing fact's own time."""

    challenge: str
    window: str
    at: Instant
    because: int = -1


class ChallengeClaimed(Struct, frozen=True, omit_defaults=True, gc=False, tag="challenge.claimed"):
    """The rewards of a completed challenge were asked for, or paid at once."""

    challenge: str
    window: str
    at: Instant
    because: int = -1


class PointsPosted(Struct, frozen=True, omit_defaults=True, gc=False, tag="points.posted"):
    """So much of a currency went from one account to another."""

    source: str
    target: str
    currency: str
    amount: int
    rule: str
    because: int = -1


class BadgeAwarded(Struct, frozen=True, omit_defaults=True, gc=False, tag="badge.awarded"):
    """A badge, once per participant and for good."""

    badge: str
    title: str
    rule: str
    at: Instant
    because: int = -1


class ItemGranted(Struct, frozen=True, omit_defaults=True, gc=False, tag="item.granted"):
    """So many of an item."""

    item: str
    quantity: int
    rule: str
    because: int = -1


class Parked(Struct, frozen=True, omit_defaults=True, gc=False, tag="parked"):
    """A limit was met while deciding: the event is kept with its reason, and changed nothing."""

    reason: str
    message: str
    because: int = -1


Change: TypeAlias = (
    ProgressMoved
    | ChallengeCompleted
    | ChallengeClaimed
    | PointsPosted
    | BadgeAwarded
    | ItemGranted
    | Parked
)
