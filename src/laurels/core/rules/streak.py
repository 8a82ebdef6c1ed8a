"""Streaks: what facts, pauses and the passing of time do to one."""

from collections.abc import Iterator

from laurels.core import limits
from laurels.core.change import (
    Change,
    FreezeSpent,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
    StreakPaused,
)
from laurels.core.command import Pause
from laurels.core.course import Course
from laurels.core.errors import InvalidCommand
from laurels.core.event import Fact, Instant
from laurels.core.period import judged_at, open_period, period_of
from laurels.core.rulebook import Streak
from laurels.core.rules.chain import Chain
from laurels.core.rules.freeze import freeze, look_ahead, record_of
from laurels.core.rules.reward import pay
from laurels.core.streak import extend, last_known, owed, place, untold
from laurels.core.window import DAY_MS

__all__ = ["freeze", "hear", "pause", "settle"]


def hear(chain: Chain, streak: Streak, fact: Fact) -> Iterator[Change]:
    """
    Let a fact count in its period, if that is the period's first.

    What was missed before and is not told yet, because a zone or the rulebook changed, comes first.
    """
    placed = place(streak, record_of(chain, streak), fact.at, chain.calendar)
    if placed is None:
        return
    yield from _missed(chain, streak, chain.now)
    record = record_of(chain, streak)
    period, early = placed
    extended = extend(record, period, early=early)
    incidents = chain.rulebook.rulebook.incidents
    before = Course(streak, record, chain.calendar, incidents)
    after = Course(streak, extended, chain.calendar, incidents)
    yield StreakExtended(
        streak.id,
        period,
        early,
        after.run_of(period).length,
        after.longest,
        fact.at,
        after.longest > before.longest,
        after.runs == before.runs,
        fact.because,
    )
    reached = owed(streak, extended, before, after, period)
    while reached:  # What one pays may be freezes, and make the next one due.
        milestone, noted = reached[0]
        yield StreakMilestoneReached(streak.id, milestone.at, noted, fact.at, fact.because)
        yield from pay(chain, milestone.rewards, streak.id, fact.at, fact.because)
        record = record_of(chain, streak)
        after = Course(streak, record, chain.calendar, incidents)
        reached = owed(streak, record, before, after, period)
    look_ahead(chain, streak, after)


def pause(chain: Chain, streak: Streak, command: Pause) -> Iterator[Change]:
    """Let a streak need no fact from one moment to another."""
    starts, ends = command.starts, command.ends
    if ends < starts:
        raise InvalidCommand("A pause cannot end before it starts.")
    if ends - starts > limits.PAUSE_DAYS_MAX * DAY_MS:
        raise InvalidCommand(f"A pause may last {limits.PAUSE_DAYS_MAX} days at most.")
    first, last, today = (period_of(streak, at, chain.calendar) for at in (starts, ends, chain.now))
    if first < today:
        raise InvalidCommand("A pause cannot begin before the current period of the streak.")
    yield StreakPaused(streak.id, first, last)
    look_ahead(chain, streak)


def settle(chain: Chain, streak: Streak, at: Instant) -> Iterator[Change]:
    """Tell what became of missed periods whose grace is over at a moment, each of them once."""
    yield from _missed(chain, streak, at)
    look_ahead(chain, streak)


def _missed(chain: Chain, streak: Streak, at: Instant) -> Iterator[Change]:
    record, still_open = record_of(chain, streak), open_period(streak, at, chain.calendar)
    if last_known(record) >= still_open - 1:
        return  # By far the most often: nothing lies in between.
    incidents = chain.rulebook.rulebook.incidents
    for judgement in untold(streak, record, chain.calendar, incidents):
        period = judgement.period
        if period >= still_open:
            break
        then = judged_at(streak, period, chain.calendar)
        if judgement.is_forgiven:
            yield FreezeSpent(streak.id, period, then)
        else:
            yield StreakBroken(streak.id, period, judgement.length, then)
