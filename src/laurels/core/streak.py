"""
The mathematics of a streak: how its record grows, and what a record comes to at a moment.

A record holds which periods have facts, in a form that the order of arrival leaves no trace in.
Runs, freezes and breaks are worked out from it anew each time, so that a late fact, a pause or an
incident changes what is past as well.
"""

from collections.abc import Iterator
from math import inf
from typing import Final, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from laurels.core.change import (
    FreezeAsked,
    FreezesGranted,
    FreezeSpent,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
    StreakPaused,
)
from laurels.core.course import Course, Judgement
from laurels.core.event import Instant
from laurels.core.period import (
    Incidents,
    begins_at,
    holds,
    judged_at,
    merge,
    open_period,
    period_of,
)
from laurels.core.rulebook import Reward, Streak, StreakMilestone
from laurels.core.section import StreakRecord
from laurels.core.window import Calendar

StreakChange: TypeAlias = (
    StreakExtended
    | StreakMilestoneReached
    | StreakBroken
    | FreezeSpent
    | FreezeAsked
    | FreezesGranted
    | StreakPaused
)

AT_RISK_PART: Final = 4
"""A streak is at risk in the last quarter of a period that has no fact."""


class StreakPicture(Struct, frozen=True, kw_only=True):
    """A streak as it stands at a moment, whatever was told of it."""

    current: int
    longest: int
    freezes: int
    """How many are left."""
    is_at_risk: bool
    has_today: bool
    """Whether the period that holds the moment counts already."""
    grace_ends_at: Instant | None
    """Until when a period that was missed can still be made up for."""
    next_milestone: tuple[int, tuple[Reward, ...]] | None
    last_at: Instant | None


def evolve(record: StreakRecord, change: StreakChange) -> StreakRecord:
    """Carry a change over into the record of its streak."""
    match change:
        case StreakExtended(period=period, early=early, at=at):
            latest = at if record.last_at is None else max(record.last_at, at)
            return replace(extend(record, period, early=early), last_at=latest)
        case StreakMilestoneReached(milestone=milestone, period=period):
            return replace(record, paid=tuple(sorted({*record.paid, (milestone, period)})))
        case StreakBroken(period=period) | FreezeSpent(period=period):
            return replace(record, told=period)
        case FreezeAsked(period=period):
            return replace(record, asked=_with(record.asked, period))
        case FreezesGranted(period=period, quantity=quantity):
            granted = dict(record.granted)
            granted[period] = granted.get(period, 0) + quantity
            return replace(record, granted=tuple(sorted(granted.items())))
        case StreakPaused(first=first, last=last):
            return replace(record, paused=merge((*record.paused, (first, last))))
        case _:
            assert_never(change)


def place(
    streak: Streak, record: StreakRecord, at: Instant, calendar: Calendar
) -> tuple[int, bool] | None:
    """Return a fact's period and whether it is early, or None when that is known already."""
    period = period_of(streak, at, calendar)
    is_there = holds(record.active, period)
    is_never_early = not streak.grace_hours or holds(record.active, period - 1)
    if is_there and is_never_early:
        return None
    is_early = open_period(streak, at, calendar) < period
    is_known = period in record.early if is_early else is_there
    return None if is_known else (period, is_early)


def extend(record: StreakRecord, period: int, *, early: bool) -> StreakRecord:
    """
    Add a period with a fact.

    An early fact can no longer count for the period before once that one has a fact of its own: it
    is like any other then, and so are those right after it in their turn.

    >>> extended = extend(StreakRecord(active=((1, 1),), early=(3, 4, 6)), 2, early=False)
    >>> extended.active, extended.early
    (((1, 4),), (6,))
    """
    if early and not holds(record.active, period - 1):
        return replace(record, early=_with(record.early, period))
    last = period
    while last + 1 in record.early:
        last += 1
    active = merge((*record.active, (period, last)))
    waiting = tuple(each for each in record.early if not period < each <= last)
    return replace(record, active=active, early=waiting)


def last_known(record: StreakRecord) -> float:
    """Return the last period that has a fact or of which was told that it has none."""
    active = record.active[-1][1] if record.active else -inf
    early = record.early[-1] - 1 if record.early else -inf  # It may count for the one before.
    if active == early == -inf:
        return inf  # Nothing has begun, so nothing can be missed.
    return max(active, early, -inf if record.told is None else record.told)


def untold(
    streak: Streak, record: StreakRecord, calendar: Calendar, incidents: Incidents
) -> Iterator[Judgement]:
    """Return the judgements that follow if nothing more happens, but for those that were told."""
    return _untold(record, Course(streak, record, calendar, incidents))


def due(streak: Streak, record: StreakRecord, calendar: Calendar, course: Course) -> Instant | None:
    """
    Return when the next missed period will be judged, or None when no run is alive.

    It uses up the course of the record.
    """
    judgement = next(_untold(record, course), None)
    return None if judgement is None else judged_at(streak, judgement.period, calendar)


def owed(
    streak: Streak, record: StreakRecord, before: Course, after: Course, period: int
) -> list[tuple[StreakMilestone, int]]:
    """
    Return the milestones that a fact has made due, and the periods to note them down at.

    That is the fact's own period, or one within the run where the run has grown by a fact that lies
    elsewhere. What is noted down within a run is never paid for it again.
    """
    milestones = sorted(streak.milestones, key=lambda milestone: milestone.at)
    reached: list[tuple[StreakMilestone, int]] = []
    for run in sorted(set(after.runs).difference(before.runs)):
        paid = {
            at for at, noted in record.paid if run.first <= after.counted_for(noted) <= run.last
        }
        is_own = run.first <= after.counted_for(period) <= run.last
        noted = period if is_own else min(max(period, run.first), run.last)
        reached += [
            (milestone, noted)
            for milestone in milestones
            if milestone.at <= run.length and milestone.at not in paid
        ]
    return reached


def picture(
    streak: Streak,
    record: StreakRecord,
    calendar: Calendar,
    incidents: Incidents,
    now: Instant,
) -> StreakPicture:
    """Return how a streak stands now."""
    course = Course(streak, record, calendar, incidents)
    today, still_open = (each(streak, now, calendar) for each in (period_of, open_period))
    is_alive = course.lives(still_open)
    current = course.runs[-1].length if is_alive else 0
    has_today = course.counts(today)
    grace_ends_at = None
    if is_alive:
        missed = course.next_missed(max(still_open, course.runs[-1].last + 1))
        grace_ends_at = judged_at(streak, missed, calendar) if missed < today else None
    is_late = not course.is_excused(today) and _is_nearly_over(streak, today, calendar, now)
    ahead = [milestone for milestone in streak.milestones if milestone.at > current]
    following = min(ahead, key=lambda milestone: milestone.at, default=None)
    return StreakPicture(
        current=current,
        longest=course.longest,
        freezes=course.left(today),
        is_at_risk=is_alive and not has_today and (is_late or grace_ends_at is not None),
        has_today=has_today,
        grace_ends_at=grace_ends_at,
        next_milestone=None if following is None else (following.at, following.rewards),
        last_at=record.last_at,
    )


def freezable(
    streak: Streak,
    record: StreakRecord,
    calendar: Calendar,
    incidents: Incidents,
    now: Instant,
) -> tuple[int | None, int]:
    """Return the period that a freeze can be asked for now, and how many are not yet promised."""
    course = Course(streak, record, calendar, incidents)
    today, still_open = (each(streak, now, calendar) for each in (period_of, open_period))
    if not course.lives(still_open):
        return None, course.left(today)
    first = max(still_open, course.runs[-1].last + 1)
    missed = [period for period in range(first, today + 1) if not course.is_excused(period)]
    unasked = [period for period in missed if period not in record.asked]
    return next(iter(unasked), None), course.left(today) - (len(missed) - len(unasked))


def _untold(record: StreakRecord, course: Course) -> Iterator[Judgement]:
    if course.runs:
        for judgement in course.ahead():
            if record.told is None or judgement.period > record.told:
                yield judgement


def _with(periods: tuple[int, ...], period: int) -> tuple[int, ...]:
    return tuple(sorted({*periods, period}))


def _is_nearly_over(streak: Streak, period: int, calendar: Calendar, now: Instant) -> bool:
    begins, ends = (begins_at(streak, each, calendar) for each in (period, period + 1))
    return (ends - now) * AT_RISK_PART <= ends - begins
