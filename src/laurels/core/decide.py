"""The heart: fact + state + rulebook → everything that follows."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple, assert_never

from msgspec.json import encode

from laurels.core import limits
from laurels.core.change import (
    BadgeAwarded,
    ChallengeClaimed,
    ChallengeCompleted,
    Change,
    ItemGranted,
    PointsPosted,
    ProgressMoved,
)
from laurels.core.compile import Compiled
from laurels.core.errors import AmountTooLarge, ChainTooLong
from laurels.core.event import Fact, Instant, ParticipantId
from laurels.core.evolve import evolve
from laurels.core.filter import read, read_number
from laurels.core.ledger import MINT, account_of
from laurels.core.number import ONE, Millionths, product_floored
from laurels.core.rulebook import (
    Badge,
    BadgeReward,
    Challenge,
    EarnRule,
    ItemReward,
    Objective,
    PointsReward,
    Rule,
    Step,
)
from laurels.core.state import Draft, Progress, State
from laurels.core.window import window_key

FACT_KINDS: Final[dict[type[Change], str]] = {
    BadgeAwarded: "badge.awarded",
    ChallengeClaimed: "challenge.claimed",
    ChallengeCompleted: "challenge.completed",
    ItemGranted: "item.granted",
    PointsPosted: "points.posted",
}
"""Changes that are facts in their turn. Progress is none: its completion is."""


class Decision(NamedTuple):
    """All the changes of one command, in the order they came about, and the draft they made."""

    changes: tuple[Change, ...]
    draft: Draft


def decide(rulebook: Compiled, state: State, fact: Fact, participant: ParticipantId) -> Decision:
    """Say everything that follows from one fact. The state is not touched: fold the draft in."""
    consequences = Chain(rulebook, state, participant)
    consequences.facts.append(fact)
    return consequences.follow()


class Chain:
    """
    What one command leads to, as it grows.

    Facts beget facts: to complete a challenge is itself a fact that other rules may read. The chain
    is followed in the order it grows and refused past a fixed length, because a rulebook is written
    by strangers and nothing here may run for ever.
    """

    __slots__ = ("account", "changes", "draft", "facts", "rulebook")

    def __init__(self, rulebook: Compiled, state: State, participant: ParticipantId) -> None:
        self.rulebook = rulebook
        self.draft = Draft(state)
        self.account = account_of(participant)
        self.facts: list[Fact] = []
        self.changes: list[Change] = []

    def carry_out(self, changes: Iterable[Change], at: Instant) -> None:
        """Bring each change into the draft before the next one is thought of."""
        for change in changes:
            evolve(self.draft, change)
            kind = FACT_KINDS.get(type(change))
            if kind is not None and kind in self.rulebook.matchers:
                self.facts.append(Fact(kind, _data_of(change), at, len(self.changes)))
            self.changes.append(change)

    def follow(self) -> Decision:
        for fact in self.facts:  # Grows while it is read.
            if len(self.facts) > limits.FACTS_PER_COMMAND_MAX:
                raise ChainTooLong
            matcher = self.rulebook.matchers.get(fact.kind)
            if matcher is not None:
                for rule in matcher(fact.data):
                    self.carry_out(self._consequences(rule, fact), fact.at)
        return Decision(tuple(self.changes), self.draft)

    def _consequences(self, rule: Rule, fact: Fact) -> Iterable[Change]:
        match rule:
            case Step():
                return self._advance(rule.challenge, rule.objective, fact)
            case EarnRule():
                return self._earn(rule, fact)
            case Badge():
                return self._award(rule, fact)
            case _:
                assert_never(rule)

    def _earn(self, rule: EarnRule, fact: Fact) -> Iterable[Change]:
        amount = rule.fixed
        if rule.of is not None:
            value = read_number(fact.data, rule.of)
            amount = 0 if value is None else product_floored(value, rule.times)
        if amount <= 0:
            return ()
        if amount > limits.AMOUNT_MAX:
            raise AmountTooLarge
        return (
            PointsPosted(MINT, self.account, rule.currency, amount, rule.id, because=fact.because),
        )

    def _award(self, badge: Badge, fact: Fact) -> Iterable[Change]:
        if self.draft.has_badge(badge.id):
            return ()
        return (BadgeAwarded(badge.id, badge.title, badge.id, fact.at, because=fact.because),)

    def _advance(self, challenge: Challenge, objective: Objective, fact: Fact) -> Iterable[Change]:
        window = window_key(challenge.window, fact.at, self.rulebook.calendar)
        if window is None:
            return ()
        progress = self.draft.progress(challenge.id, window)
        before = progress.measures.get(objective.id, 0)
        after, value = measure(objective, before, progress, fact.data)
        if after == before:
            return ()
        target = objective.target
        was_completed = progress.completed_at is not None
        move = ProgressMoved(
            challenge.id,
            objective.id,
            window,
            before,
            after,
            target,
            was_completed or (before >= target and after >= target),
            value,
            fact.because,
        )
        if was_completed or after < target or not is_met(challenge, progress, objective):
            return (move,)
        completed = ChallengeCompleted(challenge.id, window, fact.at, fact.because)
        if challenge.claim == "manual":
            return (move, completed)
        return chain((move, completed), self.pay(challenge, window, fact.at, fact.because))

    def pay(self, challenge: Challenge, window: str, at: Instant, because: int) -> Iterator[Change]:
        """Yield what the completion of a challenge gives."""
        yield ChallengeClaimed(challenge.id, window, at, because=because)
        for reward in challenge.rewards:
            match reward:
                case PointsReward(currency, amount):
                    yield PointsPosted(
                        MINT, self.account, currency, amount, challenge.id, because=because
                    )
                case BadgeReward(badge, title):
                    if not self.draft.has_badge(badge):
                        yield BadgeAwarded(badge, title, challenge.id, at, because=because)
                case ItemReward(item, quantity):
                    yield ItemGranted(item, quantity, challenge.id, because=because)
                case _:
                    assert_never(reward)


def measure(
    objective: Objective, before: Millionths, progress: Progress, data: dict[str, Any]
) -> tuple[Millionths, str | None]:
    """
    Return the objective's measure after one more fact, and the distinct value that is new.

    Facts past the target count too, so that the order they come in leaves no trace.
    """
    if objective.of is None:
        return before + ONE, None
    if objective.measure == "distinct":
        value = distinct_value(read(data, objective.of))
        if value is None or value in progress.seen.get(objective.id, ()):
            return before, None
        return before + ONE, value
    number = read_number(data, objective.of)
    if number is None:
        return before, None
    after = max(before, number) if objective.measure == "max" else before + number
    if abs(after) > limits.MEASURE_MAX:
        raise AmountTooLarge
    return after, None


def distinct_value(value: object) -> str | None:
    """
    Return a scalar as the text it is told apart by; null, lists and objects are no values.

    >>> distinct_value("jazz"), distinct_value(1.0), distinct_value(True), distinct_value([1])
    ('"jazz"', '1', 'true', None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return encode(value).decode() if isinstance(value, str | int | float) else None


def is_met(challenge: Challenge, before: Progress, reached: Objective) -> bool:
    """Say whether the objective that has just been reached makes up what the challenge needs."""
    met = 1 + sum(
        before.measures.get(objective.id, 0) >= objective.target
        for objective in challenge.objectives
        if objective is not reached
    )
    return met >= challenge.needs


def _data_of(change: Change) -> dict[str, Any]:
    """Return what rules may read of a change that is a fact."""
    match change:
        case ChallengeCompleted() | ChallengeClaimed():
            return {"challenge": change.challenge, "window": change.window}
        case BadgeAwarded():
            return {"badge": change.badge, "rule": change.rule}
        case PointsPosted():
            return {"currency": change.currency, "amount": change.amount, "rule": change.rule}
        case ItemGranted():
            return {"item": change.item, "quantity": change.quantity, "rule": change.rule}
        case _:
            raise AssertionError(f"{change} is no fact")
