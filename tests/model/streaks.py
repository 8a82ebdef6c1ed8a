"""Streaks of the model: all that happened is kept, and a walk from period to period judges it."""

from dataclasses import dataclass, field
from datetime import date

from tests.model import earning, ledger
from tests.model.days import HOUR, day_number, local_date, midnight, moment

DAYS_TO_WEEK = {"monday": 3, "sunday": 4, "saturday": 5}
"""1970-01-01 was a Thursday: so many days after the first of its week."""


@dataclass
class Kept:
    """All that one streak of one participant is a function of."""

    own: set[int] = field(default_factory=set)
    """Periods with a fact that came after their hours of grace."""
    early: set[int] = field(default_factory=set)
    """Periods with a fact in the hours of grace at their beginning."""
    grants: list[tuple[int, int]] = field(default_factory=list)
    """(first period that they can forgive, how many)."""
    asked: set[int] = field(default_factory=set)
    pauses: list[tuple[int, int]] = field(default_factory=list)
    paid: list[tuple[int, int]] = field(default_factory=list)
    """(threshold, period of the fact that reached it)."""
    told: int | None = None
    """The last missed period of which was told what became of it."""


@dataclass
class Walk:
    """What a walk through the periods finds."""

    runs: list[list[int]] = field(default_factory=list)
    """The active periods of each run."""
    verdicts: list[tuple[int, str]] = field(default_factory=list)
    """(missed period, `freeze` or `broken`), in order."""
    pool: int = 0
    lives: bool = False
    """Whether the last run goes on."""
    waiting: list[int] = field(default_factory=list)
    """Missed periods of the living run that are not judged yet, and the current one."""

    @property
    def active(self):
        return {period for run in self.runs for period in run}


class Periods:
    """The periods of one streak in one zone."""

    def __init__(self, world, person, streak):
        self.every = streak.get("every", "day")
        self.zone = world.zone(person)
        self.shift = DAYS_TO_WEEK[world.book.get("week_starts", "monday")]
        self.grace = streak.get("grace_hours", 0) * HOUR

    def of(self, at):
        if self.every == "month":
            day = local_date(at, self.zone)
            return 12 * day.year + day.month - 1
        day = day_number(at, self.zone)
        if self.every == "week":
            return (day + self.shift) // 7
        return day if self.every == "day" else day // self.every["days"]

    def start(self, period):
        if self.every == "month":
            return midnight(date(period // 12, period % 12 + 1, 1), self.zone)
        if self.every == "week":
            return midnight(period * 7 - self.shift, self.zone)
        return midnight(period * (1 if self.every == "day" else self.every["days"]), self.zone)

    def judged_at(self, period):
        return self.start(period + 1) + self.grace

    def is_early(self, at):
        return at < self.start(self.of(at)) + self.grace


def rules_of(streak):
    return streak.get("freezes", {})


def walk(world, person, streak, now):
    """Go through the periods in order, from the first of which anything is known until now."""
    kept, periods, freezes = person.kept(streak), Periods(world, person, streak), rules_of(streak)
    known = kept.own | kept.early | {period for period, _ in kept.grants}
    found, early = Walk(), set(kept.early)
    if not known:
        return found
    touched, current = touched_by_incidents(world, periods), periods.of(now)
    for period in range(min(known), max(*known, current) + 1):
        is_excused = period in touched or is_paused(kept, period)
        granted = sum(count for first, count in kept.grants if first == period <= current)
        found.pool = min(freezes.get("cap", 0), found.pool + granted)
        if is_active(found, period, kept.own, early, is_excused=is_excused):
            add_active(found, period, freezes)
        elif not found.lives or is_excused:
            pass
        elif is_last(period, kept.own | early) and periods.judged_at(period) > now:
            found.waiting += [period] if period <= current else []
        else:
            judge(found, period, kept, freezes)
    return found


def is_last(period, facts):
    """Say whether no later period has a fact that might count for it."""
    return period > max(facts, default=period - 1)


def is_active(found, period, own, early, *, is_excused):
    """
    Say whether a period has a fact that counts for it.

    An early fact of the next period counts for this one when it has none of its own and a run
    goes on until here; then it counts no more for the next. A period that is paused, or touched
    by an incident, is in no need of that.
    """
    if period in own or period in early:
        return True
    if found.lives and period + 1 in early and not is_excused:
        early.discard(period + 1)
        return True
    return False


def add_active(found, period, freezes):
    if not found.lives:
        found.runs.append([])
        found.lives = True
    found.runs[-1].append(period)
    every = freezes.get("earn_every", 0)
    if every and len(found.runs[-1]) % every == 0:
        found.pool = min(freezes["cap"], found.pool + 1)


def judge(found, period, kept, freezes):
    """Forgive a missed period by a freeze, or end the run there."""
    is_wanted = freezes.get("apply", "automatic") == "automatic" or period in kept.asked
    if found.pool and is_wanted:
        found.pool -= 1
        found.verdicts.append((period, "freeze"))
    else:
        found.lives = False
        found.verdicts.append((period, "broken"))


def is_paused(kept, period):
    return any(first <= period <= last for first, last in kept.pauses)


def touched_by_incidents(world, periods):
    touched = set()
    for incident in world.book.get("incidents", ()):
        start, end = moment(incident["from"]), moment(incident["to"])
        touched |= set(range(periods.of(start), periods.of(end - 1) + 1))
    return touched


# Facts, and what they owe.


def hear(world, person, fact):
    for streak in world.book.get("streaks", ()):
        if earning.hears(streak, fact):
            extend(world, person, streak, fact.at)


def extend(world, person, streak, at):
    kept, periods = person.kept(streak), Periods(world, person, streak)
    before = walk(world, person, streak, world.moment)
    (kept.early if periods.is_early(at) else kept.own).add(periods.of(at))
    after = walk(world, person, streak, world.moment)
    new = after.active - before.active
    if not new:
        return
    period = periods.of(at) if periods.of(at) in new else min(new)
    world.emit("streak.extended", at, streak=streak["id"], period=period)
    for run in after.runs:
        if run not in before.runs:
            reward(world, person, streak, run, periods.of(at), at=at)


def reward(world, person, streak, run, period, *, at):
    """Pay the milestones of a run that it has not been paid for yet."""
    kept = person.kept(streak)
    first, last = run[0], run[-1]
    if last not in kept.own and last not in kept.early:
        last += 1  # The early fact that counts for it lies in the next.
    for milestone in streak.get("milestones", ()):
        threshold = milestone["at"]
        if len(run) < threshold:
            continue
        if any(threshold == other and first <= where <= last for other, where in kept.paid):
            continue
        kept.paid.append((threshold, period))
        world.emit("streak.milestone", at, streak=streak["id"], milestone=threshold)
        earning.pay(world, person, milestone["rewards"], rule=streak["id"], at=at)


def grant(world, person, name, quantity, at):
    """Add freezes; they help from the first period on that is not judged at that moment."""
    streak = world.find("streaks", name)
    periods = Periods(world, person, streak)
    period = periods.of(at - periods.grace)
    person.kept(streak).grants.append((period, quantity))


def dues(world, person):
    """Tell when the next missed period is judged of which nothing was told."""
    for streak in world.book.get("streaks", ()):
        kept, periods = person.kept(streak), Periods(world, person, streak)
        found = walk(world, person, streak, world.now)
        for period, verdict in found.verdicts:
            # What late facts leave behind between older runs is nobody's news any more.
            is_news = period > max(found.active) and (kept.told is None or period > kept.told)
            if is_news:
                at = periods.judged_at(period)
                news = (world, person, streak, period, verdict)
                yield at, lambda news=news, at=at: tell(*news, at=at)
                break


def tell(world, person, streak, period, verdict, *, at):
    person.kept(streak).told = period
    if verdict == "broken":
        world.emit("streak.broken", at, streak=streak["id"], period=period)


# What a caller asks for.


def wanted(world, name):
    streak = world.find("streaks", name)
    if streak is None:
        raise world.refused("UnknownName")
    return streak


def record(world, person, step):
    extend(world, person, wanted(world, step.streak), world.now + int(step.at * HOUR))


def freeze(world, person, step):
    streak = wanted(world, step.streak)
    if "freezes" not in streak:
        raise world.refused("InvalidCommand")
    if step.action == "use":
        use_freeze(world, person, streak)
        return
    if step.action == "buy" and "price" not in streak["freezes"]:
        raise world.refused("InvalidCommand")
    wanted_room = step.quantity if step.action == "buy" else 1
    if walk(world, person, streak, world.now).pool + wanted_room > streak["freezes"]["cap"]:
        raise world.refused("FreezesFull")
    if step.action == "buy":
        currency, amount = ledger.price_of(world, streak["freezes"]["price"])
        price = amount * step.quantity
        ledger.spend(world, person, currency, price, rule=streak["id"], at=world.now)
    grant(world, person, streak["id"], step.quantity, world.now)


def use_freeze(world, person, streak):
    kept, found = person.kept(streak), walk(world, person, streak, world.now)
    open_ = [period for period in found.waiting if period not in kept.asked]
    if not open_:
        raise world.refused("NothingToFreeze")
    if found.pool <= len(kept.asked & set(found.waiting)):
        raise world.refused("NoFreezeLeft")
    kept.asked.add(open_[0])


def pause(world, person, step):
    streak = wanted(world, step.streak)
    periods = Periods(world, person, streak)
    first, last = (periods.of(world.now + int(hours * HOUR)) for hours in (step.starts, step.ends))
    if step.ends < step.starts or first < periods.of(world.now):
        raise world.refused("InvalidCommand")
    person.kept(streak).pauses.append((first, last))


def seen(world, person):
    """Return by streak (current, longest, freezes left, whether today has its fact)."""
    pictures = {}
    for streak in world.book.get("streaks", ()):
        found = walk(world, person, streak, world.now)
        pictures[streak["id"]] = (
            len(found.runs[-1]) if found.lives else 0,
            max(map(len, found.runs), default=0),
            found.pool,
            Periods(world, person, streak).of(world.now) in found.active,
        )
    return pictures
