"""Tiers: levels by what was ever earned, or by how many facts were heard."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from laurels.core.change import Change, TierChanged, TierMeasured
from laurels.core.command import AssignTier
from laurels.core.errors import UnknownName
from laurels.core.event import Fact, Instant
from laurels.core.rulebook import Ladder, Level
from laurels.core.rules.chain import Chain
from laurels.core.section import TIER
from laurels.core.state import TIER_COUNT, TIER_PERIODS
from laurels.core.window import DAY_MS, window_ends, window_key

ZONES_APART_DAYS: Final = 2
"""So long before its end a period is that period in every zone, wherever somebody has moved to."""

_threshold: Final = attrgetter("at")


def climb(chain: Chain, ladder: Ladder, fact: Fact) -> Iterator[Change]:
    """Count what a ladder hears, and raise the participant where that is enough."""
    if ladder.currency is None:
        measure = chain.draft.progress(TIER_COUNT, "").measure + 1
        yield TierMeasured("", measure, fact.because)
    else:
        measure = chain.draft.balance(ladder.currency).earned
    in_period = 0
    if ladder.requalify is not None:
        window = window_key(ladder.requalify.window, fact.at, chain.calendar) or ""
        gained = 1 if ladder.currency is None else fact.data["amount"]
        in_period = chain.draft.progress(TIER_PERIODS, window).measure + gained
        yield TierMeasured(window, in_period, fact.because)
    level = automatic_level(ladder, measure)
    if level is not None:
        yield from _raise(chain, ladder, level, in_period, fact)


def assign(chain: Chain, command: AssignTier) -> Iterator[Change]:
    """Give a tier by hand; one that was reached before is kept by hand from now on."""
    level, ladder = chain.rulebook.levels.get(command.tier), chain.rulebook.rulebook.tiers
    if level is None or ladder is None:
        raise UnknownName("The rulebook has no such tier.")
    standing = chain.draft.read(TIER)
    if standing is not None and standing.tier == level.id and standing.manual:
        return
    automatic = automatic_level(ladder, measure_of(chain, ladder))
    yield TierChanged(
        level.id,
        level.title,
        level.level,
        command.received_at,
        previous=standing.tier if standing else None,
        previous_level=standing.level if standing else 0,
        manual=True,
        automatic_level=automatic.level if automatic else 0,
        reason=command.reason,
    )
    _look_again(chain, ladder, command.received_at)


def requalify(chain: Chain, at: Instant) -> Iterator[Change]:
    """Settle the period of requalification whose grace ends at `at`."""
    ladder, standing = chain.rulebook.rulebook.tiers, chain.draft.read(TIER)
    chain.draft.set_due(TIER.at(""), None)
    if ladder is None or ladder.requalify is None or standing is None or standing.tier is None:
        return
    in_period = settled_period(ladder, at)
    if not standing.manual and standing.since <= in_period:
        window = window_key(ladder.requalify.window, in_period, chain.calendar) or ""
        gained = chain.draft.progress(TIER_PERIODS, window).measure
        kept = kept_level(ladder, gained)
        if (kept.level if kept else 0) < standing.level:
            lifetime = automatic_level(ladder, measure_of(chain, ladder))
            floor = lifetime.level if lifetime else 0
            yield _changed(chain, kept, at, automatic_level=floor)
            _look_again(chain, ladder, at)
            return
    # The next period is settled when its own grace ends.
    _due(chain, ladder, window_ends(ladder.requalify.window, in_period, chain.calendar))


def settled_period(ladder: Ladder, at: Instant) -> Instant:
    """Return a moment in the period whose grace ends at `at`."""
    grace_days = ladder.requalify.grace_days if ladder.requalify else 0
    return at - (grace_days + ZONES_APART_DAYS) * DAY_MS


def measure_of(chain: Chain, ladder: Ladder) -> int:
    if ladder.currency is None:
        return chain.draft.progress(TIER_COUNT, "").measure
    return chain.draft.balance(ladder.currency).earned


def automatic_level(ladder: Ladder, measure: int) -> Level | None:
    """Return the highest level that a measure reaches."""
    reached = bisect_right(ladder.levels, measure, key=_threshold)
    return ladder.levels[reached - 1] if reached else None


def kept_level(ladder: Ladder, gained: int) -> Level | None:
    """Return the highest level that is kept by what a period has brought."""
    return next((level for level in reversed(ladder.levels) if level.keep <= gained), None)


def _raise(
    chain: Chain, ladder: Ladder, lifetime: Level, in_period: int, fact: Fact
) -> Iterator[Change]:
    """
    Raise to what was ever earned; who fell since, or was given a tier, first has to pass that.

    Who fell may also earn a level again, by what one period brings.
    """
    standing = chain.draft.read(TIER)
    current = standing.level if standing is not None and standing.tier is not None else -1
    floor = 0 if standing is None else standing.automatic_level
    level = lifetime if not floor or lifetime.level > floor else None
    if level is None and standing is not None and not standing.manual:
        level = kept_level(ladder, in_period)
    if level is not None and current < level.level <= lifetime.level:
        still = floor if level.level < lifetime.level else 0
        yield _changed(chain, level, fact.at, automatic_level=still, because=fact.because)
        _look_again(chain, ladder, fact.at)


def _changed(
    chain: Chain, level: Level | None, at: Instant, *, automatic_level: int, because: int = -1
) -> TierChanged:
    standing = chain.draft.read(TIER)
    return TierChanged(
        level.id if level else None,
        level.title if level else "",
        level.level if level else 0,
        at,
        previous=standing.tier if standing else None,
        previous_level=standing.level if standing else 0,
        automatic_level=automatic_level,
        because=because,
    )


def _look_again(chain: Chain, ladder: Ladder, since: Instant) -> None:
    """The period in which a tier was reached is its own; the one after it is settled first."""
    standing = chain.draft.read(TIER)
    if ladder.requalify is None:
        return
    if standing is None or standing.tier is None:
        chain.draft.set_due(TIER.at(""), None)
    else:
        _due(chain, ladder, window_ends(ladder.requalify.window, since, chain.calendar))


def _due(chain: Chain, ladder: Ladder, in_period: Instant) -> None:
    assert ladder.requalify is not None
    ends = window_ends(ladder.requalify.window, in_period, chain.calendar)
    chain.draft.set_due(TIER.at(""), ends + ladder.requalify.grace_days * DAY_MS)
