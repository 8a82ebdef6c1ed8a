"""Freezes of a streak: granted, bought, and asked for."""

from collections.abc import Iterator
from typing import assert_never

from laurels.core.change import Change, FreezeAsked, FreezesGranted
from laurels.core.command import Freeze
from laurels.core.course import Course
from laurels.core.errors import FreezesFull, InvalidCommand, NoFreezeLeft, NothingToFreeze
from laurels.core.event import Instant
from laurels.core.period import open_period
from laurels.core.rulebook import Freezes, Streak
from laurels.core.rules.chain import Chain
from laurels.core.rules.points import spend
from laurels.core.section import STREAK, StreakRecord
from laurels.core.streak import due, freezable, picture


def freeze(chain: Chain, streak: Streak, command: Freeze) -> Iterator[Change]:
    """Use a freeze, buy some, or grant some by hand."""
    freezes = streak.freezes
    if freezes is None:
        raise InvalidCommand("This streak has no freezes.")
    if command.quantity < 1:
        raise InvalidCommand("`quantity` must be 1 or more.")
    match command.action:
        case "use":
            yield from _ask(chain, streak)
        case "buy":
            yield from _buy(chain, streak, freezes, command.quantity)
        case "grant":
            if not _room(chain, streak, freezes):
                raise FreezesFull
            yield from grant(chain, streak, command.quantity, "", chain.now)
        case _:
            assert_never(command.action)


def grant(
    chain: Chain, streak: Streak, quantity: int, rule: str, at: Instant, *, because: int = -1
) -> Iterator[Change]:
    """
    Grant freezes at a moment, in time for a period that is in grace then.

    Those that the pool has no room for are lost when the course of the streak comes to them.
    """
    period = open_period(streak, at, chain.calendar)
    yield FreezesGranted(streak.id, quantity, period, at, rule, because)
    look_ahead(chain, streak)


def record_of(chain: Chain, streak: Streak) -> StreakRecord:
    return chain.draft.read(STREAK, streak.id) or StreakRecord()


def look_ahead(chain: Chain, streak: Streak, course: Course | None = None) -> None:
    """Set when the next missed period will be judged; `course` is the record's, if it is known."""
    record = record_of(chain, streak)
    if course is None:
        course = Course(streak, record, chain.calendar, chain.rulebook.rulebook.incidents)
    at = due(streak, record, chain.calendar, course)
    chain.draft.set_due(STREAK.at(streak.id), at)


def _ask(chain: Chain, streak: Streak) -> Iterator[Change]:
    incidents = chain.rulebook.rulebook.incidents
    record = record_of(chain, streak)
    period, left = freezable(streak, record, chain.calendar, incidents, chain.now)
    if period is None:
        raise NothingToFreeze
    if left < 1:
        raise NoFreezeLeft
    yield FreezeAsked(streak.id, period, chain.now)


def _buy(chain: Chain, streak: Streak, freezes: Freezes, quantity: int) -> Iterator[Change]:
    price = freezes.price
    if price is None:
        raise InvalidCommand("Freezes of this streak are not for sale.")
    if quantity > _room(chain, streak, freezes):
        raise FreezesFull
    yield from spend(chain, price.currency, price.amount * quantity, streak.id)
    yield from grant(chain, streak, quantity, "", chain.now)


def _room(chain: Chain, streak: Streak, freezes: Freezes) -> int:
    incidents = chain.rulebook.rulebook.incidents
    record = record_of(chain, streak)
    return freezes.cap - picture(streak, record, chain.calendar, incidents, chain.now).freezes
