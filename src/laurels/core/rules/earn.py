"""Earn rules: so many points for each fact, times the multipliers, up to the cap."""

from collections.abc import Iterator

from laurels.core import limits
from laurels.core.change import CapUsed, Change
from laurels.core.errors import AmountTooLarge
from laurels.core.event import Fact
from laurels.core.filter import read_number
from laurels.core.number import ONE
from laurels.core.rulebook import EarnRule
from laurels.core.rules.chain import Chain
from laurels.core.rules.points import credit
from laurels.core.section import TIER
from laurels.core.state import CAP
from laurels.core.window import days_later, is_within, window_key


def earn(chain: Chain, rule: EarnRule, fact: Fact) -> Iterator[Change]:
    """Post what a fact earns. Everything is multiplied first, and floored once at the end."""
    if rule.campaign is not None and not is_within(rule.campaign, fact.at):
        return
    amount = _amount(chain, rule, fact)
    if amount > 0 and rule.cap is not None:
        window = window_key(rule.cap.window, fact.at, chain.calendar) or ""
        used = chain.draft.progress(CAP + rule.id, window).measure
        if used >= rule.cap.most:
            return
        if rule.cap.of == "points":
            amount = min(amount, rule.cap.most - used)
        after = used + (amount if rule.cap.of == "points" else 1)
        yield CapUsed(rule.id, window, after, fact.because)
    if amount > 0:
        lives = rule.expires_days
        yield credit(
            chain,
            rule.currency,
            amount,
            rule.id,
            at=fact.at,
            expires_at=days_later(fact.at, lives, chain.rulebook.calendar) if lives else None,
            because=fact.because,
        )


def _amount(chain: Chain, rule: EarnRule, fact: Fact) -> int:
    product, unit = rule.fixed, 1
    if rule.of is not None:
        product, unit = (read_number(fact.data, rule.of) or 0) * rule.times, ONE * ONE
    if rule.multiplied:
        if chain.rulebook.levels and (standing := chain.draft.read(TIER)):
            level = chain.rulebook.levels.get(standing.tier or "")
            if level is not None:
                product, unit = product * level.multiplier, unit * ONE
        if rule.campaign is not None:
            product, unit = product * rule.campaign.multiplier, unit * ONE
    amount = product // unit
    if amount > limits.AMOUNT_MAX:
        raise AmountTooLarge
    return amount
