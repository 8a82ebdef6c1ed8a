"""What the passing of time does to a participant: everything that is due is settled in order."""

from collections.abc import Callable, Iterable
from typing import Final

from laurels.core import limits
from laurels.core.change import Change
from laurels.core.compile import Compiled
from laurels.core.event import Instant
from laurels.core.rules import challenge, points, streak, tier
from laurels.core.rules.chain import Chain, Decision, Occasion
from laurels.core.rules.follow import follow
from laurels.core.section import HOLD, LOTS, STREAK, TIER
from laurels.core.state import State


def decide_tick(rulebook: Compiled, state: State, at: Instant, occasion: Occasion) -> Decision:
    """
    Settle what is due for a participant at the moment `at`.

    What comes of it happens at that moment, however late it is settled: the state afterwards is the
    same whether each moment was settled when it passed or all of them after a long stop.
    """
    chain = Chain(rulebook, state, occasion)
    for name in sorted(name for name, due in state.due.items() if due <= at):
        chain.draft.set_due(name, None)
        kind, _, key = name.partition("/")
        chain.carry_out(_SETTLERS[kind](chain, key, at), at)
    return follow(chain)


def settle_all(rulebook: Compiled, state: State, occasion: Occasion) -> None:
    """Settle everything that is due by now, one moment after the other, in the state itself."""
    for _ in range(limits.TICKS_AT_ONCE_MAX):
        due_at = state.due_at
        if due_at is None or due_at > occasion.now:
            return
        decide_tick(rulebook, state, due_at, occasion).draft.fold_in()


def _streak(chain: Chain, key: str, at: Instant) -> Iterable[Change]:
    definition = chain.rulebook.streaks.get(key)
    return () if definition is None else streak.settle(chain, definition, at)


_SETTLERS: Final[dict[str, Callable[[Chain, str, Instant], Iterable[Change]]]] = {
    LOTS.name: points.expire,
    HOLD.name: points.release_expired,
    STREAK.name: _streak,
    TIER.name: lambda chain, _, at: tier.requalify(chain, at),
    challenge.DROP_OFF.rstrip("/"): challenge.drop_off,
}
"""By the kind of section that is due: what to do about one of them."""
