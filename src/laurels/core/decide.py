"""The heart: command + state + rulebook → everything that follows."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from laurels.core.change import Change
from laurels.core.command import (
    AssignTier,
    Award,
    AwardBadge,
    Claim,
    ClaimReward,
    CloseContest,
    Command,
    CompleteContest,
    Deduct,
    Describe,
    EndHold,
    Enrol,
    Freeze,
    Hold,
    Pause,
    PayPrize,
    Recommend,
    RecordStreak,
    Reset,
    ReviewScore,
    SettleClaim,
    Tick,
)
from laurels.core.compile import Compiled
from laurels.core.errors import UnknownName
from laurels.core.event import Event, Fact, Instant, accept
from laurels.core.rulebook import Streak
from laurels.core.rules import board, challenge, offer, people, points, reward, streak, tier
from laurels.core.rules.chain import Chain, Decision, Occasion
from laurels.core.rules.follow import follow
from laurels.core.shared import NOTHING_SHARED, Shared
from laurels.core.state import State
from laurels.core.timer import decide_tick


def decide(
    rulebook: Compiled,
    state: State,
    command: Command,
    *,
    now: Instant | None = None,
    shared: Shared = NOTHING_SHARED,
) -> Decision:
    """
    Say everything that follows from a command. The state is not touched: fold the draft in.

    `now` is when it is decided; left out, when it was received. Raises a Refusal, or a LimitMet.
    """
    occasion = Occasion(
        command.participant, command.received_at if now is None else now, command.id, shared
    )
    if isinstance(command, Event):
        return decide_fact(rulebook, state, accept(command), occasion)
    if isinstance(command, Tick):
        return decide_tick(rulebook, state, command.at, occasion)
    chain = Chain(rulebook, state, occasion)
    chain.carry_out(_ASKED[type(command)](chain, command), _time_of(command))
    return follow(chain)


def decide_fact(rulebook: Compiled, state: State, fact: Fact, occasion: Occasion) -> Decision:
    """Say everything that follows from one fact."""
    chain = Chain(rulebook, state, occasion)
    chain.facts.append(fact)
    return follow(chain)


def _time_of(command: Command) -> Instant:
    """Return when that happens which a command leads to."""
    return command.at if isinstance(command, RecordStreak | PayPrize) else command.received_at


def _streak_of(chain: Chain, name: str) -> Streak:
    found = chain.rulebook.streaks.get(name)
    if found is None:
        raise UnknownName("The rulebook has no such streak.")
    return found


def _record(chain: Chain, command: RecordStreak) -> Iterable[Change]:
    found = _streak_of(chain, command.streak)
    return streak.hear(chain, found, Fact(found.hears.kind, {}, command.at))


def _freeze(chain: Chain, command: Freeze) -> Iterable[Change]:
    return streak.freeze(chain, _streak_of(chain, command.streak), command)


def _pause(chain: Chain, command: Pause) -> Iterable[Change]:
    return streak.pause(chain, _streak_of(chain, command.streak), command)


_ASKED: Final[dict[type, Callable[[Chain, Any], Iterable[Change]]]] = {
    AssignTier: tier.assign,
    Award: points.award,
    AwardBadge: reward.award_by_hand,
    Claim: challenge.claim,
    ClaimReward: offer.claim,
    CloseContest: board.close,
    CompleteContest: board.complete,
    Deduct: points.deduct,
    Describe: people.describe,
    EndHold: points.end_hold,
    Enrol: challenge.enrol,
    Freeze: _freeze,
    Hold: points.hold,
    Pause: _pause,
    PayPrize: board.pay_prize,
    Recommend: people.recommend,
    RecordStreak: _record,
    Reset: people.reset,
    ReviewScore: board.review,
    SettleClaim: offer.settle,
}
"""What comes of whatever is neither an event nor a tick."""
