"""The sections of a participant's state: one small value a rule, opened only where a fact looks."""

from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from laurels.core.event import Instant
from laurels.core.ledger import Lots
from laurels.core.number import Millionths

Value = TypeVar("Value")


class Section(Generic[Value]):
    """A kind of section: its name, and what stands in it."""

    __slots__ = ("decode", "name")

    def __init__(self, name: str, of: Any) -> None:
        self.name = name
        self.decode = msgspec.json.Decoder(of).decode

    def at(self, key: str) -> str:
        """Name the section of one rule."""
        return f"{self.name}/{key}"


class Profile(Struct, frozen=True, omit_defaults=True):
    """What we were told about a participant."""

    display_name: str | None = None
    avatar_url: str | None = None
    timezone: str | None = None
    attributes: Raw = Raw(b"{}")


class HeldPoints(Struct, frozen=True, omit_defaults=True, gc=False):
    """Points that are set aside, and when those among them expire that do."""

    currency: str
    amount: int
    expires_at: Instant | None = None
    lots: Lots = ()


class Standing(Struct, frozen=True, omit_defaults=True, gc=False):
    """The tier a participant has."""

    tier: str | None
    level: int
    since: Instant
    manual: bool = False
    automatic_level: int = 0
    history: tuple[tuple[str | None, Instant], ...] = ()
    """Earlier ones, oldest first; a bounded number."""


class StreakRecord(
    Struct,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={"active": "a", "early": "e", "granted": "g", "asked": "q", "paused": "p", "paid": "m"},
):
    """
    All that a streak is a function of. Periods are numbers, lists of them rise.

    What was told of a break is kept too, so that it is told once.
    """

    active: tuple[tuple[int, int], ...] = ()
    """Periods with a fact, as (first, last) of each unbroken stretch."""
    early: tuple[int, ...] = ()
    """Periods with a fact in the hours of grace that may count for the period before."""
    granted: tuple[tuple[int, int], ...] = ()
    """Freezes that were granted or bought: (the first period they can forgive, how many)."""
    asked: tuple[int, ...] = ()
    """Periods that a freeze was asked for."""
    paused: tuple[tuple[int, int], ...] = ()
    paid: tuple[tuple[int, int], ...] = ()
    """Milestones that were paid: (threshold, period of the fact that reached it)."""
    told: int | None = None
    """The last missed period whose forgiveness or break was told."""
    last_at: Instant | None = None


class ClaimedReward(Struct, frozen=True, omit_defaults=True, gc=False):
    """An offer that was granted or claimed, while something can still become of it."""

    reward: str
    title: str
    type: str
    number: int
    at: Instant
    status: str = "claimed"
    has_code: bool = False
    paid: tuple[str, int] | None = None
    """The currency and the amount, if anything was paid."""


class Pace(Struct, frozen=True, omit_defaults=True, gc=False):
    """How fast somebody scored of late, in millionths, and what is held back of it."""

    minutes: tuple[tuple[int, Millionths], ...] = ()
    """By number, the latest ones."""
    hours: tuple[tuple[int, Millionths], ...] = ()
    held: Millionths = 0
    held_at: Instant | None = None
    """None while nothing is held."""


PROFILE: Final = Section[Profile]("profile", Profile)
LOTS: Final = Section[Lots]("lots", Lots)
HOLD: Final = Section[HeldPoints]("hold", HeldPoints)
TIER: Final = Section[Standing]("tier", Standing)
STREAK: Final = Section[StreakRecord]("streak", StreakRecord)
CLAIMED: Final = Section[ClaimedReward]("claimed", ClaimedReward)
TAKEN: Final = Section[int]("taken", int)
"""How often an offer was granted or claimed, void ones not counted."""
DONE: Final = Section[int]("done", int)
"""How often a challenge was completed, over all its windows."""
ENROLLED: Final = Section[Instant]("enrolled", int)
PACE: Final = Section[Pace]("pace", Pace)
PRIZE: Final = Section[int]("prize", int)
"""The rank that was paid in a contest."""

SECTIONS: Final[tuple[Section[Any], ...]] = (
    PROFILE, LOTS, HOLD, TIER, STREAK, CLAIMED, TAKEN, DONE, ENROLLED, PACE, PRIZE,
)  # fmt: skip
