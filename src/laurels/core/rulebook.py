"""What a tenant rewards, as values. `parse` makes them from text, `compile` gets them ready."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.filter import Filter, Path
from laurels.core.number import ONE, Millionths
from laurels.core.source import Source

WindowKind: TypeAlias = Literal[
    "lifetime", "yearly", "monthly", "weekly", "daily", "fixed", "rolling"
]
Measure: TypeAlias = Literal["count", "sum", "distinct", "max"]
ScoreMeasure: TypeAlias = Literal["count", "sum", "max", "latest"]
Ties: TypeAlias = Literal["earliest", "shared", "dense"]
PeriodUnit: TypeAlias = Literal["day", "week", "month"]

OWN_KINDS: Final = (
    "badge.awarded",
    "challenge.claimed",
    "challenge.completed",
    "challenge.drop_off",
    "challenge.milestone",
    "contest.prize",
    "item.granted",
    "points.expired",
    "points.posted",
    "points.spent",
    "reward.claimed",
    "reward.granted",
    "streak.broken",
    "streak.extended",
    "streak.milestone",
    "tier.changed",
)
"""Facts of our own that rules may listen to, beside `custom.<event name>`."""


class Window(Struct, frozen=True):
    """
    The stretch of time that something counts in.

    Only a fixed one has its own borders. A rolling one lasts `days` from enrolment, or from the
    first fact that counts.
    """

    kind: WindowKind = "lifetime"
    starts: Instant | None = None
    ends: Instant | None = None
    days: int = 0
    begins: Literal["first", "enrolment"] = "first"


class Campaign(Struct, frozen=True, kw_only=True):
    """A stretch of time that rules may belong to: outside it they hear nothing."""

    id: str
    title: str
    starts: Instant | None = None
    ends: Instant | None = None
    multiplier: Millionths = ONE
    """Of the earn rules that belong to it."""
    description: str = ""
    color: str = ""
    banner: str = ""
    """The address of a picture."""


class Listener(Struct, frozen=True, kw_only=True):
    """Which facts a rule hears: their kind, and what their data must satisfy."""

    kind: str
    where: Filter | None = None


class Price(Struct, frozen=True):
    """So much of a currency, to be paid."""

    currency: str
    amount: int


class Cap(Struct, frozen=True, kw_only=True):
    """The most that an earn rule gives one participant in a window: points, or times."""

    of: Literal["points", "times"]
    most: int
    window: Window


class EarnRule(Struct, frozen=True, kw_only=True):
    """So much of a currency for each fact: `fixed`, or the floored product of a property."""

    id: str
    hears: Listener
    currency: str
    fixed: int = 0
    of: Path | None = None
    times: Millionths = 0
    campaign: Campaign | None = None
    cap: Cap | None = None
    expires_days: int = 0
    """How long the points live; 0 means for ever."""
    multiplied: bool = True
    """Whether the multipliers of tier and campaign apply."""


class Badge(Struct, frozen=True, kw_only=True):
    """Something to own once. Without a listener it is only ever a reward."""

    id: str
    title: str
    hears: Listener | None = None
    description: str = ""
    icon: str = ""
    rarity: str = "common"


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


class OfferReward(Struct, frozen=True, tag="reward"):
    """An offer of the catalogue, free of charge: granted now, claimed when the participant asks."""

    offer: str
    title: str


class FreezeReward(Struct, frozen=True, tag="freeze"):
    """So many freezes of a streak."""

    streak: str
    quantity: int


Reward: TypeAlias = PointsReward | BadgeReward | ItemReward | OfferReward | FreezeReward


class Objective(Struct, frozen=True, kw_only=True):
    """One thing to do so many times, or until a property's sum, variety or maximum is reached."""

    id: str
    hears: Listener
    measure: Measure
    of: Path | None = None
    target: Millionths
    after: tuple[str, ...] = ()
    """Objectives of the same challenge that must be met before this one counts."""


class ChallengeMilestone(Struct, frozen=True, kw_only=True):
    """A payout on the way: once per window, when an objective's measure reaches `at`."""

    id: str
    objective: str
    at: Millionths
    rewards: tuple[Reward, ...]


class Challenge(Struct, frozen=True, kw_only=True):
    """A goal: objectives of which `needs` must be met within one window, and what they pay."""

    id: str
    title: str
    window: Window
    needs: int
    claim: Literal["automatic", "manual"]
    objectives: tuple[Objective, ...]
    rewards: tuple[Reward, ...] = ()
    campaign: Campaign | None = None
    milestones: tuple[ChallengeMilestone, ...] = ()
    requires: tuple[str, ...] = ()
    """Challenges that must have been completed before this one counts."""
    enrolment: Literal["automatic", "asked"] = "automatic"
    repeat: int | None = None
    """How often it may be completed over all its windows; None is no limit."""
    description: str = ""
    icon: str = ""
    """The address of a picture."""
    expires: Instant | None = None
    """Facts of later moments do not count; one of this very moment does."""
    drop_off_hours: int = 0
    """After so long without progress a `challenge.drop_off` is told; 0 means never."""


class Level(Struct, frozen=True, kw_only=True):
    """One rung of the ladder: reached when the measure is `at` or more, in whole units."""

    id: str
    title: str
    level: int
    at: int
    multiplier: Millionths = ONE
    perks: tuple[str, ...] = ()
    keep: int = 0
    """What a period must bring for the level to be kept, where there is requalification."""
    color: str = ""


class Requalify(Struct, frozen=True, kw_only=True):
    """Levels must be earned again in each period, or they are lost when its grace has passed."""

    window: Window
    grace_days: int = 0


class Ladder(Struct, frozen=True, kw_only=True):
    """Tiers: levels by what was ever earned of a currency, or by how many facts were heard."""

    hears: Listener
    currency: str | None
    """None means that facts are counted."""
    levels: tuple[Level, ...]
    """Rising, both by `level` and by `at`."""
    requalify: Requalify | None = None


class Freezes(Struct, frozen=True, kw_only=True):
    """Stock that forgives missed periods, one each."""

    cap: int
    earn_every: int = 0
    """One is earned with each so many periods of a run; 0 means never."""
    apply: Literal["automatic", "asked"] = "automatic"
    price: Price | None = None


class StreakMilestone(Struct, frozen=True, kw_only=True):
    """What a run pays once when it is `at` periods long."""

    at: int
    rewards: tuple[Reward, ...]


class Streak(Struct, frozen=True, kw_only=True):
    """Periods one after the other in which something was done."""

    id: str
    title: str
    hears: Listener
    unit: PeriodUnit = "day"
    length: int = 1
    """How many days one period has; only days may have more than one."""
    grace_hours: int = 0
    freezes: Freezes | None = None
    milestones: tuple[StreakMilestone, ...] = ()


class Score(Struct, frozen=True, kw_only=True):
    """What is ranked: facts, or a property's sum, maximum or latest value, times a weight."""

    measure: ScoreMeasure
    of: Path | None = None
    weight: Millionths = ONE


class Velocity(Struct, frozen=True, kw_only=True):
    """More than so much in a minute or an hour of a fact's own time is flagged, or held back."""

    per_minute: Millionths | None = None
    per_hour: Millionths | None = None
    action: Literal["flag", "hold"] = "flag"


class Board(Struct, frozen=True, kw_only=True):
    """A leaderboard: it ranks those who scored, period by period, without end."""

    id: str
    title: str
    hears: Listener
    score: Score
    window: Window
    ties: Ties = "earliest"
    segment: str | None = None
    """The participant's attribute that parts the board into boards of its own."""


class Prize(Struct, frozen=True, kw_only=True):
    """What the ranks from `first` to `last` win."""

    first: int
    last: int
    rewards: tuple[Reward, ...]


class Contest(Struct, frozen=True, kw_only=True):
    """A board with a beginning, an end, and prizes."""

    id: str
    title: str
    hears: Listener
    score: Score
    starts: Instant
    ends: Instant
    grace_ms: int
    """How long after `ends` facts from before it may still come."""
    ties: Ties = "earliest"
    prizes: tuple[Prize, ...] = ()
    """Ranges that do not overlap, best rank first."""
    liability_max: int | None = None
    """The most that all prizes together may pay in the first currency."""
    velocity: Velocity | None = None
    draft: bool = False
    """A draft hears nothing and closes never."""

    @property
    def window(self) -> Window:
        return Window("fixed", self.starts, self.ends)


class Offer(Struct, frozen=True, kw_only=True):
    """A reward of the catalogue."""

    id: str
    title: str
    type: str = "digital"
    description: str = ""
    price: Price | None = None
    stock: int | None = None
    """How many there are in all; None is no limit. Uploaded codes limit it as well."""
    codes: bool = False
    """Whether each claim takes a code that was uploaded."""
    per_participant: int | None = 1
    starts: Instant | None = None
    ends: Instant | None = None


class Incident(Struct, frozen=True):
    """We were down: no streak breaks for a period that this touches."""

    starts: Instant
    ends: Instant


class Rulebook(Struct, frozen=True, kw_only=True):
    """Everything a tenant rewards. Immutable; a change of mind is a new version."""

    timezone: str = "UTC"
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"
    currencies: tuple[str, ...] = ("points",)
    lifetimes_days: dict[str, int] = {}
    """By currency, how long credits live that say nothing of it themselves."""
    earn: tuple[EarnRule, ...] = ()
    badges: tuple[Badge, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    tiers: Ladder | None = None
    streaks: tuple[Streak, ...] = ()
    leaderboards: tuple[Board, ...] = ()
    contests: tuple[Contest, ...] = ()
    offers: tuple[Offer, ...] = ()
    incidents: tuple[Incident, ...] = ()
    webhooks: tuple[Source, ...] = ()


class Step(Struct, frozen=True):
    """One objective of one challenge: what a fact is tried against."""

    challenge: Challenge
    objective: Objective


Rule: TypeAlias = EarnRule | Badge | Step | Streak | Ladder | Board | Contest
