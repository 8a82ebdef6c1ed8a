"""Points by hand, holds, and what is on the account, as they travel."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from laurels.api.bricqs.wire import BadgeEarned, Keyed, Reason
from laurels.core import limits

AMOUNT_MAX: Final = 1_000_000

Amount: TypeAlias = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
Currency: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=255, description="Default: the rulebook's first.")
]
Metadata: TypeAlias = Annotated[dict[str, Any], Meta(description="Taken, and not kept.")]
Expiry: TypeAlias = Annotated[
    str, Meta(description="RFC 3339.", extra_json_schema={"format": "date-time"})
]


class AwardBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    amount: Amount
    currency: Currency | None = None
    reason: Reason | None = None
    expires_at: Annotated[Expiry | None, Meta(description="When what is left of it dies.")] = None
    metadata: Metadata | None = None


class GrantBody(AwardBody, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    memo: Annotated[Reason | None, Meta(description="Taken, and not kept.")] = None


class DeductBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    amount: Amount
    currency: Currency | None = None
    reason: Reason | None = None
    memo: Annotated[Reason | None, Meta(description="Taken, and not kept.")] = None
    metadata: Metadata | None = None


class AwardBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 100 awards. One that does not have the right shape sinks them all."""

    awards: Annotated[
        list[AwardBody], Meta(min_length=1, max_length=limits.GAMIFY_BATCH_EVENTS_MAX)
    ]


class HoldBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    amount: Amount
    currency: Currency | None = None
    expires_at: Annotated[
        Expiry | None, Meta(description="When it is released by itself, if nothing came before.")
    ] = None


class CaptureBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    amount: Annotated[Amount | None, Meta(description="Default: all of it.")] = None


class TierUpgrade(Struct, frozen=True, gc=False):
    code: str
    name: str
    level: int
    previous_code: str | None
    previous_level: int


class PointsMoved(Struct, frozen=True, kw_only=True):
    """
    What was given or taken, and what there is to spend then.

    `amount` is never below zero, `delta` is for what was taken. `lifetime` is all that was ever
    earned, as of now.
    """

    transaction_id: str
    participant_id: str
    amount: int
    currency: str
    new_balance: int
    available: int
    lifetime: int
    delta: int


class Awarded(PointsMoved, frozen=True, kw_only=True):
    """An award, and the tier and the badges that it led to."""

    tier_upgrade: TierUpgrade | None
    badges_unlocked: list[BadgeEarned]


class Given(Awarded, frozen=True, kw_only=True):
    """The same, and whether its key came before."""

    duplicate: bool


class AwardRow(Struct, frozen=True, kw_only=True):
    """What became of one award of a batch. Where `status` is `error`, `error` says why."""

    status: Literal["processed", "error"] = "processed"
    participant_id: str
    transaction_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    new_balance: int | None = None
    tier_upgrade: TierUpgrade | None = None
    badges_unlocked: list[BadgeEarned] = []
    error: str | UnsetType = UNSET


class BatchAwarded(Struct, frozen=True):
    """One result an award, in the order they were sent."""

    processed: int
    failed: int
    results: list[AwardRow]


HoldStatus: TypeAlias = Literal["held", "captured", "released"]


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """A hold, and what can be spent beside it. `captured` is how much of it was taken for good."""

    hold_id: str
    participant_id: str
    amount: int
    currency: str
    status: HoldStatus
    captured: int
    new_balance: int
    expires_at: str | None


class CurrencyPoints(Struct, frozen=True, gc=False):
    balance: int
    total_earned: int
    total_spent: int
    held: int


class Points(Struct, frozen=True, kw_only=True):
    """What there is of the first currency, and of each. What is held is not in the balance."""

    participant_id: str | UnsetType = UNSET
    balance: int
    total_earned: int
    total_spent: int
    currencies: dict[str, CurrencyPoints]


TransactionType: TypeAlias = Literal[
    "award", "deduction", "redemption", "refund", "expiry", "hold", "release"
]


class Transaction(Struct, frozen=True, kw_only=True, gc=False):
    """One posting. `amount` is below zero for what was taken."""

    id: str
    type: TransactionType
    amount: int
    currency: str
    reason: Annotated[str, Meta(description="What the caller gave, else the rule that posted it.")]
    balance_after: int
    event_id: str | None
    created_at: str


class Transactions(Struct, frozen=True):
    """Newest first."""

    participant_id: str
    transactions: list[Transaction]
    total: int
    page: int
    page_size: int
