"""What a tenant rewards, as values. `parse` makes them from text, `compile` gets them ready."""

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.filter import Filter, Path
from laurels.core.number import Millionths

WindowKind: TypeAlias = Literal["lifetime", "daily", "weekly", "monthly", "fixed"]
Measure: TypeAlias = Literal["count", "sum", "distinct", "max"]

OWN_KINDS: Final = (
    "badge.awarded",
    "challenge.claimed",
    "challenge.completed",
    "item.granted",
    "points.posted",
)
"""Facts of our own that rules may listen to, beside `custom.<event name>`."""


class Window(Struct, frozen=True):
    """The stretch of time an objective counts in. Only a fixed one has its own borders."""

    kind: WindowKind = "lifetime"
    starts: Instant | None = None
    ends: Instant | None = None


class Listener(Struct, frozen=True, kw_only=True):
    """Which facts a rule hears: their kind, and what their data must satisfy."""

    kind: str
    where: Filter | None = None


class EarnRule(Struct, frozen=True, kw_only=True):
    """So much of a currency for each fact: `fixed`, or the floored product of a property."""

    id: str
    hears: Listener
    currency: str
    fixed: int = 0
    of: Path | None = None
    times: Millionths = 0


class Badge(Struct, frozen=True, kw_only=True):
    """Something to own once. Without a listener it is only ever a reward."""

    id: str
    title: str
    hears: Listener | None = None


class PointsReward(Struct, frozen=True, tag="points"):
    """So much of a currency, from the mint."""

    currency: str
    amount: int


class BadgeReward(Struct, frozen=True, tag="badge"):
    """A badge of this rulebook, unless it is owned already."""

    badge: str
    title: str


class ItemReward(Struct, frozen=True, tag="item"):
    """So many of an item that the application knows by name."""

    item: str
    quantity: int


Reward: TypeAlias = PointsReward | BadgeReward | ItemReward


class Objective(Struct, frozen=True, kw_only=True):
    """One thing to do so many times, or until a property's sum, variety or maximum is reached."""

    id: str
    hears: Listener
    measure: Measure
    of: Path | None = None
    target: Millionths


class Challenge(Struct, frozen=True, kw_only=True):
    """A goal: objectives of which `needs` must be met within one window, and what they pay."""

    id: str
    title: str
    window: Window
    needs: int
    claim: Literal["automatic", "manual"]
    objectives: tuple[Objective, ...]
    rewards: tuple[Reward, ...] = ()


class Rulebook(Struct, frozen=True, kw_only=True):
    """Everything a tenant rewards. Immutable; a change of mind is a new version."""

    timezone: str = "UTC"
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"
    currencies: tuple[str, ...] = ("points",)
    earn: tuple[EarnRule, ...] = ()
    badges: tuple[Badge, ...] = ()
    challenges: tuple[Challenge, ...] = ()


class Step(Struct, frozen=True):
    """One objective of one challenge: what a fact is tried against."""

    challenge: Challenge
    objective: Objective


Rule: TypeAlias = EarnRule | Badge | Step
Data: TypeAlias = dict[str, Any]
