"""Double entry: every posting takes from one account what it gives to another, in whole units."""

from typing import Final

from msgspec import Struct

from laurels.core import limits
from laurels.core.errors import AmountTooLarge, WouldOverdraw
from laurels.core.event import ParticipantId

MINT: Final = "@mint"
"""Where points come from. What it owes is what is in circulation."""

PARTICIPANT: Final = "p:"
"""What a participant's account begins with, so that no id can pose as a house account."""


class Balance(Struct, frozen=True, array_like=True, gc=False):
    """What an account holds of one currency now, and all it ever earned and spent."""

    amount: int = 0
    earned: int = 0
    spent: int = 0


NOTHING: Final = Balance()


def account_of(participant: ParticipantId) -> str:
    """
    Name a participant's account.

    >>> account_of("@mint")
    'p:@mint'
    """
    return PARTICIPANT + participant


def is_house(account: str) -> bool:
    """Say whether the account is ours. House accounts may be negative and have no balance kept."""
    return account.startswith("@")


def credit(balance: Balance, amount: int) -> Balance:
    """Return the balance after it received `amount`, or park what would pass the largest."""
    assert amount > 0
    if balance.earned + amount > limits.AMOUNT_MAX:
        raise AmountTooLarge
    return Balance(balance.amount + amount, balance.earned + amount, balance.spent)


def debit(balance: Balance, amount: int) -> Balance:
    """Return the balance after it gave `amount`, or refuse to let it fall below zero."""
    assert amount > 0
    if balance.amount < amount:
        raise WouldOverdraw
    return Balance(balance.amount - amount, balance.earned, balance.spent + amount)
