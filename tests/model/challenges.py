"""Challenges of the model: each window keeps every fact that counted, and is measured anew."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.model import earning
from tests.model.days import DAY, HOUR, moment, number


@dataclass
class Window:
    """One window of one challenge of one participant. Rolling ones are named by their start."""

    challenge: str
    name: str | int
    counted: list[tuple[str, Any, int]] = field(default_factory=list)
    """(objective, value, at) of each fact."""
    milestones: set[str] = field(default_factory=set)
    is_completed: bool = False
    is_claimed: bool = False
    dropped_at: int | None = None
    """The latest move for which a drop-off was told."""


def objectives(challenge):
    """Return the objectives by id; an only one may go without."""
    return {each.get("id", challenge["id"]): each for each in challenge["objectives"]}


def target(objective):
    return number(objective.get("target", objective.get("count")))


def value_of(objective, fact):
    """Return what a fact adds to an objective, or None if it adds nothing."""
    if "count" in objective:
        return 1
    if "distinct" in objective:
        value = fact.data.get(objective["distinct"])
        if value is None or isinstance(value, list | dict):
            return None
        return (isinstance(value, bool), isinstance(value, str), value)
    return number(fact.data.get(objective.get("sum") or objective["max"]))


def measure(window, name, objective):
    values = [value for other, value, _ in window.counted if other == name]
    if "distinct" in objective:
        return Fraction(len(set(values)))
    if "max" in objective:
        return max([Fraction(0), *values])
    return sum(values, Fraction(0))


def is_met(window, name, challenge):
    objective = objectives(challenge)[name]
    return measure(window, name, objective) >= target(objective)


def mine(person, challenge):
    return [each for each in person.windows if each.challenge == challenge["id"]]


def completions(person, challenge):
    return sum(each.is_completed for each in mine(person, challenge))


def is_used_up(person, challenge):
    repeat = challenge.get("repeat", "unlimited")
    most = {"once": 1, "unlimited": None}.get(repeat, repeat)
    return most is not None and completions(person, challenge) >= most


def is_unlocked(world, person, challenge):
    required = [world.find("challenges", each) for each in challenge.get("requires", ())]
    return all(completions(person, each) for each in required)


def hear(world, person, fact):
    for challenge in world.book.get("challenges", ()):
        for name, objective in objectives(challenge).items():
            value = value_of(objective, fact) if earning.hears(objective, fact) else None
            if value is not None:
                count(world, person, challenge, name, value, at=fact.at)


def count(world, person, challenge, name, value, *, at):
    """Let a fact that matches count, if nothing stands in its way."""
    if not earning.is_on(earning.campaign_of(world, challenge), at):
        return
    if not is_unlocked(world, person, challenge):
        return
    if challenge.get("enrolment") == "asked" and not any(
        enrolled <= at for enrolled in person.enrolments.get(challenge["id"], [])
    ):
        return
    window = window_for(world, person, challenge, at)
    if window is None or (is_used_up(person, challenge) and not window.is_completed):
        return
    objective = objectives(challenge)[name]
    if not all(is_met(window, other, challenge) for other in objective.get("after", ())):
        return
    before = measure(window, name, objective)
    window.counted.append((name, value, at))
    if measure(window, name, objective) == before:
        window.counted.pop()
        return
    if window not in person.windows:
        person.windows.append(window)
    follow_move(world, person, challenge, window, name, at=at)


def follow_move(world, person, challenge, window, name, *, at):
    reach_milestones(world, person, challenge, window, name, at=at)
    met = [other for other in objectives(challenge) if is_met(window, other, challenge)]
    if window.is_completed or len(met) < needs(challenge):
        return
    window.is_completed = True
    world.emit("challenge.completed", at, challenge=challenge["id"], window=str(window.name))
    if challenge.get("claim") != "manual":
        claim(world, person, challenge, window, at)


def needs(challenge):
    written = challenge.get("needs", "all")
    words: dict[object, int] = {"all": len(challenge["objectives"]), "any": 1}
    return words.get(written) or int(written)


def reach_milestones(world, person, challenge, window, moved, *, at):
    every = objectives(challenge)
    for milestone in challenge.get("milestones", ()):
        objective = milestone.get("objective") or next(iter(every))
        name = milestone.get("id") or f"{objective}-{milestone['at']}"
        if objective != moved or name in window.milestones:
            continue
        if measure(window, objective, every[objective]) >= number(milestone["at"]):
            window.milestones.add(name)
            world.emit("challenge.milestone", at, challenge=challenge["id"], milestone=name)
            rule = challenge["id"]
            earning.pay(world, person, milestone["rewards"], rule=rule, at=at)


def claim(world, person, challenge, window, at):
    window.is_claimed = True
    world.emit("challenge.claimed", at, challenge=challenge["id"], window=str(window.name))
    earning.pay(world, person, challenge.get("rewards", ()), rule=challenge["id"], at=at)


# Windows.


def window_for(world, person, challenge, at):
    """Return the window that a fact of that moment belongs to; it may be a new one, or None."""
    name = window_name(world, person, challenge, at)
    if name is None:
        return None
    found = [each for each in mine(person, challenge) if each.name == name]
    return found[0] if found else Window(challenge["id"], name)


def window_name(world, person, challenge, at):
    window = challenge.get("window", "lifetime")
    if isinstance(window, str):
        return world.window_name(person, window, at)
    if "days" in window:
        return rolling_start(person, challenge, at)
    after = "from" not in window or moment(window["from"]) <= at
    return "" if after and ("to" not in window or at < moment(window["to"])) else None


def rolling_start(person, challenge, at):
    """Find the latest window that holds the moment; from the first fact on, it may be a new one."""
    window = challenge["window"]
    by_enrolment = window.get("begins") == "enrolment"
    starts = (
        person.enrolments.get(challenge["id"], [])
        if by_enrolment
        else [each.name for each in mine(person, challenge)]
    )
    holding = [start for start in starts if start <= at < start + window["days"] * DAY]
    return max(holding, default=None if by_enrolment else at)


# What a caller asks for.


def enrol(world, person, step):
    challenge = world.find("challenges", step.challenge)
    if challenge is None:
        raise world.refused("UnknownChallenge")
    enrolled = person.enrolments.setdefault(challenge["id"], [])
    if enrolled and not is_over(challenge, enrolled[-1], world.now):
        return
    if not is_unlocked(world, person, challenge) or is_used_up(person, challenge):
        raise world.refused("ChallengeLocked")
    enrolled.append(world.now)


def is_over(challenge, enrolled, now):
    window = challenge.get("window", "lifetime")
    if not isinstance(window, dict) or window.get("begins") != "enrolment":
        return False
    return enrolled + window["days"] * DAY <= now


def ask(world, person, step):
    """Claim the oldest window that is owed; what has been claimed just now may be claimed again."""
    challenge = world.find("challenges", step.challenge)
    if challenge is None:
        raise world.refused("UnknownChallenge")
    owed = [each for each in mine(person, challenge) if each.is_completed and not each.is_claimed]
    if owed:
        claim(world, person, challenge, min(owed, key=lambda each: each.name), world.now)
        return
    now = window_name(world, person, challenge, world.now)
    if not any(each.name == now and each.is_claimed for each in mine(person, challenge)):
        raise world.refused("ClaimNotReady")


# Drop-off.


def dues(world, person):
    """Tell when a challenge that was begun has not moved for too long."""
    for challenge in world.book.get("challenges", ()):
        hours = challenge.get("drop_off_hours")
        for window in mine(person, challenge) if hours else ():
            latest = max(at for _, _, at in window.counted)
            if not window.is_completed and window.dropped_at != latest:
                at = latest + hours * HOUR
                yield (
                    at,
                    lambda window=window, at=at, latest=latest: drop(world, window, at, latest),
                )


def drop(world, window, at, latest):
    window.dropped_at = latest
    world.emit("challenge.drop_off", at, challenge=window.challenge, window=str(window.name))


def seen(world, person):
    """Return by challenge its windows, oldest first: measures, completed, claimed, milestones."""
    return {
        challenge["id"]: [
            (
                {
                    name: min(value, target(objective))
                    for name, objective in objectives(challenge).items()
                    if (value := measure(window, name, objective))
                },
                window.is_completed,
                window.is_claimed,
                sorted(window.milestones),
            )
            for window in sorted(mine(person, challenge), key=lambda each: each.name)
        ]
        for challenge in world.book.get("challenges", ())
        if mine(person, challenge)
    }
