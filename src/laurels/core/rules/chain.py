"""What one command leads to, as it grows."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from laurels.core.change import (
    BadgeAwarded,
    ChallengeClaimed,
    ChallengeCompleted,
    ChallengeDroppedOff,
    ChallengeMilestoneReached,
    Change,
    ItemGranted,
    PointsPosted,
    PrizeWon,
    RewardClaimed,
    RewardGranted,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
    TierChanged,
)
from laurels.core.compile import Compiled
from laurels.core.draft import Draft
from laurels.core.event import EventId, Fact, Instant, ParticipantId
from laurels.core.evolve import evolve
from laurels.core.ledger import EXPIRED, account_of, is_earned, is_house
from laurels.core.shared import NOTHING_SHARED, UNTOUCHED_POOL, Pool, Shared, share
from laurels.core.state import State

FACTS: Final[dict[type[Change], tuple[str, tuple[str, ...]]]] = {
    BadgeAwarded: ("badge.awarded", ("badge", "rule")),
    ChallengeClaimed: ("challenge.claimed", ("challenge", "window")),
    ChallengeCompleted: ("challenge.completed", ("challenge", "window")),
    ChallengeDroppedOff: ("challenge.drop_off", ("challenge", "window")),
    ChallengeMilestoneReached: ("challenge.milestone", ("challenge", "milestone", "window")),
    ItemGranted: ("item.granted", ("item", "quantity", "rule")),
    PointsPosted: ("points.posted", ("currency", "amount", "rule")),
    PrizeWon: ("contest.prize", ("contest", "rank")),
    RewardClaimed: ("reward.claimed", ("reward", "reward_type")),
    RewardGranted: ("reward.granted", ("reward", "reward_type", "rule")),
    StreakBroken: ("streak.broken", ("streak", "length")),
    StreakExtended: ("streak.extended", ("streak", "current", "longest")),
    StreakMilestoneReached: ("streak.milestone", ("streak", "milestone")),
    TierChanged: ("tier.changed", ("tier", "level", "previous", "previous_level")),
}
"""
Changes that are facts in their turn: of which kind, and what rules may read of them.

Progress is none: its completion is.
"""


class Occasion(NamedTuple):
    """Who a command is about, when it is decided, and what its participant shares with others."""

    participant: ParticipantId
    now: Instant = 0
    command: EventId = ""
    shared: Shared = NOTHING_SHARED


class Decision(NamedTuple):
    """All the changes of one command, in the order they came about, and the draft they made."""

    changes: tuple[Change, ...]
    draft: Draft


class Chain:
    """
    The changes of one command so far, the draft they made, and the facts still to be heard.

    Facts beget facts: to complete a challenge is itself a fact that other rules may read. The chain
    is followed in the order it grows and refused past a fixed length, because a rulebook is written
    by strangers and nothing here may run for ever.
    """

    __slots__ = (
        "account",
        "calendar",
        "changes",
        "draft",
        "facts",
        "now",
        "occasion",
        "rulebook",
        "shared",
    )

    def __init__(self, rulebook: Compiled, state: State, occasion: Occasion) -> None:
        self.rulebook = rulebook
        self.draft = Draft(state)
        self.occasion = occasion
        self.now = occasion.now
        self.account = account_of(occasion.participant)
        self.shared = occasion.shared
        self.calendar = rulebook.calendar_of(state.timezone)
        self.facts: list[Fact] = []
        self.changes: list[Change] = []

    def carry_out(self, changes: Iterable[Change], at: Instant) -> None:
        """Bring each change into the draft before the next one is thought of."""
        for change in changes:
            evolve(self.draft, change)
            kind = kind_of(change)
            if kind in self.rulebook.matchers:
                self.facts.append(Fact(kind, data_of(change), at, len(self.changes)))
            self.changes.append(change)

    def pool(self, offer: str) -> Pool:
        """Return what is left of an offer, what this chain has taken counted."""
        return share(self.shared, self.changes).pools.get(offer, UNTOUCHED_POOL)


def kind_of(change: Change) -> str | None:
    """Return the kind of fact that a change is, if it is any."""
    known = FACTS.get(type(change))
    if known is None:
        return None
    kind = known[0]
    match change:
        case PointsPosted() if not is_earned(change.source, change.target):
            if not is_house(change.target):
                return None  # Points that come back, or wait in a hold, are no achievement.
            return "points.expired" if change.target == EXPIRED else "points.spent"
        case StreakExtended(quiet=True) | ChallengeClaimed(quiet=True):
            return None
        case TierChanged() if change.tier == change.previous:
            return None  # It is only held by hand from now on.
        case _:
            return kind


def data_of(change: Change) -> dict[str, Any]:
    """Return what rules may read of a change that is a fact."""
    return {name: getattr(change, name) for name in FACTS[type(change)][1]}
