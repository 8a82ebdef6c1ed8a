"""The catalogue of rewards: offers are granted by rules, and claimed by participants."""

from collections.abc import Iterator

from laurels.core.change import (
    Change,
    RewardClaimed,
    RewardGranted,
    RewardMissed,
    RewardSettled,
)
from laurels.core.command import ClaimReward, SettleClaim
from laurels.core.errors import ClaimLimitReached, NotOpen, OutOfStock, Refusal, UnknownName
from laurels.core.event import Instant
from laurels.core.rulebook import Offer
from laurels.core.rules.chain import Chain
from laurels.core.rules.points import refund, spend
from laurels.core.section import CLAIMED, TAKEN, ClaimedReward
from laurels.core.window import is_within


def claim(chain: Chain, command: ClaimReward) -> Iterator[Change]:
    """
    Take an offer: a granted one first, and free of charge; else one from the stock.

    Raises UnknownName, NotOpen, ClaimLimitReached, OutOfStock or WouldOverdraw.
    """
    offer = chain.rulebook.offers.get(command.offer)
    if offer is None:
        raise UnknownName("The rulebook has no such reward.")
    if not is_within(offer, command.received_at):
        raise NotOpen
    granted = _granted(chain, offer.id)
    if granted is not None:
        yield _claimed(offer, granted[0], granted[1].number, command.received_at, granted=True)
        return
    number = _next(chain, offer)
    price = offer.price if command.pays else None
    paid = None if price is None else (price.currency, price.amount)
    yield _claimed(offer, command.id, number, command.received_at, paid=paid)
    if price is not None:
        yield from spend(chain, price.currency, price.amount, offer.id)


def grant(chain: Chain, offer_id: str, rule: str, at: Instant, because: int) -> Iterator[Change]:
    """Set one aside for a participant; where none is left, tell that it was missed."""
    offer = chain.rulebook.offers.get(offer_id)
    if offer is None:
        return
    try:
        number = _next(chain, offer)
    except Refusal as refusal:
        reason = "out_of_stock" if isinstance(refusal, OutOfStock) else "claim_limit_reached"
        yield RewardMissed(offer.id, rule, reason, because)
        return
    claim_id = f"{chain.occasion.command}-{len(chain.changes)}"
    yield RewardGranted(claim_id, offer.id, offer.title, offer.type, number, rule, at, because)


def settle(chain: Chain, command: SettleClaim) -> Iterator[Change]:
    """Mark a claim as fulfilled, or make it void and give back what was paid."""
    claimed = chain.draft.read(CLAIMED, command.claim)
    if claimed is None:
        raise UnknownName("There is no such claim, or nothing can become of it any more.")
    offer = chain.rulebook.offers.get(claimed.reward)
    has_codes = claimed.has_code or (offer is not None and offer.codes)
    is_void = command.status == "void"
    yield RewardSettled(
        command.claim,
        claimed.reward,
        command.status,
        restocked=is_void and not has_codes,
        at=command.received_at,
    )
    if is_void and claimed.paid is not None:
        yield from refund(chain, *claimed.paid, claimed.reward)


def _granted(chain: Chain, offer: str) -> tuple[str, ClaimedReward] | None:
    for claim_id in chain.draft.keys(CLAIMED):
        claimed = chain.draft.read(CLAIMED, claim_id)
        if claimed is not None and claimed.reward == offer and claimed.status == "granted":
            return claim_id, claimed
    return None


def _next(chain: Chain, offer: Offer) -> int:
    """Return the number of the next one to leave the stock, from 1; codes have the same number."""
    most = offer.per_participant
    if most is not None and (chain.draft.read(TAKEN, offer.id) or 0) >= most:
        raise ClaimLimitReached
    pool = chain.pool(offer.id)
    if offer.stock is not None and pool.taken - pool.returned >= offer.stock:
        raise OutOfStock
    if offer.codes and pool.taken >= pool.codes:
        raise OutOfStock
    return pool.taken + 1


def _claimed(
    offer: Offer,
    claim_id: str,
    number: int,
    at: Instant,
    *,
    granted: bool = False,
    paid: tuple[str, int] | None = None,
) -> RewardClaimed:
    return RewardClaimed(
        claim_id, offer.id, offer.title, offer.type, number, offer.codes, at, granted, paid
    )
