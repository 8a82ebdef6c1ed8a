"""From our challenges to missions: what they ask, what they pay, and how far somebody has come."""

from collections.abc import Iterable
from typing import Any, Final, assert_never

from msgspec import UNSET

from laurels.api.questkit import wire_missions as wire
from laurels.core import limits
from laurels.core.change import ChallengeClaimed, PointsPosted
from laurels.core.event import CUSTOM, Instant, ParticipantId
from laurels.core.filter import All, Clause, Filter, Not, Some
from laurels.core.ledger import is_in_hand
from laurels.core.number import ONE, Millionths, plain
from laurels.core.rulebook import (
    BadgeReward,
    Campaign,
    Challenge,
    FreezeReward,
    ItemReward,
    Objective,
    OfferReward,
    PointsReward,
    Reward,
)
from laurels.core.rules.challenge import overall, target_of
from laurels.engine.pictures import ChallengePicture
from laurels.engine.ports import Receipt

JOINING: Final = ("all", "any", "not")
COMPARED: Final = ("gt", "gte", "lt", "lte")
"""Operators whose value the core holds in millionths."""


def to_mission(challenge: Challenge) -> wire.Mission:
    criteria = [_to_criteria(challenge, objective) for objective in challenge.objectives]
    rewards = to_rewards(challenge.rewards)
    expires_at = challenge.window.ends if challenge.expires is None else challenge.expires
    return wire.Mission(
        id=challenge.id,
        title=challenge.title,
        description=challenge.description,
        criteria=criteria[0],
        objectives=criteria if len(criteria) > 1 else UNSET,
        reward=rewards[0] if rewards else None,
        rewards=rewards,
        campaign_id=UNSET if challenge.campaign is None else challenge.campaign.id,
        expires_at=UNSET if expires_at is None else expires_at,
        icon_url=challenge.icon or UNSET,
    )


def to_progress(participant: ParticipantId, picture: ChallengePicture) -> wire.Progress:
    """Tell how far a mission has come that was touched."""
    moments = (picture.moved_at, picture.completed_at, picture.claimed_at)
    status = status_of(picture)
    challenge = picture.challenge
    if status in ("completed", "claimed"):
        target = target_of(challenge)
        share, count = 1.0, target
    elif len(picture.objectives) == 1:
        (only,) = picture.objectives
        share, count, target = reached(only.measure, only.objective.target)
    else:
        measures = {each.objective.id: each.measure for each in picture.objectives}
        count, target, mean = overall(challenge, measures)
        share = mean / ONE
    return wire.Progress(
        participant,
        challenge.id,
        status,
        share,
        count,
        target,
        max((at for at in moments if at is not None), default=0),
    )


def status_of(picture: ChallengePicture) -> wire.Status:
    return "active" if picture.status == "available" else picture.status


def to_claimed(participant: ParticipantId, receipt: Receipt) -> wire.Claimed:
    """Answer a claim from its receipt alone, so that a replay says the same for ever."""
    claimed = next(each for each in receipt.changes if isinstance(each, ChallengeClaimed))
    rewards = to_rewards(claimed.rewards)
    reward = rewards[0] if rewards else None
    return wire.Claimed(
        to_claimed_progress(participant, claimed),
        _balance_after(participant, receipt, claimed, reward),
        reward,
    )


def to_claimed_progress(participant: ParticipantId, claimed: ChallengeClaimed) -> wire.Progress:
    count = claimed.target
    return wire.Progress(participant, claimed.challenge, "claimed", 1.0, count, count, claimed.at)


def reached(measure: Millionths, target: Millionths) -> tuple[float, int, int]:
    """
    Return how much of a target is reached, and both as whole numbers; nothing passes the target.

    >>> reached(2_500_000, 5_000_000), reached(7_000_000, 5_000_000), reached(-1, 5_000_000)
    ((0.5, 2, 5), (1.0, 5, 5), (0.0, 0, 5))
    """
    capped = min(max(measure, 0), target)
    return capped / target, capped // ONE, target // ONE


def to_rewards(rewards: Iterable[Reward]) -> list[wire.Reward]:
    return [_to_reward(each) for each in rewards]


def to_campaign(campaign: Campaign, missions: Iterable[str]) -> wire.Campaign:
    """Tell of a campaign. Without beginning or end it has the first or last moment there is."""
    return wire.Campaign(
        id=campaign.id,
        title=campaign.title,
        description=campaign.description,
        start_at=starts(campaign),
        end_at=limits.INSTANT_MAX_MS if campaign.ends is None else campaign.ends,
        mission_ids=sorted(missions),
        theme=wire.Theme(campaign.color) if campaign.color else UNSET,
        banner_url=campaign.banner or UNSET,
    )


def starts(campaign: Campaign) -> Instant:
    return limits.INSTANT_MIN_MS if campaign.starts is None else campaign.starts


def _to_criteria(challenge: Challenge, objective: Objective) -> wire.Criteria:
    kind, where = objective.hears.kind, objective.hears.where
    window = "lifetime" if challenge.window.kind == "fixed" else challenge.window.kind
    return wire.Criteria(
        kind.removeprefix(CUSTOM),
        objective.target // ONE,
        window,
        UNSET if where is None else to_filter(where),
    )


def to_filter(where: Filter) -> dict[str, Any]:
    """
    Spell a filter as `{property: {operator: value}}`; what that cannot say stands under our words.

    >>> from laurels.core.filter import path_of
    >>> amount = path_of("amount")
    >>> to_filter(All((Clause(amount, "gte", 5_000_000), Clause(amount, "lt", 9_500_000))))
    {'amount': {'gte': 5, 'lt': 9.5}}
    """
    match where:
        case Clause(path, operator, value):
            return {path.key: {operator: plain(value) if operator in COMPARED else value}}
        case All(filters):
            return _joined([to_filter(each) for each in filters])
        case Some(filters):
            return {"any": [to_filter(each) for each in filters]}
        case Not(negated):
            return {"not": to_filter(negated)}
        case _:
            assert_never(where)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Put filters that must all hold into one; where one would hide another, list them."""
    joined: dict[str, Any] = {}
    for part in parts:
        for name, said in part.items():
            before = joined.get(name, {})
            if name in joined and (name in JOINING or before.keys() & said.keys()):
                return {"all": parts}
            joined[name] = said if name in JOINING else {**before, **said}
    return joined


def _to_reward(reward: Reward) -> wire.Reward:
    match reward:
        case PointsReward(currency, amount):
            return wire.CurrencyReward(currency, amount)
        case BadgeReward(badge):
            return wire.BadgeReward(badge)
        case ItemReward(item, quantity):
            return wire.ItemReward(item, quantity)
        case OfferReward(offer):
            return wire.ItemReward(offer, 1)
        case FreezeReward(streak, quantity):
            return wire.ItemReward(f"freeze:{streak}", quantity)
        case _:
            assert_never(reward)


def _balance_after(
    participant: ParticipantId,
    receipt: Receipt,
    claimed: ChallengeClaimed,
    reward: wire.Reward | None,
) -> wire.Balance | None:
    if not isinstance(reward, wire.CurrencyReward):
        return None
    amount = claimed.balance
    for change in receipt.changes:
        if isinstance(change, PointsPosted) and change.currency == reward.currency:
            amount = change.balance if is_in_hand(change) else amount
    return wire.Balance(participant, reward.currency, amount, receipt.recorded_at)
