"""What can come of the catalogue of rewards."""

from msgspec import Struct

from laurels.core.event import Instant


class RewardGranted(Struct, frozen=True, omit_defaults=True, gc=False, tag="reward.granted"):
    """An offer of the catalogue is the participant's for the asking; it has left the stock."""

    claim: str
    reward: str
    title: str
    reward_type: str
    number: int
    """Which of all that were ever taken it is, from 1; its code has the same number."""
    rule: str
    at: Instant
    because: int = -1


class RewardClaimed(Struct, frozen=True, omit_defaults=True, gc=False, tag="reward.claimed"):
    """An offer of the catalogue was claimed; what was paid for it follows."""

    claim: str
    reward: str
    title: str
    reward_type: str
    number: int
    has_code: bool
    at: Instant
    granted: bool = False
    """Whether it had been granted before, and left the stock then."""
    paid: tuple[str, int] | None = None
    """The currency and the amount of what was paid."""
    because: int = -1


class RewardMissed(Struct, frozen=True, omit_defaults=True, gc=False, tag="reward.missed"):
    """A rule would have granted an offer, and could not."""

    reward: str
    rule: str
    reason: str
    """`out_of_stock` or `claim_limit_reached`."""
    because: int = -1


class RewardSettled(Struct, frozen=True, omit_defaults=True, gc=False, tag="reward.settled"):
    """A claim was fulfilled, or made void: then a posting gives back what was paid."""

    claim: str
    reward: str
    status: str
    """`fulfilled` or `void`."""
    restocked: bool
    at: Instant
    because: int = -1
