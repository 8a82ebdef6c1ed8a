"""Points of the model: every credit is a lot that stays on the list, with what is left of it."""

from dataclasses import dataclass, field
from typing import Any

from tests.model.days import HOUR, day_number, midnight
from tests.model.errors import Refused


@dataclass
class Lot:
    currency: str
    left: int
    expires: int | None


@dataclass
class Held:
    """What a hold has set aside: lots of its own, with the expiry that they had."""

    currency: str
    lots: list[Lot]
    expires: int | None
    is_over: bool = False


@dataclass
class Purse:
    lots: list[Lot] = field(default_factory=list)
    earned: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    holds: list[Held] = field(default_factory=list)


def currencies(book):
    """Return for each currency, in order, how many days its credits live."""
    written = book.get("currencies", ["points"])
    entries: list[Any] = [{"id": each} if isinstance(each, str) else each for each in written]
    return {each["id"]: each.get("expires", {}).get("days") for each in entries}


def known(world, currency):
    """Return the currency of that name; no name means the first."""
    names = list(currencies(world.book))
    if currency is not None and currency not in names:
        raise Refused("UnknownName")
    return currency or names[0]


def price_of(world, price):
    """Return the currency and the amount of a price such as `{points: 200}` or `{gem: 5}`."""
    [(name, amount)] = price.items()
    return (known(world, None) if name == "points" else name), amount


def amount(purse, currency):
    return sum(lot.left for lot in purse.lots if lot.currency == currency)


def held(purse, currency):
    return sum(lot.left for hold in purse.holds if hold.currency == currency for lot in hold.lots)


def credit(world, person, currency, amount, *, rule, at, days=None, expires=None):
    """Give new points; they live as long as is said here, else as their currency says."""
    days = days or currencies(world.book)[currency]
    if expires is None and days:
        zone = world.book.get("timezone", "UTC")
        expires = midnight(day_number(at, zone) + days + 1, zone)
    purse = person.purse
    purse.lots.append(Lot(currency, amount, expires))
    purse.earned[currency] = purse.earned.get(currency, 0) + amount
    world.emit("points.posted", at, currency=currency, amount=amount, rule=rule)


def take(lots, currency, amount):
    """Take points off lots, those first that expire soonest; return what was taken as lots."""
    taken = []
    mine = [lot for lot in lots if lot.currency == currency and lot.left]
    for lot in sorted(mine, key=lambda lot: (lot.expires is None, lot.expires)):
        piece = min(lot.left, amount)
        if piece:
            lot.left -= piece
            amount -= piece
            taken.append(Lot(currency, piece, lot.expires))
    return taken


def take_or_refuse(person, currency, wanted):
    if amount(person.purse, currency) < wanted:
        raise Refused("WouldOverdraw")
    return take(person.purse.lots, currency, wanted)


def spend(world, person, currency, amount, *, rule, at):
    take_or_refuse(person, currency, amount)
    note_spent(world, person, currency, amount, rule=rule, at=at)


def note_spent(world, person, currency, amount, *, rule, at):
    spent = person.purse.spent
    spent[currency] = spent.get(currency, 0) + amount
    world.emit("points.spent", at, currency=currency, amount=amount, rule=rule)


def hold(person, currency, amount, expires):
    lots = take_or_refuse(person, currency, amount)
    person.purse.holds.append(Held(currency, lots, expires))


def end_hold(world, person, hold, captured, at):
    """Spend some of what is held, what expires soonest first, and put the rest back."""
    hold.is_over = True
    if captured:
        take(hold.lots, hold.currency, captured)
        note_spent(world, person, hold.currency, captured, rule="capture", at=at)
    person.purse.lots += [lot for lot in hold.lots if lot.left]
    hold.lots = []


def dues(world, person):
    """Tell when lots die and holds end, and what happens then."""
    purse = person.purse
    dying = {(lot.expires, lot.currency) for lot in purse.lots if lot.left and lot.expires}
    for at, currency in sorted(dying):
        yield at, lambda at=at, currency=currency: expire(world, person, currency, at)
    for each in purse.holds:
        if each.expires is not None and not each.is_over:
            yield each.expires, lambda each=each: end_hold(world, person, each, 0, each.expires)


def expire(world, person, currency, at):
    dead = [lot for lot in person.purse.lots if (lot.currency, lot.expires) == (currency, at)]
    gone = sum(lot.left for lot in dead)
    for lot in dead:
        lot.left = 0
    world.emit("points.expired", at, currency=currency, amount=gone, rule="expiry")


# What a caller asks for.


def award(world, person, step):
    currency = known(world, step.currency)
    expires = None if step.expires is None else world.now + int(step.expires * HOUR)
    credit(world, person, currency, step.amount, rule="award", at=world.now, expires=expires)


def deduct(world, person, step):
    currency = known(world, step.currency)
    spend(world, person, currency, step.amount, rule="deduct", at=world.now)


def place_hold(world, person, step):
    currency = known(world, step.currency)
    expires = None if step.expires is None else world.now + int(step.expires * HOUR)
    hold(person, currency, step.amount, expires)


def finish_hold(world, person, step):
    holds = person.purse.holds
    if step.nth >= len(holds) or holds[step.nth].is_over:
        raise Refused("UnknownName")
    found = holds[step.nth]
    there = sum(lot.left for lot in found.lots)
    captured = (step.amount or there) if step.capture else 0
    if captured > there:
        raise Refused("InvalidCommand")
    end_hold(world, person, found, captured, world.now)


def seen(world, person):
    """Return (amount, earned, spent, held) of each currency that ever moved."""
    purse = person.purse
    return {
        currency: (
            amount(purse, currency),
            purse.earned.get(currency, 0),
            purse.spent.get(currency, 0),
            held(purse, currency),
        )
        for currency in currencies(world.book)
        if currency in purse.earned
    }
