"""Tiers of the model: a ladder, and periods in which its levels must be earned again."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor

from tests.model import earning
from tests.model.days import midnight, number


@dataclass
class Tier:
    id: str | None = None
    level: int = 0
    since: int | None = None
    settled: str | None = None
    """The last period in which it was kept."""
    is_manual: bool = False
    has_fallen: bool = False
    level_then: int = 0
    """What all that was ever earned would have given when it was assigned, or fallen to."""


def levels(book):
    """Return all levels, lowest first, each as (id, level, at, keep, multiplier)."""
    written = book["tiers"]["levels"]
    if isinstance(written, dict):
        return list(curve(written))
    return [
        (
            each["id"],
            each.get("level", place),
            each["at"],
            each.get("keep", each["at"]),
            number(each.get("multiplier", 1)),
        )
        for place, each in enumerate(written, 1)
    ]


def curve(written):
    at, step = Fraction(0), Fraction(written["first"])
    for level in range(1, written["count"] + 1):
        at += step
        step *= number(written.get("growth", 1))
        name = written.get("id", "level_{level}").replace("{level}", str(level))
        yield name, level, floor(at), floor(at), Fraction(1)


def multiplier(world, person):
    if "tiers" not in world.book:
        return Fraction(1)
    mine = [each for each in levels(world.book) if each[0] == person.tier.id]
    return mine[0][4] if mine else Fraction(1)


def measure(world, person):
    by = world.book["tiers"]["by"]
    if isinstance(by, str):
        return person.purse.earned.get(by, 0)
    return sum(gain for _, gain in person.tier_gains)


def hear(world, person, fact):
    """Count what the ladder counts, then see whether it lifts the participant."""
    if "tiers" not in world.book:
        return
    by = world.book["tiers"]["by"]
    if isinstance(by, str):
        if fact.kind != "points.posted" or fact.data["currency"] != by:
            return
        gain = fact.data["amount"]
    elif earning.hears(by, fact):
        gain = 1
    else:
        return
    person.tier_gains.append((period_name(world, person, fact.at), gain))
    lift(world, person, fact.at)


def reached(world, person):
    """Return the level that automation gives: the highest whose `at` is met."""
    met = [each for each in levels(world.book) if each[2] <= measure(world, person)]
    return met[-1] if met else (None, 0)


def lift(world, person, at):
    """Raise a participant to what was earned; who fell has to earn it in one period, or anew."""
    tier = person.tier
    name, level, *_ = reached(world, person)
    is_held_down = (tier.is_manual or tier.has_fallen) and level <= tier.level_then
    if is_held_down and tier.is_manual:
        return
    if is_held_down:
        name, level, *_ = kept_by(world, person, period_name(world, person, at), level)
    if level > tier.level:
        is_below = is_held_down and level < reached(world, person)[1]
        then = tier.level_then if is_below else 0
        person.tier = Tier(name, level, at, has_fallen=is_below, level_then=then)
        tell(world, person, tier, at)


def kept_by(world, person, period, most):
    """Return the highest level that one period brings enough for, or none."""
    gained = sum(gain for name, gain in person.tier_gains if name == period)
    kept = [each for each in levels(world.book) if each[3] <= gained and each[1] <= most]
    return kept[-1] if kept else (None, 0)


def tell(world, person, before, at):
    tier = person.tier
    world.emit("tier.changed", at, tier=tier.id, level=tier.level, previous=before.id)


def assign(world, person, step):
    ladder = levels(world.book) if "tiers" in world.book else []
    wanted = [each for each in ladder if each[0] == step.tier]
    if not wanted:
        raise world.refused("UnknownName")
    before = person.tier
    automatic = reached(world, person)[1]
    person.tier = Tier(step.tier, wanted[0][1], world.now, is_manual=True, level_then=automatic)
    if before.id != step.tier:
        tell(world, person, before, world.now)


# Requalification.


def period_kind(world):
    return world.book["tiers"].get("requalify", {}).get("every")


def period_name(world, person, at):
    kind = period_kind(world)
    return None if kind is None else world.window_name(person, kind, at)


def next_period(name):
    """Name the year or the month that follows.

    >>> next_period("2024"), next_period("2024-12")
    ('2025', '2025-01')
    """
    if len(name) == 4:
        return str(int(name) + 1)
    year, month = int(name[:4]), int(name[5:])
    return f"{year + month // 12}-{month % 12 + 1:02}"


def begin(name):
    return date(int(name[:4]), int(name[5:] or 1), 1)


def dues(world, person):
    """Tell when the first period is settled that began after the tier was reached."""
    if "tiers" not in world.book or period_kind(world) is None or person.tier.id is None:
        return
    zone = world.zone(person)
    tier = person.tier
    name = next_period(tier.settled or period_name(world, person, tier.since))
    grace = world.book["tiers"]["requalify"].get("grace_days", 0)
    end = (begin(next_period(name)) - date(1970, 1, 1)).days
    at = midnight(end + grace, zone)
    yield at, lambda: settle(world, person, name, at)


def settle(world, person, name, at):
    before = person.tier
    before.settled = name
    if before.is_manual:
        return
    automatic = reached(world, person)[1]
    tier, level, *_ = kept_by(world, person, name, before.level)
    if level < before.level:
        person.tier = Tier(tier, level, at, has_fallen=True, level_then=automatic)
        tell(world, person, before, at)


def seen(person):
    return (person.tier.id, person.tier.level, person.tier.is_manual)
