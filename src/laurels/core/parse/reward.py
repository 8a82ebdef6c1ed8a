"""From lists of rewards to what is paid."""

from itertools import chain
from typing import Final

from laurels.core.limits import AMOUNT_MAX
from laurels.core.parse.node import Fields, Node
from laurels.core.parse.scope import Scope, form_of
from laurels.core.rulebook import (
    BadgeReward,
    FreezeReward,
    ItemReward,
    OfferReward,
    PointsReward,
    Reward,
)

PAYING: Final = {"points": ("points",), "currency": ("currency", "amount")}
"""The forms of a credit, each with its keys."""
REWARDING: Final = {
    **PAYING,
    "badge": ("badge",),
    "item": ("item", "quantity"),
    "reward": ("reward",),
    "freeze": ("freeze", "quantity"),
}


def read_rewards(node: Node, scope: Scope) -> tuple[Reward, ...]:
    return tuple(_reward(child, scope) for child in node.items())


def read_credit(fields: Fields, form: str | None, scope: Scope) -> tuple[str, Node]:
    """Return the currency of an entry, and where its amount stands."""
    if form == "currency":
        return fields.need("currency").known("currency", scope.currencies), fields.need("amount")
    return scope.currencies[0], fields["points"]


def _reward(node: Node, scope: Scope) -> Reward:
    fields = node.fields(tuple(chain.from_iterable(REWARDING.values())))
    form = form_of(fields, REWARDING)
    match form:
        case "badge":
            badge = fields["badge"].known("badge", scope.badges)
            return BadgeReward(badge, scope.badges.get(badge, badge))
        case "item":
            return ItemReward(fields.need("item").name(), fields["quantity"].whole(AMOUNT_MAX))
        case "reward":
            offer = fields["reward"].known("reward", scope.offers)
            return OfferReward(offer, scope.offers.get(offer, offer))
        case "freeze":
            return _freeze(fields, scope)
        case _:
            currency, amount = read_credit(fields, form, scope)
            return PointsReward(currency, amount.whole(AMOUNT_MAX))


def _freeze(fields: Fields, scope: Scope) -> FreezeReward:
    streak = fields["freeze"].known("streak", scope.streaks)
    if scope.streaks.get(streak) is False:
        fields["freeze"].refuse(f"the streak `{streak}` takes no freezes; give it `freezes`")
    return FreezeReward(streak, fields["quantity"].whole(AMOUNT_MAX))
