"""The only seam between the model and the engine: steps become commands, states become pictures."""

import asyncio
import json
from fractions import Fraction

import msgspec
from msgspec import UNSET
from tests.cast import Stage, SteadyClock
from tests.model import steps
from tests.model.challenges import objectives
from tests.model.days import HOUR, NOON, number
from tests.model.ledger import currencies

from laurels.core import command
from laurels.core.change import Parked
from laurels.core.compile import compile_rulebook
from laurels.core.errors import Refusal
from laurels.core.section import ENROLLED, HOLD, STREAK, TIER, StreakRecord
from laurels.core.state import BOARD, CAP
from laurels.core.streak import picture
from laurels.core.window import Calendar
from laurels.engine.answers import BoardName
from laurels.engine.rulebook_text import load_rulebook
from laurels.engine.scheduler import Scheduler
from laurels.store.sqlite.store import SqliteStore

PEOPLE = ("ann", "bob", "cyd")
ONE = 1_000_000
DUE_STEPS_MAX = 20


class Now:
    """Hands the scheduler's commands to the engine at once, and remembers nothing."""

    def __init__(self, engine):
        self.engine = engine

    async def submit(self, commands):
        return self.engine.submit(commands)

    async def recall(self, command) -> None:
        """Know of no receipt."""


class Real:
    """The engine on a store, told and asked in the words of the model."""

    def __init__(self, folder, book, codes):
        text = json.dumps(book)
        self.book = book
        self.stage = Stage(folder / "laurels.db", text, clock=SteadyClock(NOON))
        assert isinstance(self.stage.store, SqliteStore)
        self.stage.store._file.writer.execute("PRAGMA synchronous = OFF")
        for offer, count in codes.items():
            several = [f"{offer}-{n}" for n in range(count)]
            self.stage.store.registry.put_codes(self.stage.world, offer, several, NOON)
        self.rulebook = compile_rulebook(load_rulebook(text), 1)
        self.queries = self.stage.store.queries
        store, clock = self.stage.store, self.stage.clock
        self.scheduler = Scheduler(Now(self.stage.engine), self.queries, store, clock)
        self.holds = {who: [] for who in PEOPLE}

    def close(self):
        self.stage.store.close()

    @property
    def now(self):
        return self.stage.clock.at

    # Steps.

    def play(self, step):
        """Do one step, and say what came of it as the model says it."""
        if isinstance(step, steps.Wait):
            self.stage.clock.move(by=int(step.hours * HOUR))
            self.settle()
            return "ok"
        made = COMMANDS[type(step)](self, step)
        [outcome] = self.stage.send(made)
        if isinstance(outcome, Refusal):
            return type(outcome).__name__
        parked = [change.reason for change in outcome.changes if isinstance(change, Parked)]
        if parked:
            return f"parked: {parked[0]}"
        if isinstance(made, command.Hold):
            self.holds[step.who].append(made.id)
        return "again" if outcome.duplicate else "ok"

    def settle(self):
        """Let the scheduler do what is due, until nothing is."""
        for _ in range(DUE_STEPS_MAX):
            RUNNER.run(self.scheduler.step())
            if not self.queries.due(self.now, 1):
                return
        raise AssertionError("something stays due")

    def later(self, hours):
        return None if hours is None else self.now + int(hours * HOUR)

    def make(self, kind, who, **fields):
        received_at, (id_,) = self.stage.clock.accept(1)
        world = self.stage.world
        return kind(tenant=world, id=id_, participant=who, received_at=received_at, **fields)

    def event(self, step):
        return self.stage.event(
            step.event, step.who, step.key, properties=step.properties, at=self.later(step.at)
        )

    def award(self, step):
        fields = {"amount": step.amount, "currency": step.currency, "key": step.key}
        return self.make(command.Award, step.who, expires_at=self.later(step.expires), **fields)

    def hold(self, step):
        expires_at, amount = self.later(step.expires), step.amount
        return self.make(
            command.Hold, step.who, amount=amount, currency=step.currency, expires_at=expires_at
        )

    def end_hold(self, step):
        hold = nth(self.holds[step.who], step.nth)
        return self.make(
            command.EndHold, step.who, hold=hold, capture=step.capture, amount=step.amount
        )

    def settle_claim(self, step):
        claims = [row.id for row in self.claims(step.who)]
        return self.make(
            command.SettleClaim, step.who, claim=nth(claims, step.nth), status=step.status
        )

    def describe(self, step):
        zone = UNSET if step.zone is None else step.zone or None
        attributes = step.attributes
        raw = UNSET if attributes is None else msgspec.Raw(json.dumps(attributes).encode())
        return self.make(command.Describe, step.who, timezone=zone, attributes=raw)

    def pause(self, step):
        starts, ends = self.later(step.starts), self.later(step.ends)
        return self.make(command.Pause, step.who, streak=step.streak, starts=starts, ends=ends)

    # What can be seen.

    def claims(self, who):
        """Return all claims of a participant in the order in which they were decided."""
        return sorted(self.queries.claims(self.stage.world, who), key=decided)

    def seen(self):
        """Return what the model's world returns under the same name."""
        states = {who: self.stage.state(who) for who in PEOPLE}
        return {
            "people": {who: self.seen_of(who, state) for who, state in states.items()},
            "boards": dict(self.boards_seen(states.values())),
            "contests": {
                name: row.completed_at is not None
                for name, row in self.queries.contests(self.stage.world).items()
            },
            "stock": {
                offer: (pool.taken, pool.returned)
                for offer, pool in self.queries.pools(self.stage.world).items()
                if pool.taken
            },
        }

    def seen_of(self, who, state):
        standing = state.read(TIER, "")
        return {
            "balances": dict(balances_seen(self.book, state)),
            "caps": caps_seen(state),
            "badges": sorted(state.badges),
            "items": state.items,
            "challenges": dict(challenges_seen(self.book, state)),
            "enrolled": {name: state.read(ENROLLED, name) for name in state.keys(ENROLLED)},
            "tier": (standing.tier, standing.level, standing.manual) if standing else NO_TIER,
            "streaks": dict(self.streaks_seen(state)),
            "claims": [(row.reward, row.status) for row in self.claims(who)],
        }

    def streaks_seen(self, state):
        rulebook = self.rulebook.rulebook
        calendar = Calendar(state.timezone or rulebook.timezone, rulebook.week_starts)
        for streak in rulebook.streaks:
            record = state.read(STREAK, streak.id) or StreakRecord()
            seen = picture(streak, record, calendar, rulebook.incidents, self.now)
            yield streak.id, (seen.current, seen.longest, seen.freezes, seen.has_today)

    def boards_seen(self, states):
        for rule in (*self.book.get("leaderboards", ()), *self.book.get("contests", ())):
            windows = {name for state in states for name in state.windows(BOARD + rule["id"])}
            for window in windows:
                for segment in (None, "de", "us"):
                    ties = rule.get("ties", "earliest")
                    name = BoardName(rule["id"], window, ties, segment)
                    places = self.queries.top(self.stage.world, name, 100).places
                    if places:
                        yield (rule["id"], window, segment), [placed(place) for place in places]


NO_TIER = (None, 0, False)


RUNNER = asyncio.Runner()


def decided(row):
    """Tell what rises with the journal: the id of the command, and the place of the change."""
    command_id, _, place = row.id.partition("-")
    return command_id, int(place or 0)


def nth(found, place):
    return found[place] if place < len(found) else "nothing"


def placed(place):
    return place.participant, place.rank, Fraction(place.score, ONE), place.reached_at


def balances_seen(book, state):
    for currency in currencies(book):
        balance = state.balances.get(currency)
        if balance is not None:
            holds = [state.read(HOLD, name) for name in state.keys(HOLD)]
            held = sum(hold.amount for hold in holds if hold.currency == currency)
            yield currency, (balance.amount, balance.earned, balance.spent, held)


def caps_seen(state):
    return {
        (name.removeprefix(CAP), window): progress.measure
        for name in state.counted(CAP)
        for window, progress in state.windows(name).items()
    }


def challenges_seen(book, state):
    for challenge in book.get("challenges", ()):
        windows = sorted(state.windows(challenge["id"]).items())
        seen = [window_seen(challenge, progress) for _, progress in windows]
        if seen:
            yield challenge["id"], seen


def window_seen(challenge, progress):
    every = objectives(challenge)
    measures = {
        name: min(
            Fraction(measure, ONE), number(every[name].get("target", every[name].get("count")))
        )
        for name, measure in progress.measures.items()
        if measure
    }
    is_completed, is_claimed = progress.completed_at is not None, progress.claimed_at is not None
    return measures, is_completed, is_claimed, sorted(progress.milestones)


def by_name(kind, *fields):
    """Make a command whose fields are called as the step's are."""

    def make(real, step):
        return real.make(kind, step.who, **{name: getattr(step, name) for name in fields})

    return make


COMMANDS = {
    steps.Tell: Real.event,
    steps.ClaimChallenge: by_name(command.Claim, "challenge", "key"),
    steps.Enrol: by_name(command.Enrol, "challenge"),
    steps.Award: Real.award,
    steps.Deduct: by_name(command.Deduct, "amount", "currency"),
    steps.Hold: Real.hold,
    steps.EndHold: Real.end_hold,
    steps.GiveBadge: by_name(command.AwardBadge, "badge"),
    steps.GiveTier: by_name(command.AssignTier, "tier"),
    steps.Record: lambda real, step: real.make(
        command.RecordStreak, step.who, streak=step.streak, at=real.later(step.at)
    ),
    steps.Freeze: by_name(command.Freeze, "streak", "action", "quantity"),
    steps.Pause: Real.pause,
    steps.Take: lambda real, step: real.make(
        command.ClaimReward, step.who, offer=step.reward, pays=step.pays
    ),
    steps.Settle: Real.settle_claim,
    steps.Describe: Real.describe,
    steps.Review: by_name(command.ReviewScore, "contest", "accept"),
}
"""How each step becomes a command."""
