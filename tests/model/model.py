"""
The model: the whole engine once more, slow and obvious, written from the documents alone.

It keeps everything that ever happened and counts anew whenever it is asked. It reads the plain tree
of a rulebook and shares no code with the engine.
"""

from typing import Any, NamedTuple

from tests.model import boards, challenges, earning, ledger, offers, steps, streaks, tiers
from tests.model.days import HOUR, window_name
from tests.model.errors import Refused

KEY_LIVES = 24 * HOUR


class Fact(NamedTuple):
    kind: str
    data: dict[str, Any]
    at: int


class Person:
    """All that is known of one participant."""

    def __init__(self, name):
        self.name = name
        self.zone = None
        self.attributes = {}
        self.purse = ledger.Purse()
        self.given = {}
        """What rules with a cap gave: by rule a list of (window, amount)."""
        self.badges = set()
        self.items = {}
        self.windows = []
        self.enrolments = {}
        self.tier = tiers.Tier()
        self.tier_gains = []
        """What the ladder counts, as (period of requalification, gain)."""
        self.streaks = {}
        self.claims = []

    def kept(self, streak):
        return self.streaks.setdefault(streak["id"], streaks.Kept())


class World:
    """A rulebook, a clock, and everybody in it."""

    def __init__(self, book, now, people=(), codes=None):
        self.book = book
        self.now = now
        self.moment = now
        """When what happens now is decided: in a tick, the moment that was due."""
        self.people = {name: Person(name) for name in people}
        self.scored = []
        self.closed = []
        self.codes = codes or {}
        """How many were uploaded of each offer that has any."""
        self.keys = {}
        self.queue = []

    def person(self, name):
        return self.people.setdefault(name, Person(name))

    def find(self, section, name):
        found = [each for each in self.book.get(section, ()) if each["id"] == name]
        return found[0] if found else None

    def zone(self, person):
        """Nobody in particular lives in the zone of the rulebook."""
        own = person and person.zone
        return own or self.book.get("timezone", "UTC")

    def window_name(self, person, kind, at):
        return window_name(kind, at, self.zone(person), self.book.get("week_starts", "monday"))

    def refused(self, name):
        return Refused(name)

    # Facts.

    def emit(self, kind, at, **data):
        """Say that something came about; rules hear it when its turn comes."""
        self.queue.append(Fact(kind, data, at))

    def drain(self, person):
        """Let the rules hear every fact, first come first served."""
        while self.queue:
            fact = self.queue.pop(0)
            for subject in (earning, challenges, tiers, streaks, boards):
                subject.hear(self, person, fact)

    # Time.

    def settle(self, person):
        """Do what is due for one participant, in the order of time."""
        while due := self.next_due(person):
            self.do(person, *due)

    def next_due(self, person):
        dues = [
            due
            for subject in (ledger, challenges, tiers, streaks)
            for due in subject.dues(self, person)
        ]
        return min(
            (due for due in dues if due[0] <= self.now), key=lambda due: due[0], default=None
        )

    def do(self, person, at, act):
        self.moment = at
        act()
        self.drain(person)
        self.moment = self.now

    def wait(self, hours):
        """Move the clock. Everybody is settled, whoever was due first before others."""
        self.now = self.moment = self.now + int(hours * HOUR)
        while due := sorted(
            (due[0], name) for name, person in self.people.items() if (due := self.next_due(person))
        ):
            for _, name in due:
                self.settle(self.people[name])
        boards.close_contests(self)

    # Steps.

    def play(self, step):
        """Do one step; return `ok`, `again` for the repetition of a key, or the refusal's name."""
        if isinstance(step, steps.Wait):
            self.wait(step.hours)
            return "ok"
        if self.is_repeated(step):
            return "again"
        person = self.person(step.who)
        self.settle(person)
        try:
            ASKED[type(step)](self, person, step)
        except Refused as refused:
            assert not self.queue
            return refused.name
        self.drain(person)
        self.remember(step)
        return "ok"

    def tell(self, person, step):
        at = self.now if step.at is None else self.now + int(step.at * HOUR)
        self.emit(f"custom.{step.event}", at, **step.properties)

    def describe(self, person, step):
        if step.zone is not None:
            person.zone = step.zone or None
        if step.attributes is not None:
            person.attributes = step.attributes

    # Keys.

    def address(self, step):
        """A key is the participant's own, and bound to what it was used for."""
        operation = getattr(step, "challenge", "")
        return step.who, type(step), operation, step.key

    def is_repeated(self, step):
        if getattr(step, "key", None) is None:
            return False
        told_at = self.keys.get(self.address(step))
        return told_at is not None and self.now - told_at <= KEY_LIVES

    def remember(self, step):
        if getattr(step, "key", None) is not None:
            self.keys[self.address(step)] = self.now

    # What can be seen.

    def seen(self):
        """Return everything that a caller can see of the world, as plain values."""
        people = {name: self.seen_of(person) for name, person in self.people.items()}
        return {
            "people": people,
            "boards": boards.seen(self),
            "contests": dict.fromkeys(self.closed, True),
            "stock": offers.stock_seen(self),
        }

    def seen_of(self, person):
        return {
            "balances": ledger.seen(self, person),
            "caps": earning.caps_seen(self, person),
            "badges": sorted(person.badges),
            "items": person.items,
            "challenges": challenges.seen(self, person),
            "enrolled": {name: at[-1] for name, at in person.enrolments.items() if at},
            "tier": tiers.seen(person),
            "streaks": streaks.seen(self, person),
            "claims": offers.seen(person),
        }


ASKED = {
    steps.Tell: World.tell,
    steps.ClaimChallenge: challenges.ask,
    steps.Enrol: challenges.enrol,
    steps.Award: ledger.award,
    steps.Deduct: ledger.deduct,
    steps.Hold: ledger.place_hold,
    steps.EndHold: ledger.finish_hold,
    steps.GiveBadge: earning.give_badge,
    steps.GiveTier: tiers.assign,
    steps.Record: streaks.record,
    steps.Freeze: streaks.freeze,
    steps.Pause: streaks.pause,
    steps.Take: offers.take,
    steps.Settle: offers.settle,
    steps.Describe: World.describe,
    steps.Review: boards.review,
}
"""Who answers to which step."""
