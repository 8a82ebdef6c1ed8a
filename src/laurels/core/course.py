"""The course of a streak: one pass over its periods, and the runs and freezes that come of it."""

from collections.abc import Iterator
from math import inf
from typing import Final, NamedTuple

from laurels.core.period import Incidents, holds, merge, range_of, touched_by
from laurels.core.rulebook import Freezes, Streak
from laurels.core.section import StreakRecord
from laurels.core.window import Calendar

NO_FREEZES: Final = Freezes(cap=0)


class Run(NamedTuple):
    """Periods that count, one after the other but for what was forgiven between them."""

    first: int
    last: int
    length: int
    """How many count; what was forgiven does not."""


class Judgement(NamedTuple):
    """What becomes of a missed period after its hours of grace, and the length of the run then."""

    period: int
    is_forgiven: bool
    length: int


class Mark(NamedTuple):
    """
    An unbroken stretch of periods with facts.

    An early fact at its beginning may count for the period before; if it is alone, instead of it.
    """

    first: int
    last: int
    is_early: bool = False
    is_alone: bool = False


class Course:
    """
    What follows from a record: runs, freezes left, and the early facts lent to the period before.

    `ahead` goes on from the end of the last run and uses freezes up, so each question takes a
    course of its own.
    """

    __slots__ = ("_excused", "_freezes", "_granted", "_pool", "_record", "lent", "runs")

    def __init__(
        self, streak: Streak, record: StreakRecord, calendar: Calendar, incidents: Incidents
    ) -> None:
        touched = touched_by(streak, incidents, calendar)
        self._excused = merge((*record.paused, *touched)) if touched else record.paused
        self._freezes = streak.freezes or NO_FREEZES
        self._granted = list(reversed(record.granted))
        self._record = record
        self._pool = 0
        self.lent: set[int] = set()
        self.runs: list[Run] = []
        for mark in _marks(record):
            self._pass(mark)

    @property
    def longest(self) -> int:
        return max((run.length for run in self.runs), default=0)

    def ahead(self, before: float = inf) -> Iterator[Judgement]:
        """Judge what is missed after the last run and before a period, until the run breaks."""
        _, last, length = self.runs[-1]
        period = self.next_missed(last + 1)
        while period < before:
            is_forgiven = self._forgive(period)
            yield Judgement(period, is_forgiven, length)
            if not is_forgiven:
                return
            period = self.next_missed(period + 1)

    def lives(self, until: int) -> bool:
        """Judge what is missed before a period, and say whether the last run is alive then."""
        return bool(self.runs) and self._bridges(until)

    def left(self, period: int) -> int:
        """Return how many freezes are left, those counted that were granted by a period."""
        while self._granted and self._granted[-1][0] <= period:
            _, quantity = self._granted.pop()
            self._pool = min(self._pool + quantity, self._freezes.cap)
        return self._pool

    def next_missed(self, period: int) -> int:
        """Return the first period from this one on that is not excused."""
        excused = range_of(self._excused, period)
        return period if excused is None else excused[1] + 1

    def is_excused(self, period: int) -> bool:
        """Say whether a period needs no fact, because of a pause or an incident."""
        return holds(self._excused, period)

    def counted_for(self, period: int) -> int:
        """Return the period that a fact placed in this one counts for."""
        return period - 1 if period in self.lent else period

    def counts(self, period: int) -> bool:
        """Say whether a period has a fact of its own, or one that was lent to it."""
        has_early = period in self._record.early and period not in self.lent
        return has_early or holds(self._record.active, period) or period + 1 in self.lent

    def run_of(self, period: int) -> Run:
        """Return the run that a fact placed in this period belongs to."""
        counted_for = self.counted_for(period)
        return next(run for run in reversed(self.runs) if run.first <= counted_for)

    def _pass(self, mark: Mark) -> None:
        is_lent = self._is_wanted_before(mark)
        first = mark.first - 1 if is_lent else mark.first
        if not self.runs or not self._bridges(first):
            self.runs.append(Run(mark.first, mark.first, 0))
            self._count(mark.first, mark.last)
        elif is_lent:
            self.lent.add(mark.first)
            self._count(first, first if mark.is_alone else mark.last)
        else:
            self._count(first, mark.last)

    def _is_wanted_before(self, mark: Mark) -> bool:
        """Say whether an early fact counts for the period before, if the run reaches that far."""
        before = mark.first - 1
        is_missed = bool(self.runs) and self.runs[-1].last < before
        return mark.is_early and is_missed and not self.is_excused(before)

    def _bridges(self, period: int) -> bool:
        """Judge what is missed before a period, and say whether all of it is forgiven."""
        return all(judgement.is_forgiven for judgement in self.ahead(period))

    def _count(self, first: int, last: int) -> None:
        run = self.runs[-1]
        length = run.length + last - first + 1
        every = self._freezes.earn_every
        if every:
            earned = length // every - run.length // every
            self._pool = min(self._pool + earned, self._freezes.cap)
        self.runs[-1] = Run(run.first, last, length)

    def _forgive(self, period: int) -> bool:
        """Take a freeze for a missed period, if one is there and may be taken."""
        if not self.left(period):
            return False
        is_taken = self._freezes.apply == "automatic" or period in self._record.asked
        self._pool -= is_taken
        return is_taken


def _marks(record: StreakRecord) -> list[Mark]:
    """
    Return the stretches of periods with facts in order, early facts among them.

    An early fact is never within a stretch: it would be like any other there.
    """
    if not record.early:
        return [Mark(first, last) for first, last in record.active]
    early = set(record.early)
    marks = [Mark(first, last, first in early) for first, last in record.active]
    alone = early.difference(first for first, _ in record.active)
    return sorted([*marks, *(Mark(each, each, is_early=True, is_alone=True) for each in alone)])
