"""The catalogue of the model: what was granted and claimed is kept, and the stock is counted."""

from dataclasses import dataclass

from tests.model import ledger
from tests.model.days import moment


@dataclass
class Claim:
    reward: str
    status: str
    """`granted`, `claimed`, `fulfilled` or `void`."""
    number: int
    """Which of all that were ever taken it is."""
    paid: tuple[str, int] | None = None


def taken(world, offer):
    """Return all claims of everybody that ever left the stock."""
    return [
        claim
        for person in world.people.values()
        for claim in person.claims
        if claim.reward == offer["id"]
    ]


def missing(world, person, offer):
    """Say why an offer cannot be had, or None."""
    mine = [each for each in person.claims if each.reward == offer["id"] and each.status != "void"]
    most = offer.get("per_participant", 1)
    if most != "unlimited" and len(mine) >= most:
        return "ClaimLimitReached"
    out = taken(world, offer)
    if offer.get("codes"):
        gone = len(out)
        if gone >= world.codes.get(offer["id"], 0):
            return "OutOfStock"
    else:
        gone = len([each for each in out if each.status != "void"])
    return "OutOfStock" if "stock" in offer and gone >= offer["stock"] else None


def grant(world, person, name, *, rule, at):
    offer = world.find("rewards", name)
    if missing(world, person, offer) is None:
        number = len(taken(world, offer)) + 1
        person.claims.append(Claim(name, "granted", number))
        world.emit("reward.granted", at, reward=name, rule=rule)


def is_open(world, offer):
    after = "starts" not in offer or moment(offer["starts"]) <= world.now
    return after and ("ends" not in offer or world.now < moment(offer["ends"]))


def take(world, person, step):
    offer = world.find("rewards", step.reward)
    if offer is None:
        raise world.refused("UnknownName")
    if not is_open(world, offer):
        raise world.refused("NotOpen")
    granted = [
        each for each in person.claims if (each.reward, each.status) == (step.reward, "granted")
    ]
    if granted:
        granted[0].status = "claimed"
        world.emit("reward.claimed", world.now, reward=step.reward)
        return
    reason = missing(world, person, offer)
    if reason is not None:
        raise world.refused(reason)
    claim = Claim(step.reward, "claimed", len(taken(world, offer)) + 1)
    if step.pays and "price" in offer:
        claim.paid = ledger.price_of(world, offer["price"])
        ledger.take_or_refuse(person, *claim.paid)
    world.emit("reward.claimed", world.now, reward=step.reward)
    if claim.paid:
        currency, amount = claim.paid
        ledger.note_spent(world, person, currency, amount, rule=step.reward, at=world.now)
    person.claims.append(claim)


def settle(world, person, step):
    if step.nth >= len(person.claims):
        raise world.refused("UnknownName")
    claim = person.claims[step.nth]
    if claim.status in ("fulfilled", "void"):
        raise world.refused("UnknownName")
    claim.status = step.status
    if step.status == "void" and claim.paid:
        currency, amount = claim.paid
        person.purse.spent[currency] -= amount
        person.purse.lots.append(ledger.Lot(currency, amount, None))


def seen(person):
    """Return (reward, status) of each claim, oldest first."""
    return [(claim.reward, claim.status) for claim in person.claims]


def stock_seen(world):
    """Return by offer how often it left the stock, and how often it came back."""
    found = {}
    for offer in world.book.get("rewards", ()):
        out = taken(world, offer)
        void = 0 if offer.get("codes") else sum(each.status == "void" for each in out)
        if out:
            found[offer["id"]] = (len(out), void)
    return found
