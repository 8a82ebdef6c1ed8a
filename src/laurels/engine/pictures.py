"""What a participant looks like at a moment: pictures of a settled state, for any API to show."""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from laurels.core.course import Course
from laurels.core.event import Instant
from laurels.core.ledger import NOTHING, Balance
from laurels.core.number import Millionths
from laurels.core.period import period_of
from laurels.core.rulebook import Badge, Challenge, Level, Objective, Streak, Window
from laurels.core.rules.chain import Chain, Occasion
from laurels.core.rules.challenge import has_ended, window_of
from laurels.core.rules.tier import measure_of
from laurels.core.section import DONE, ENROLLED, STREAK, TIER, Standing, StreakRecord
from laurels.core.state import UNTOUCHED, Progress, State, is_owed
from laurels.core.streak import StreakPicture, picture
from laurels.core.window import (
    DAY_MS,
    DAYS_TO_MONDAY,
    Calendar,
    days_later,
    rolling_start,
    window_ends,
)
from laurels.engine.answers import Met

Status: TypeAlias = Literal["locked", "available", "active", "completed", "claimed"]

First: TypeAlias = Literal["owed", "current"]

_THURSDAY: Final = 3
"""1970-01-01, counted from Monday."""


class BadgePicture(Struct, frozen=True):
    """A badge of the rulebook, or one that was earned before it left the rulebook."""

    badge: Badge
    earned_at: Instant | None


class TierPicture(Struct, frozen=True):
    """Where somebody stands on the ladder, what comes next, and how far it is."""

    standing: Standing | None
    level: Level | None
    """Of the standing, as the rulebook in force describes it; None where it no longer does."""
    next: Level | None
    measure: int
    """What counts towards the next level, in whole units."""


class ObjectivePicture(Struct, frozen=True):
    objective: Objective
    measure: Millionths

    @property
    def is_met(self) -> bool:
        return self.measure >= self.objective.target


class ChallengePicture(Struct, frozen=True):
    """One challenge by one of its windows: the current one, or the oldest that is to be claimed."""

    challenge: Challenge
    status: Status
    window: str | None
    """None where no window has begun."""
    objectives: tuple[ObjectivePicture, ...]
    ends_at: Instant | None
    """When the current window closes, if it ever does and is the one that is shown."""
    enrolled_at: Instant | None
    completed_at: Instant | None
    claimed_at: Instant | None
    times_completed: int
    """Over all windows."""
    is_touched: bool
    """Whether the participant ever did anything towards it."""
    moved_at: Instant | None
    """When the window that is shown last moved, by the time of the facts."""


def points_of(met: Met) -> dict[str, Balance]:
    """Return the balance of every currency, those of the rulebook first."""
    balances = met.state.balances
    currencies = dict.fromkeys((*met.rulebook.rulebook.currencies, *sorted(balances)))
    return {currency: balances.get(currency, NOTHING) for currency in currencies}


def badges_of(met: Met) -> Iterator[BadgePicture]:
    """Return the badges as the rulebook lists them, then those earned that it no longer has."""
    earned = met.state.badges
    for badge in met.rulebook.rulebook.badges:
        yield BadgePicture(badge, earned.get(badge.id))
    for name in sorted(earned.keys() - met.rulebook.badges.keys()):
        yield BadgePicture(Badge(id=name, title=name), earned[name])


def tier_of(met: Met) -> TierPicture:
    standing, ladder = met.state.read(TIER, ""), met.rulebook.rulebook.tiers
    if ladder is None:
        return TierPicture(standing, None, None, 0)
    level = 0 if standing is None else standing.level
    return TierPicture(
        standing,
        None if standing is None else met.rulebook.levels.get(standing.tier or ""),
        next((each for each in ladder.levels if each.level > level), None),
        measure_of(_chain(met, 0), ladder),
    )


def streaks_of(met: Met, now: Instant) -> Iterator[tuple[Streak, StreakPicture]]:
    """Return the streaks of the rulebook that the participant has touched."""
    touched = set(met.state.keys(STREAK))
    for streak in met.rulebook.rulebook.streaks:
        if streak.id in touched:
            yield streak, picture_streak(met, streak, now)


def run_length(met: Met, streak: Streak, at: Instant) -> int:
    """Return how many periods the run counts that a fact of this moment, which is there, is in."""
    record = met.state.read(STREAK, streak.id) or StreakRecord()
    calendar = met.rulebook.calendar_of(met.state.timezone)
    course = Course(streak, record, calendar, met.rulebook.rulebook.incidents)
    return course.run_of(period_of(streak, at, calendar)).length


def picture_streak(met: Met, streak: Streak, now: Instant) -> StreakPicture:
    record = met.state.read(STREAK, streak.id) or StreakRecord()
    calendar = met.rulebook.calendar_of(met.state.timezone)
    return picture(streak, record, calendar, met.rulebook.rulebook.incidents, now)


def challenges_of(met: Met, now: Instant, first: First = "owed") -> list[ChallengePicture]:
    return [picture_challenge(met, now, each, first) for each in met.rulebook.rulebook.challenges]


def picture_challenge(
    met: Met, now: Instant, challenge: Challenge, first: First = "owed"
) -> ChallengePicture:
    """
    Return the picture of one challenge at a moment.

    `first` tells which window is shown: the oldest completed one that waits to be claimed before
    the current one, or the current one before it, once anything has counted there.
    """
    chain, state = _chain(met, now), met.state
    windows = state.windows(challenge.id)
    owed = min((name for name, each in windows.items() if is_owed(each)), default=None)
    current = _current(chain, state, challenge)
    has_begun = current is not None and any(windows.get(current, UNTOUCHED).measures.values())
    shown = current if owed is None or (first == "current" and has_begun) else owed
    progress = UNTOUCHED if shown is None else windows.get(shown, UNTOUCHED)
    enrolled_at = _enrolled_at(state, challenge, chain.now)
    status = _status(chain, state, challenge, progress, enrolled_at)
    return ChallengePicture(
        challenge=challenge,
        status="completed" if is_owed(progress) else status,
        window=shown,
        objectives=tuple(
            ObjectivePicture(each, progress.measures.get(each.id, 0))
            for each in challenge.objectives
        ),
        ends_at=None if shown is None or shown != current else _ends_at(chain, challenge, shown),
        enrolled_at=enrolled_at,
        completed_at=progress.completed_at,
        claimed_at=progress.claimed_at,
        times_completed=state.read(DONE, challenge.id) or 0,
        is_touched=bool(windows) or challenge.id in state.folded,
        moved_at=progress.reached_at,
    )


def _chain(met: Met, now: Instant) -> Chain:
    # Whoever it is, nothing is decided here: a chain knows how to look things up.
    return Chain(met.rulebook, met.state, Occasion("", now))


def _current(chain: Chain, state: State, challenge: Challenge) -> str | None:
    if challenge.window.kind == "fixed":
        return ""  # Also before it begins, and once it is over.
    window = window_of(chain, challenge, chain.now)
    begins_with_a_fact = challenge.window.kind == "rolling" and challenge.window.begins == "first"
    return None if begins_with_a_fact and window not in state.windows(challenge.id) else window


def _enrolled_at(state: State, challenge: Challenge, now: Instant) -> Instant | None:
    enrolled_at = state.read(ENROLLED, challenge.id)
    if enrolled_at is None or has_ended(challenge, enrolled_at, now):
        return None
    return enrolled_at


def _status(
    chain: Chain,
    state: State,
    challenge: Challenge,
    progress: Progress,
    enrolled_at: Instant | None,
) -> Status:
    done = state.read(DONE, challenge.id) or 0
    if progress.claimed_at is not None or (challenge.repeat and done >= challenge.repeat):
        return "claimed"
    if _is_locked(state, challenge, chain.now):
        return "locked"
    return "active" if enrolled_at is not None or any(progress.measures.values()) else "available"


def _is_locked(state: State, challenge: Challenge, now: Instant) -> bool:
    if not all(state.read(DONE, other) for other in challenge.requires):
        return True
    starts = (challenge.window.starts, challenge.campaign and challenge.campaign.starts)
    return any(at is not None and now < at for at in starts)


def _ends_at(chain: Chain, challenge: Challenge, name: str) -> Instant | None:
    of_campaign = challenge.campaign and challenge.campaign.ends
    of_window = _window_ends(challenge.window, name, chain.now, chain.calendar)
    ends = (of_window, of_campaign, challenge.expires)
    return min((at for at in ends if at is not None), default=None)


def _window_ends(window: Window, name: str, now: Instant, calendar: Calendar) -> Instant | None:
    match window.kind:
        case "lifetime" | "fixed":
            return window.ends
        case "rolling":
            return rolling_start(name) + window.days * DAY_MS
        case "daily":
            return days_later(now, 0, calendar)
        case "weekly":
            shifted = calendar.day(now) + DAYS_TO_MONDAY[calendar.week_starts] + _THURSDAY
            return days_later(now, 6 - shifted % 7, calendar)
        case _:
            return window_ends(window, now, calendar)
