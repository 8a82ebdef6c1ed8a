"""
Plays a story, step by step, on the core alone, and tells what came of it.

A story's steps are parted by semicolons:

- `purchase 12 currency=USD` is an event with the amount 12 and another property; all of them may
  also stand as one JSON object. `purchase 12 at 2024-05-14T10:00Z` says when it happened; else it
  happens now.
- `+1d`, `+90m`, `-2h` move the clock, and `@2024-05-31T23:59Z` sets it. Time never passes in
  silence: whatever falls due on the way is told. With `stopped +9d` nobody looks at the clock
  meanwhile, and everything that fell due is settled at once, afterwards.
- `bob: login` is about Bob; whoever is not named is Ann. `lives in Europe/Berlin` moves somebody,
  `has country=de` describes them.
- `claim x`, `enrol x`; `award 50 gem`, `deduct 50`, `hold 50`, `capture 20`, `capture`, `release`
  (of the last hold); `award` and `hold` may say `until 2024-05-31T12:00Z`; `badge x`; `tier x`;
  `record x` (a streak), `freeze x`, `buy freeze x`, `grant freeze x`, each with a number if it is
  not one, `pause x 2024-05-17 2024-05-20`; `reward x`, `buy reward x`, `fulfil`, `void` (of the
  last claim); `close x`, `prize x 1`, `complete x` (of a contest), `accept x`, `drop x`;
  `recommend x y`; `reset`.
- `balance?`, `balance gem?`, `tier?`, `streak x?`, `score x?` ask how things stand, and `since x?`
  when a score was reached.

What follows is told in the order it comes about; what nobody is told is left out.
"""

import re
from datetime import datetime
from functools import partial

import msgspec
from tests.cast import DAY, HOUR, NOON, SECOND, SHOP
from tests.core.told import tell

from laurels.core import command as commands
from laurels.core.compile import Compiled, compile_rulebook
from laurels.core.decide import decide
from laurels.core.errors import LaurelsError
from laurels.core.event import Event
from laurels.core.ledger import NOTHING
from laurels.core.number import plain
from laurels.core.rules.chain import Occasion
from laurels.core.section import CLAIMED, HOLD, STREAK, TIER, StreakRecord
from laurels.core.shared import Pool, Shared, share
from laurels.core.state import BOARD, State
from laurels.core.streak import picture
from laurels.core.timer import decide_tick
from laurels.core.window import EPOCH, MILLISECOND, instant
from laurels.engine.rulebook_text import load_rulebook

SHIFT = re.compile(r"(stopped )?([+-]\d+)([dhms])")
UNITS = {"d": DAY, "h": HOUR, "m": 60 * SECOND, "s": SECOND}
WHO = re.compile(r"([a-z]+): (.*)")
WHEN = re.compile(r"(.*) (?:at|until) (\d{4}-\S+)")
CODES = 3
"""How many codes are uploaded of each reward that has some."""


def told(rulebook: str, story: str) -> str:
    """Play a story from its beginning, and tell what came of it."""
    stage = Stage(compile_rulebook(load_rulebook(rulebook), 1))
    return "; ".join(stage.play(re.split(r";\s*", story)))


class Stage:
    def __init__(self, rulebook: Compiled) -> None:
        self.rulebook = rulebook
        self.states: dict[str, State] = {}
        self.shared = Shared({offer: Pool(codes=CODES) for offer in self.rulebook.offers})
        self.clock = NOON
        self.commands = 0

    def play(self, steps):
        for step in filter(None, (step.strip() for step in steps)):
            if shift := SHIFT.fullmatch(step):
                until = self.clock + int(shift[2]) * UNITS[shift[3]]
                yield from self.pass_time(until, stopped=bool(shift[1]))
            elif step.startswith("@"):
                yield from self.pass_time(moment(step[1:]))
            else:
                yield from self.act(step)

    def pass_time(self, until, *, stopped=False):
        """Settle everybody's moments in the order in which they come, each as it comes or late."""
        self.clock = until
        while True:
            due = [(state.due_at, who) for who, state in self.states.items() if state.due_at]
            at, who = min(due, default=(until + 1, ""))
            if at > until:
                return
            self.commands += 1
            now = until if stopped else at
            occasion = Occasion(who, now, f"c{self.commands:03}", self.shared)
            yield from self.keep(who, decide_tick(self.rulebook, self.states[who], at, occasion))

    def act(self, step):
        who, step = found.groups() if (found := WHO.fullmatch(step)) else ("ann", step)
        if step.endswith("?"):
            yield self.answer(who, *step[:-1].split())
            return
        yield from self.pass_time(self.clock)
        try:
            command = self.command(who, step)
            state = self.states.setdefault(who, State())
            yield from self.keep(
                who, decide(self.rulebook, state, command, now=self.clock, shared=self.shared)
            )
        except LaurelsError as error:
            yield type(error).__name__

    def keep(self, who, decision):
        changes, draft = decision
        draft.fold_in()
        self.shared = share(self.shared, changes)
        # Whatever is remembered can be written and read.
        self.states[who] = State(self.states[who].encode())
        return [line for change in changes if (line := tell(change))]

    def command(self, who, step):
        at = self.clock
        if found := WHEN.fullmatch(step):
            step, at = found[1], moment(found[2])
        self.commands += 1
        given = {
            "tenant": SHOP,
            "id": f"c{self.commands:03}",
            "participant": who,
            "received_at": self.clock,
        }
        for words, make in ASKED.items():
            if f"{step} ".startswith(words + " "):
                return make(self, given, *step[len(words) :].split(), at=at)
        name, _, rest = step.partition(" ")
        return Event(
            **given,
            name=name,
            properties=properties(rest),
            properties_json="{}",
            occurred_at=at,
        )

    def last(self, who, section):
        there = list(self.states[who].keys(section)) if who in self.states else []
        return there[-1] if there else "none"

    def answer(self, who, what, name=""):
        state = self.states.setdefault(who, State())
        match what:
            case "balance":
                currency = name or self.rulebook.rulebook.currencies[0]
                has = state.balances.get(currency, NOTHING)
                return f"{has.amount} ({has.earned} earned, {has.spent} spent, {has.held} held)"
            case "tier":
                standing = state.read(TIER, "")
                return str(standing.tier) if standing else "None"
            case "streak":
                rules = self.rulebook
                calendar = rules.calendar_of(state.timezone)
                record = state.read(STREAK, name) or StreakRecord()
                incidents = rules.rulebook.incidents
                seen = picture(rules.streaks[name], record, calendar, incidents, self.clock)
                return f"{seen.current} of {seen.longest}, {seen.freezes} freezes"
            case "score":
                windows = state.windows(BOARD + name)
                scores = (f"{key} {plain(one.measure)}" for key, one in windows.items())
                return ", ".join(map(str.strip, scores)) or "no score"
            case "since":
                (score,) = state.windows(BOARD + name).values()
                return f"{EPOCH + (score.reached_at or 0) * MILLISECOND:%Y-%m-%dT%H:%MZ}"
            case _:
                raise AssertionError(f"{what}?")


def moment(text):
    return instant(datetime.fromisoformat(text))


def properties(text):
    if text.startswith("{"):
        return msgspec.json.decode(text)
    found = {}
    for word in text.split():
        name, equals, value = word.rpartition("=")
        found[name if equals else "amount"] = scalar(value)
    return found


def scalar(text):
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _prize(stage, given, contest, rank, at):
    prizes = stage.rulebook.boards[contest].prizes
    rewards = next(prize.rewards for prize in prizes if prize.first <= int(rank) <= prize.last)
    return commands.PayPrize(**given, contest=contest, rank=int(rank), rewards=rewards, at=at)


def _freeze(action, _, given, name, *quantity, at):
    many = int(quantity[0]) if quantity else 1
    return commands.Freeze(**given, streak=name, action=action, quantity=many)


ASKED = {
    "claim": lambda _, given, name, at: commands.Claim(**given, challenge=name),
    "enrol": lambda _, given, name, at: commands.Enrol(**given, challenge=name),
    "award": lambda _, given, amount, *currency, at: commands.Award(
        **given,
        amount=int(amount),
        currency=currency[0] if currency else None,
        expires_at=None if at == given["received_at"] else at,
    ),
    "deduct": lambda _, given, amount, *currency, at: commands.Deduct(
        **given, amount=int(amount), currency=currency[0] if currency else None
    ),
    "hold": lambda _, given, amount, at: commands.Hold(
        **given, amount=int(amount), expires_at=None if at == given["received_at"] else at
    ),
    "capture": lambda stage, given, *amount, at: commands.EndHold(
        **given,
        hold=stage.last(given["participant"], HOLD),
        capture=True,
        amount=int(amount[0]) if amount else None,
    ),
    "release": lambda stage, given, at: commands.EndHold(
        **given, hold=stage.last(given["participant"], HOLD), capture=False
    ),
    "badge": lambda _, given, name, at: commands.AwardBadge(**given, badge=name),
    "tier": lambda _, given, name, at: commands.AssignTier(**given, tier=name),
    "record": lambda _, given, name, at: commands.RecordStreak(**given, streak=name, at=at),
    "freeze": partial(_freeze, "use"),
    "buy freeze": partial(_freeze, "buy"),
    "grant freeze": partial(_freeze, "grant"),
    "pause": lambda _, given, name, starts, ends, at: commands.Pause(
        **given, streak=name, starts=moment(starts), ends=moment(ends)
    ),
    "reward": lambda _, given, name, at: commands.ClaimReward(**given, offer=name),
    "buy reward": lambda _, given, name, at: commands.ClaimReward(**given, offer=name, pays=True),
    "fulfil": lambda stage, given, at: commands.SettleClaim(
        **given, claim=stage.last(given["participant"], CLAIMED), status="fulfilled"
    ),
    "void": lambda stage, given, at: commands.SettleClaim(
        **given, claim=stage.last(given["participant"], CLAIMED), status="void"
    ),
    "recommend": lambda _, given, *names, at: commands.Recommend(
        **given, challenges=names, why="They are near."
    ),
    "reset": lambda _, given, at: commands.Reset(**given),
    "lives in": lambda _, given, zone, at: commands.Describe(**given, timezone=zone),
    "has": lambda _, given, *words, at: commands.Describe(
        **given, attributes=msgspec.Raw(msgspec.json.encode(properties(" ".join(words))))
    ),
    "close": lambda _, given, name, at: commands.CloseContest(
        **(given | {"participant": ""}), contest=name
    ),
    "complete": lambda _, given, name, at: commands.CompleteContest(
        **(given | {"participant": ""}), contest=name
    ),
    "prize": _prize,
    "accept": lambda _, given, name, at: commands.ReviewScore(**given, contest=name, accept=True),
    "drop": lambda _, given, name, at: commands.ReviewScore(**given, contest=name, accept=False),
}
