"""
Somebody who visits: streaks told as stories, one step after the other and what comes of each.

`mon` is a visit at noon of the next Monday, `mon 01:30` one at half past one, `2024-02-28 18:00`
one at that very time; all times are local. `late mon` reports, on Friday say, that there was a
visit on the Monday before. `see mon` only lets time pass, and `look` asks how the streak stands.
Stories begin on Monday, 2024-05-13, at midnight.

A visit that counts is told by the length of its run: `3`. `lost 3` is the end of a run of three,
`frozen wed` a missed Wednesday that cost a freeze, `reached 7` a milestone, `points 70` what was
paid for it. `use`, `buy 2` and `grant 2` are about freezes, `pause wed fri` is a holiday, `live in
Asia/Tokyo` a move, `shop 50` earns points to buy freezes with, and `gift mon` is some other event
of the Monday before.
"""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.cast import SHOP

from laurels.core.change import (
    FreezesGranted,
    FreezeSpent,
    PointsPosted,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
)
from laurels.core.command import Describe, Freeze, Pause, RecordStreak, Tick
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide
from laurels.core.errors import LaurelsError
from laurels.core.event import Event
from laurels.core.period import begins_at
from laurels.core.section import STREAK, StreakRecord
from laurels.core.state import State
from laurels.core.streak import picture
from laurels.core.window import EPOCH, MILLISECOND, instant
from laurels.engine.rulebook_text import load_rulebook

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MIDNIGHT = datetime(2024, 5, 13)  # noqa: DTZ001 - a time on the wall
WEEK = timedelta(days=7)
WHEN = re.compile(r"(?P<day>mon|tue|wed|thu|fri|sat|sun|\d{4}-\d\d-\d\d)( (?P<time>\d\d:\d\d))?")


def told(rulebook, story):
    """Play a story from its beginning, and tell what came of it."""
    return Story(rulebook).play(story)


def streak(every="day", house="", **more):
    """Write a rulebook with one streak of visits, and points for shopping."""
    fields = "".join(f", {name}: {value}" for name, value in more.items())
    return f"""
{house}
earn: [{{id: income, event: shop, points: {{of: amount, times: 1}}}}]
streaks: [{{id: visits, event: visit, every: {every}{fields}}}]
"""


class Story:
    """
    A participant, a clock on their wall, and all that they were told.

    If we are not prompt, what is due is settled no sooner than something else happens.
    """

    def __init__(self, rulebook, *, prompt=True):
        self.adopt(rulebook)
        self.prompt = prompt
        self.state = State()
        self.wall = MIDNIGHT
        self.told = []
        self.records = []
        """Of each visit that was told, whether it made the run longer than any before."""

    def adopt(self, rulebook):
        self.rulebook = compile_rulebook(load_rulebook(rulebook), 1)
        (self.streak,) = self.rulebook.rulebook.streaks

    def play(self, story):
        for step in filter(None, re.split(r";\s*", story)):
            word, _, rest = step.partition(" ")
            does = getattr(self, f"do_{word}", None)
            try:
                does(rest) if does else self.do_visit(step)
            except LaurelsError as error:
                self.told.append(type(error).__name__)
        self.settle()
        return "; ".join(self.told)

    @property
    def calendar(self):
        return self.rulebook.calendar_of(self.state.timezone)

    @property
    def now(self):
        return self.instant_of(self.wall)

    @property
    def record(self):
        return self.state.read(STREAK, self.streak.id) or StreakRecord()

    def picture(self):
        incidents = self.rulebook.rulebook.incidents
        return picture(self.streak, self.record, self.calendar, incidents, self.now)

    def do_visit(self, when):
        self.do_see(when)
        self.visit(self.now)

    def do_late(self, when):
        self.visit(self.instant_of(self.time_of(when, forward=False)))

    def do_record(self, when):
        at = self.instant_of(self.time_of(when, forward=False))
        self.send(RecordStreak(streak=self.streak.id, at=at, **self.about()))

    def do_see(self, when):
        self.wall = self.time_of(when)
        if self.prompt:
            self.settle()

    def do_look(self, _):
        look = self.picture()
        words = [f"{look.current} of {look.longest}", f"freezes {look.freezes}"]
        words += ["today"] * look.has_today + ["at risk"] * look.is_at_risk
        if look.grace_ends_at is not None:
            words.append(f"until {self.on_the_wall(look.grace_ends_at):%a %H:%M}".lower())
        if look.next_milestone is not None:
            words.append(f"next {look.next_milestone[0]}")
        self.told.append(", ".join(words))

    def do_use(self, _):
        self.freeze("use")

    def do_buy(self, quantity):
        self.freeze("buy", quantity)

    def do_grant(self, quantity):
        self.freeze("grant", quantity)

    def do_pause(self, when):
        first, last = (self.time_of(day) for day in when.split())
        if last < first and when[-3:] in WEEKDAYS:
            last += WEEK
        starts, ends = self.instant_of(first), self.instant_of(last)
        self.send(Pause(streak=self.streak.id, starts=starts, ends=ends, **self.about()))

    def do_live(self, where):
        now, zone = self.now, where.removeprefix("in ")
        self.send(Describe(timezone=zone, **self.about()))
        self.wall = self.on_the_wall(now).replace(tzinfo=None)

    def do_shop(self, amount):
        self.send(self.event("shop", self.now, {"amount": int(amount)}))

    def do_gift(self, when):
        at = self.instant_of(self.time_of(when, forward=False))
        self.send(self.event("gift", at, {}))

    def visit(self, at):
        self.send(self.event("visit", at, {}))

    def freeze(self, action, quantity=""):
        about = {**self.about(), "quantity": int(quantity or 1)}
        self.send(Freeze(streak=self.streak.id, action=action, **about))

    def event(self, name, at, properties):
        about = {**self.about(), "properties_json": "{}", "occurred_at": at}
        return Event(name=name, properties=properties, **about)

    def about(self):
        return {"tenant": SHOP, "id": "1", "participant": "ann", "received_at": self.now}

    def send(self, command):
        self.settle()
        self.decide(command)

    def settle(self):
        while (due := self.state.due_at) is not None and due <= self.now:
            self.decide(Tick(at=due, **self.about()))

    def decide(self, command):
        changes, draft = decide(self.rulebook, self.state, command)
        draft.fold_in()
        self.state = State(self.state.encode())  # Whatever is remembered can be written and read.
        self.told += [line for change in changes if (line := self.tell(change))]

    def tell(self, change):
        said = ""
        match change:
            case StreakExtended(current=current, is_record=is_record):
                said = str(current)
                self.records.append(is_record)
            case StreakBroken(length=length):
                said = f"lost {length}"
            case FreezeSpent(period=period):
                said = f"frozen {self.name(period)}"
            case StreakMilestoneReached(milestone=milestone):
                said = f"reached {milestone}"
            case FreezesGranted(quantity=quantity, rule=rule) if rule:
                said = f"freezes {quantity}"
            case PointsPosted(amount=amount, rule=rule) if rule != "income":
                said = f"points {amount}"
            case _:
                pass
        return said

    def name(self, period):
        begins = self.on_the_wall(begins_at(self.streak, period, self.calendar))
        is_day = self.streak.unit == "day" and self.streak.length == 1
        return WEEKDAYS[begins.weekday()] if is_day else f"{begins:%Y-%m-%d}"

    def instant_of(self, wall):
        return instant(wall.replace(tzinfo=ZoneInfo(self.calendar.timezone)))

    def on_the_wall(self, at):
        return (EPOCH + at * MILLISECOND).astimezone(ZoneInfo(self.calendar.timezone))

    def time_of(self, text, *, forward=True):
        """Return the time that is meant by `mon 01:30`: the nearest one, back or ahead."""
        said = WHEN.fullmatch(text)
        assert said, text
        hour, minute = map(int, (said["time"] or "12:00").split(":"))
        if said["day"] not in WEEKDAYS:
            return datetime.fromisoformat(said["day"]).replace(hour=hour, minute=minute)
        wall, step = self.wall.replace(hour=hour, minute=minute), timedelta(1 if forward else -1)
        if wall < self.wall if forward else wall > self.wall:
            wall += step
        while WEEKDAYS[wall.weekday()] != said["day"]:
            wall += step
        return wall
