"""What follows when a participant asks for the reward of a completed challenge."""

from laurels.core.compile import Compiled
from laurels.core.decide import Chain, Decision
from laurels.core.errors import ClaimNotReady, UnknownChallenge
from laurels.core.event import Claim
from laurels.core.state import State, is_owed
from laurels.core.window import window_key


def decide_claim(rulebook: Compiled, state: State, claim: Claim) -> Decision:
    """
    Pay the oldest window that is completed and unclaimed.

    When nothing is owed, a claim of what has been claimed in the current window changes nothing;
    any other is refused. Claiming an old window does not touch the new one.
    """
    challenge = rulebook.challenges.get(claim.challenge)
    if challenge is None:
        raise UnknownChallenge
    chain = Chain(rulebook, state, claim.participant)
    windows = state.windows(challenge.id)
    owed = min((name for name, progress in windows.items() if is_owed(progress)), default=None)
    if owed is not None:
        chain.carry_out(chain.pay(challenge, owed, claim.received_at, -1), claim.received_at)
        return chain.follow()

    now = window_key(challenge.window, claim.received_at, rulebook.calendar)
    current = None if now is None else windows.get(now)
    if current is None or current.claimed_at is None:
        raise ClaimNotReady
    return chain.follow()
