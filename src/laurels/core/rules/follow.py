"""Which kind of rule does what with a fact, and how the chain of facts is followed to its end."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from laurels.core import limits
from laurels.core.change import Change
from laurels.core.errors import ChainTooLong
from laurels.core.event import Fact
from laurels.core.rulebook import Badge, Board, Contest, EarnRule, Ladder, Step, Streak
from laurels.core.rules import board, challenge, earn, reward, streak, tier
from laurels.core.rules.chain import Chain, Decision

_CONSEQUENCES: Final[dict[type, Callable[[Chain, Any, Fact], Iterable[Change]]]] = {
    EarnRule: earn.earn,
    Badge: reward.award,
    Step: challenge.advance,
    Streak: streak.hear,
    Ladder: tier.climb,
    Board: board.score,
    Contest: board.score,
}


def follow(chain: Chain) -> Decision:
    """Let every fact of the chain be heard, those too that only come about on the way."""
    for fact in chain.facts:  # Grows while it is read.
        if len(chain.facts) > limits.FACTS_PER_COMMAND_MAX:
            raise ChainTooLong
        matcher = chain.rulebook.matchers.get(fact.kind)
        if matcher is not None:
            for rule in matcher(fact.data):
                chain.carry_out(_CONSEQUENCES[type(rule)](chain, rule, fact), fact.at)
    return Decision(tuple(chain.changes), chain.draft)
