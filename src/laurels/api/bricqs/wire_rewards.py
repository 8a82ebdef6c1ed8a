"""The catalogue and its claims, as they travel."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from laurels.api.bricqs.wire import About, Keyed
from laurels.core.limits import CODE_CHARS_MAX, CODES_MAX


class Reward(Struct, frozen=True, kw_only=True, gc=False):
    """A reward that can be claimed now."""

    id: str
    name: str
    type: str
    description: str
    points_cost: int | None
    currency: Annotated[str | None, Meta(description="Of the cost.")]
    available_codes: Annotated[int | None, Meta(description="Codes left; null when it has none.")]
    available: Annotated[int | None, Meta(description="How many are left; null without a limit.")]
    max_claims_per_user: Annotated[int | None, Meta(description="Null without a limit.")]
    expires_at: str | None


class Rewards(Struct, frozen=True):
    rewards: list[Reward]
    total: int


class ClaimBody(Keyed, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    points_deduction: Annotated[
        bool, Meta(description="Pay what it costs; one that was granted is free all the same.")
    ] = False


class Claimed(Struct, frozen=True, gc=False):
    """`new_balance` is of the currency that was paid, else of the first one as of now."""

    claim_id: str
    participant_id: str
    reward_id: str
    reward_name: str
    reward_type: str
    code_value: str | None
    points_deducted: int
    new_balance: int


class Claim(Struct, frozen=True, gc=False):
    """`granted` waits for the participant to claim it."""

    claim_id: str
    reward_id: str
    name: str
    type: str
    status: str
    code_value: str | None
    claimed_at: str


class Claims(Struct, frozen=True):
    """Newest first."""

    participant_id: str
    rewards: list[Claim]
    total: int


class SettleBody(About, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Whose claim it is."""


class Settled(Struct, frozen=True, gc=False):
    claim_id: str
    participant_id: str
    reward_id: str
    status: Literal["fulfilled", "void"]
    points_returned: int


class CodesBody(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    codes: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=CODE_CHARS_MAX)]],
        Meta(min_length=1, max_length=CODES_MAX),
    ]


class CodesAdded(Struct, frozen=True, gc=False):
    """A code that is there already is not added again. `total` is all that were ever added."""

    reward_id: str
    added: int
    duplicates: int
    total: int
