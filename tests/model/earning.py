"""Earn rules, badges, campaigns and rewards of the model."""

from fractions import Fraction
from math import floor

from tests.model import ledger, offers, streaks, tiers
from tests.model.days import moment, number
from tests.model.filters import lets_through


def hears(rule, fact):
    kind = rule["fact"] if "fact" in rule else f"custom.{rule['event']}" if "event" in rule else ""
    return kind == fact.kind and lets_through(rule.get("where"), fact.data)


def campaign_of(world, rule):
    return world.find("campaigns", rule["campaign"]) if "campaign" in rule else None


def is_on(campaign, at):
    """Say whether a campaign holds a moment; none holds every one."""
    if campaign is None:
        return True
    after = "starts" not in campaign or moment(campaign["starts"]) <= at
    return after and ("ends" not in campaign or at < moment(campaign["ends"]))


def credit_of(world, entry):
    """Return the currency and the amount of an entry, which may be a product."""
    if "points" in entry:
        return ledger.known(world, None), entry["points"]
    return entry["currency"], entry["amount"]


def hear(world, person, fact):
    for rule in world.book.get("earn", ()):
        if hears(rule, fact) and is_on(campaign_of(world, rule), fact.at):
            earn(world, person, rule, fact)
    for badge in world.book.get("badges", ()):
        if ("event" in badge or "fact" in badge) and hears(badge, fact):
            award_badge(world, person, badge["id"], badge["id"], fact.at)


def earn(world, person, rule, fact):
    currency, said = credit_of(world, rule)
    base = said
    if isinstance(said, dict):
        value = number(fact.data.get(said["of"]))
        if value is None:
            return
        base = value * number(said.get("times", 1))
    amount = floor(base * multiplier(world, person, rule))
    amount = capped(world, person, rule, amount, fact.at)
    if amount > 0:
        days = rule.get("expires", {}).get("days")
        ledger.credit(world, person, currency, amount, rule=rule["id"], at=fact.at, days=days)


def multiplier(world, person, rule):
    if rule.get("multiply") is False:
        return Fraction(1)
    campaign = campaign_of(world, rule) or {}
    return tiers.multiplier(world, person) * number(campaign.get("multiplier", 1))


def capped(world, person, rule, amount, at):
    """Cut an amount to what the rule may still give, and note what it gives."""
    cap = rule.get("cap")
    if cap is None or amount <= 0:
        return amount
    window = world.window_name(person, cap.get("per", "lifetime"), at)
    given = [each for name, each in person.given.get(rule["id"], []) if name == window]
    if "times" in cap and len(given) >= cap["times"]:
        return 0
    if "points" in cap:
        amount = min(amount, cap["points"] - sum(given))
    if amount > 0:
        person.given.setdefault(rule["id"], []).append((window, amount))
    return amount


def caps_seen(world, person):
    """Return by rule and window how much of a cap is used: points, or times."""
    used = {}
    for rule in world.book.get("earn", ()):
        for window, amount in person.given.get(rule["id"], []):
            step = 1 if "times" in rule["cap"] else amount
            used[rule["id"], window] = used.get((rule["id"], window), 0) + step
    return used


def award_badge(world, person, badge, rule, at):
    if badge not in person.badges:
        person.badges.add(badge)
        world.emit("badge.awarded", at, badge=badge, rule=rule)


def give_badge(world, person, step):
    if world.find("badges", step.badge) is None:
        raise world.refused("UnknownName")
    award_badge(world, person, step.badge, "award", world.now)


def pay(world, person, rewards, *, rule, at):
    """Give what a challenge, a milestone or a prize pays; nothing of it is multiplied."""
    for reward in rewards:
        if "badge" in reward:
            award_badge(world, person, reward["badge"], rule, at)
        elif "item" in reward:
            item, quantity = reward["item"], reward["quantity"]
            person.items[item] = person.items.get(item, 0) + quantity
            world.emit("item.granted", at, item=item, quantity=quantity, rule=rule)
        elif "reward" in reward:
            offers.grant(world, person, reward["reward"], rule=rule, at=at)
        elif "freeze" in reward:
            streaks.grant(world, person, reward["freeze"], reward.get("quantity", 1), at)
        else:
            currency, amount = credit_of(world, reward)
            ledger.credit(world, person, currency, amount, rule=rule, at=at)
