"""Points in and out of a participant's account: every posting is made here."""

from collections.abc import Iterator
from typing import Any, Final

from laurels.core import limits
from laurels.core.change import Change, HoldEnded, HoldPlaced, PointsPosted
from laurels.core.command import Award, Deduct, EndHold, Hold
from laurels.core.errors import AmountTooLarge, InvalidCommand, UnknownName
from laurels.core.event import Instant
from laurels.core.ledger import (
    EXPIRED,
    MINT,
    SPENT,
    Lots,
    held_account_of,
    post,
    take_lots,
    total,
)
from laurels.core.rules.chain import Chain
from laurels.core.section import HOLD, LOTS, HeldPoints
from laurels.core.window import days_later

BY_HAND: Final = "@award"
"""The rule of a posting that a caller asked for."""


def credit(
    chain: Chain,
    currency: str,
    amount: int,
    rule: str,
    *,
    at: Instant,
    expires_at: Instant | None = None,
    reason: str = "",
    because: int = -1,
) -> PointsPosted:
    """Make a posting from the mint. Unless it says when it expires, its currency does."""
    if amount > limits.AMOUNT_MAX:
        raise AmountTooLarge
    lifetimes = chain.rulebook.rulebook.lifetimes_days
    if expires_at is None and currency in lifetimes:
        expires_at = days_later(at, lifetimes[currency], chain.rulebook.calendar)
    balance = chain.draft.balance(currency).amount + amount
    return PointsPosted(
        MINT, chain.account, currency, amount, rule, expires_at, reason, balance, because
    )


def spend(
    chain: Chain, currency: str, amount: int, rule: str, *, reason: str = "", because: int = -1
) -> Iterator[Change]:
    """Take what is to be paid, or raise WouldOverdraw."""
    yield _posting(
        chain, chain.account, SPENT, currency, amount, rule=rule, reason=reason, because=because
    )


def refund(chain: Chain, currency: str, amount: int, rule: str) -> Iterator[Change]:
    """Give back what was paid. It never expires again: who knows what lots it came from."""
    yield _posting(chain, SPENT, chain.account, currency, amount, rule=rule)


def award(chain: Chain, command: Award) -> Iterator[Change]:
    currency = currency_of(chain, command.currency)
    yield credit(
        chain,
        currency,
        command.amount,
        BY_HAND,
        at=command.received_at,
        expires_at=command.expires_at,
        reason=command.reason,
    )


def deduct(chain: Chain, command: Deduct) -> Iterator[Change]:
    currency = currency_of(chain, command.currency)
    yield from spend(chain, currency, command.amount, BY_HAND, reason=command.reason)


def hold(chain: Chain, command: Hold) -> Iterator[Change]:
    """Set points aside: those first that expire soonest, and they go on ageing."""
    currency = currency_of(chain, command.currency)
    if command.expires_at is not None and command.expires_at <= command.received_at:
        raise InvalidCommand("The hold must expire in the future.")
    lots, _ = take_lots(chain.draft.read(LOTS, currency) or (), command.amount)
    held = held_account_of(chain.occasion.participant)
    yield _posting(chain, chain.account, held, currency, command.amount, rule="@hold")
    yield HoldPlaced(
        command.id, currency, command.amount, command.received_at, command.expires_at, list(lots)
    )


def end_hold(chain: Chain, command: EndHold) -> Iterator[Change]:
    """Capture a hold, in whole or in part, or release it; it is then gone."""
    held = chain.draft.read(HOLD, command.hold)
    if held is None:
        raise UnknownName("There is no such hold: it was captured, released, or never placed.")
    captured = (command.amount or held.amount) if command.capture else 0
    if captured > held.amount:
        raise InvalidCommand(f"The hold contains {held.amount}, so {captured} cannot be captured.")
    return _end(chain, command.hold, held, captured, at=command.received_at)


def release_expired(chain: Chain, hold_id: str, at: Instant) -> Iterator[Change]:
    """Release a hold whose time has passed."""
    held = chain.draft.read(HOLD, hold_id)
    return iter(()) if held is None else _end(chain, hold_id, held, 0, at=at)


def expire(chain: Chain, currency: str, at: Instant) -> Iterator[Change]:
    """Take away what is left of the lots that have expired by `at`."""
    lots = chain.draft.read(LOTS, currency) or ()
    amount = total(lot for lot in lots if lot[0] <= at)
    if amount:
        yield _posting(chain, chain.account, EXPIRED, currency, amount, rule="@expiry")


def currency_of(chain: Chain, name: str | None) -> str:
    """Return the currency of that name; no name means the first."""
    currencies = chain.rulebook.rulebook.currencies
    if name is not None and name not in currencies:
        raise UnknownName(f"The rulebook has no such currency; it has {', '.join(currencies)}.")
    return name or currencies[0]


def _end(
    chain: Chain, hold_id: str, held: HeldPoints, captured: int, *, at: Instant
) -> Iterator[Change]:
    yield HoldEnded(hold_id, captured, at)
    account = held_account_of(chain.occasion.participant)
    lots: Lots = held.lots
    if captured:
        _, lots = take_lots(lots, captured)
        yield _posting(chain, account, SPENT, held.currency, captured, rule="@capture")
    back = held.amount - captured
    undying = back - total(lots)
    for expires_at, amount in (*lots, (None, undying)):
        if amount:
            yield _posting(
                chain,
                account,
                chain.account,
                held.currency,
                amount,
                rule="@release",
                expires_at=expires_at,
            )


def _posting(
    chain: Chain, source: str, target: str, currency: str, amount: int, **more: Any
) -> PointsPosted:
    """Make a posting, which says what can be spent afterwards."""
    after = post(chain.draft.balance(currency), source, target, amount)
    return PointsPosted(source, target, currency, amount, balance=after.amount, **more)
