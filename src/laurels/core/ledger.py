"""
Double entry: every posting takes from one account what it gives to another, in whole units.

A participant has two accounts of each currency: one to spend from, and one for what holds have set
aside. House accounts begin with `@`, may be negative, and have no balance kept.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from laurels.core import limits
from laurels.core.errors import AmountTooLarge, WouldOverdraw
from laurels.core.event import Instant, ParticipantId

MINT: Final = "@mint"
"""Where points come from. What it owes is what is in circulation."""
SPENT: Final = "@spent"
"""Where points go that are paid, deducted or captured; a refund comes from here."""
EXPIRED: Final = "@expired"
"""Where points go that were not spent in time. That is no spending."""

WRITTEN_OFF: Final = "@written_off"
"""Where points go that are neither spent nor expired when whoever had them begins anew."""

PARTICIPANT: Final = "p:"
"""What a participant's account begins with, so that no id can pose as a house account."""
HELD: Final = "h:"
"""What the account of a participant's holds begins with."""

Lot: TypeAlias = tuple[Instant, int]
"""Points that expire: when, and how many are left."""
Lots: TypeAlias = tuple[Lot, ...]
"""The soonest first; no two of one moment."""


class Posting(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...


class Balance(Struct, frozen=True, array_like=True, gc=False):
    """What is there to spend of one currency, all that was ever earned and spent, and the held."""

    amount: int = 0
    earned: int = 0
    spent: int = 0
    held: int = 0


NOTHING: Final = Balance()


def account_of(participant: ParticipantId) -> str:
    """
    Name a participant's account.

    >>> account_of("@mint")
    'p:@mint'
    """
    return PARTICIPANT + participant


def held_account_of(participant: ParticipantId) -> str:
    return HELD + participant


def is_house(account: str) -> bool:
    """Say whether the account is ours. House accounts may be negative and have no balance kept."""
    return account.startswith("@")


def is_earned(source: str, target: str) -> bool:
    """Say whether a posting between two accounts gives a participant something new."""
    return source == MINT and target.startswith(PARTICIPANT)


def is_in_hand(posting: "Posting") -> bool:
    """Say whether a posting changes what a participant can spend: only those are their ledger."""
    return posting.source.startswith(PARTICIPANT) or posting.target.startswith(PARTICIPANT)


def post(balance: Balance, source: str, target: str, amount: int) -> Balance:
    """
    Return a participant's balance after a posting between two accounts, one or both their own.

    Raises WouldOverdraw when an account of theirs would fall below zero, AmountTooLarge when it
    would pass the largest.
    """
    assert amount > 0
    if source == MINT:  # By far the most are.
        if balance.earned + amount > limits.AMOUNT_MAX:
            raise AmountTooLarge
        earned = balance.earned + amount
        return Balance(balance.amount + amount, earned, balance.spent, balance.held)
    in_hand = balance.amount + amount * _moves(PARTICIPANT, source, target)
    held = balance.held + amount * _moves(HELD, source, target)
    if in_hand < 0 or held < 0:
        available = balance.amount if in_hand < 0 else balance.held
        raise WouldOverdraw(available=available, required=amount)
    spent = balance.spent
    if source == SPENT:
        spent -= amount
    elif is_house(target) and target != EXPIRED:
        spent += amount
    return Balance(in_hand, balance.earned, spent, held)


def _moves(kind: str, source: str, target: str) -> int:
    """Say which way a posting moves an account of a kind: in is 1, out is -1."""
    return target.startswith(kind) - source.startswith(kind)


def add_lot(lots: Lots, expires_at: Instant, amount: int) -> Lots:
    """
    Put points that expire among the others.

    >>> add_lot(((5, 10),), 3, 1), add_lot(((5, 10),), 5, 1)
    (((3, 1), (5, 10)), ((5, 11),))
    """
    there = dict(lots)
    there[expires_at] = there.get(expires_at, 0) + amount
    return tuple(sorted(there.items()))


def take_lots(lots: Lots, amount: int) -> tuple[Lots, Lots]:
    """
    Take points, those first that expire soonest: return what was taken of lots, and what is left.

    What the lots do not hold comes from points that never expire.

    >>> take_lots(((3, 1), (5, 10)), 4)
    (((3, 1), (5, 3)), ((5, 7),))
    """
    taken: list[Lot] = []
    left: list[Lot] = []
    for expires_at, there in lots:
        part = min(there, amount)
        amount -= part
        if part:
            taken.append((expires_at, part))
        if there > part:
            left.append((expires_at, there - part))
    return tuple(taken), tuple(left)


def total(lots: Iterable[Lot]) -> int:
    return sum(amount for _, amount in lots)
