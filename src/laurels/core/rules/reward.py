"""What rules pay: points, badges, items, freezes, and offers of the catalogue."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from laurels.core.change import BadgeAwarded, Change, ItemGranted
from laurels.core.command import AwardBadge
from laurels.core.errors import UnknownName
from laurels.core.event import Fact, Instant
from laurels.core.rulebook import (
    Badge,
    BadgeReward,
    FreezeReward,
    ItemReward,
    OfferReward,
    PointsReward,
    Reward,
)
from laurels.core.rules.chain import Chain
from laurels.core.rules.freeze import grant as grant_freezes
from laurels.core.rules.offer import grant
from laurels.core.rules.points import credit


def award(chain: Chain, badge: Badge, fact: Fact) -> Iterable[Change]:
    """Award a badge that a fact has earned, unless it is owned."""
    if chain.draft.has_badge(badge.id):
        return ()
    return (BadgeAwarded(badge.id, badge.title, badge.id, fact.at, because=fact.because),)


def award_by_hand(chain: Chain, command: AwardBadge) -> Iterator[Change]:
    badge = chain.rulebook.badges.get(command.badge)
    if badge is None:
        raise UnknownName("The rulebook has no such badge.")
    if not chain.draft.has_badge(badge.id):
        yield BadgeAwarded(badge.id, badge.title, "@award", command.received_at)


def pay(
    chain: Chain, rewards: Iterable[Reward], rule: str, at: Instant, because: int
) -> Iterator[Change]:
    """Yield what a list of rewards gives. Rewards are never multiplied."""
    for reward in rewards:
        match reward:
            case PointsReward(currency, amount):
                yield credit(chain, currency, amount, rule, at=at, because=because)
            case BadgeReward(badge, title):
                if not chain.draft.has_badge(badge):
                    yield BadgeAwarded(badge, title, rule, at, because=because)
            case ItemReward(item, quantity):
                yield ItemGranted(item, quantity, rule, because=because)
            case OfferReward(offer):
                yield from grant(chain, offer, rule, at, because)
            case FreezeReward():
                yield from _grant_freezes(chain, reward, rule, at, because)
            case _:
                assert_never(reward)


def _grant_freezes(
    chain: Chain, reward: FreezeReward, rule: str, at: Instant, because: int
) -> Iterator[Change]:
    definition = chain.rulebook.streaks.get(reward.streak)
    if definition is not None:
        quantity = reward.quantity
        yield from grant_freezes(chain, definition, quantity, rule, at, because=because)
