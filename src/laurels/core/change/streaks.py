"""What can come of a streak."""

from msgspec import Struct

from laurels.core.event import Instant


class StreakExtended(Struct, frozen=True, omit_defaults=True, gc=False, tag="streak.extended"):
    """
    A period of a streak has its first fact; periods are numbered, see `core/streak.py`.

    `early` facts came in the hours of grace that follow the period before.
    """

    streak: str
    period: int
    early: bool
    current: int
    longest: int
    at: Instant
    is_record: bool = False
    """Whether no run of this streak was ever as long."""
    quiet: bool = False
    """Whether nothing more counts by it: an early fact had the period already."""
    because: int = -1


class StreakMilestoneReached(
    Struct, frozen=True, omit_defaults=True, gc=False, tag="streak.milestone"
):
    """A run is so many periods long for the first time; its rewards follow."""

    streak: str
    milestone: int
    period: int
    at: Instant
    because: int = -1


class StreakBroken(Struct, frozen=True, omit_defaults=True, gc=False, tag="streak.broken"):
    """A period passed without a fact and nothing forgave it: a run of `length` has ended."""

    streak: str
    period: int
    length: int
    at: Instant
    because: int = -1


class FreezeSpent(Struct, frozen=True, omit_defaults=True, gc=False, tag="freeze.spent"):
    """A missed period was forgiven by a freeze."""

    streak: str
    period: int
    at: Instant
    because: int = -1


class FreezeAsked(Struct, frozen=True, omit_defaults=True, gc=False, tag="freeze.asked"):
    """A participant asked that a freeze forgive a period."""

    streak: str
    period: int
    at: Instant
    because: int = -1


class FreezesGranted(Struct, frozen=True, omit_defaults=True, gc=False, tag="freezes.granted"):
    """So many freezes, in time to forgive `period` or a later one."""

    streak: str
    quantity: int
    period: int
    at: Instant
    rule: str = ""
    because: int = -1


class StreakPaused(Struct, frozen=True, omit_defaults=True, gc=False, tag="streak.paused"):
    """Periods from `first` to `last` need no fact."""

    streak: str
    first: int
    last: int
    because: int = -1
