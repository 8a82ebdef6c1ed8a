"""
Whatever may change a participant, each as one value: the commands of the engine.

A command's `operation` is what its key is bound to, beside the participant.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

from laurels.core.event import Event, EventId, Instant, ParticipantId, TenantId
from laurels.core.rulebook import Reward

HOUSE: ParticipantId = ""
"""Whom a command is about that is about nobody; no participant's id is empty."""


class _Command(Struct, frozen=True, kw_only=True, gc=False):
    tenant: TenantId
    id: EventId
    participant: ParticipantId
    received_at: Instant
    key: str | None = None


class Claim(_Command, frozen=True, gc=False):
    """Ask for the reward of a completed challenge."""

    challenge: str

    @property
    def operation(self) -> str:
        return f"claim:{self.challenge}"


class Enrol(_Command, frozen=True, gc=False):
    """Ask to take part in a challenge."""

    challenge: str

    @property
    def operation(self) -> str:
        return f"enrol:{self.challenge}"


class Award(_Command, frozen=True, gc=False):
    """Credit points by hand. No currency means the first."""

    amount: int
    currency: str | None = None
    reason: str = ""
    expires_at: Instant | None = None
    operation: ClassVar[str] = "award"


class Deduct(_Command, frozen=True, gc=False):
    """Debit points by hand, all of them or none."""

    amount: int
    currency: str | None = None
    reason: str = ""
    operation: ClassVar[str] = "deduct"


class Hold(_Command, frozen=True, gc=False):
    """Set points aside until they are captured, released, or the hold expires."""

    amount: int
    currency: str | None = None
    expires_at: Instant | None = None
    operation: ClassVar[str] = "hold"


class EndHold(_Command, frozen=True, gc=False):
    """Capture what a hold has set aside, `amount` of it or all, and release the rest."""

    hold: str
    capture: bool
    amount: int | None = None

    @property
    def operation(self) -> str:
        return f"{'capture' if self.capture else 'release'}:{self.hold}"


class AwardBadge(_Command, frozen=True, gc=False):
    """Award a badge by hand; owning it already changes nothing."""

    badge: str

    @property
    def operation(self) -> str:
        return f"badge:{self.badge}"


class AssignTier(_Command, frozen=True, gc=False):
    """Give a tier by hand."""

    tier: str
    reason: str = ""
    operation: ClassVar[str] = "tier"


class RecordStreak(_Command, frozen=True, gc=False):
    """Tell a streak of a fact at a moment, without an event."""

    streak: str
    at: Instant

    @property
    def operation(self) -> str:
        return f"streak:{self.streak}"


class Freeze(_Command, frozen=True, gc=False):
    """Use a freeze for the period that is in danger, buy one at its price, or grant some."""

    streak: str
    action: Literal["use", "buy", "grant"] = "use"
    quantity: int = 1

    @property
    def operation(self) -> str:
        return f"freeze:{self.streak}"


class Pause(_Command, frozen=True, gc=False):
    """Plan that a streak needs no fact in the periods that hold two moments and in between."""

    streak: str
    starts: Instant
    ends: Instant

    @property
    def operation(self) -> str:
        return f"pause:{self.streak}"


class ClaimReward(_Command, frozen=True, gc=False):
    """Take an offer of the catalogue, paying its price or not."""

    offer: str
    pays: bool = False

    @property
    def operation(self) -> str:
        return f"reward:{self.offer}"


class SettleClaim(_Command, frozen=True, gc=False):
    """Mark a claim as fulfilled, or make it void."""

    claim: str
    status: Literal["fulfilled", "void"]

    @property
    def operation(self) -> str:
        return f"settle:{self.claim}"


class Describe(_Command, frozen=True, gc=False):
    """Say who a participant is; what is unset stays, what is None goes."""

    display_name: str | UnsetType | None = UNSET
    avatar_url: str | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    attributes: Raw | UnsetType = UNSET
    """All of them, as one JSON object."""
    patch: Raw | UnsetType = UNSET
    """A JSON object to be merged into them instead, key by key; null removes one."""
    operation: ClassVar[str] = "profile"


class ReviewScore(_Command, frozen=True, gc=False):
    """Let what was held of a contest's score count, or drop it."""

    contest: str
    accept: bool

    @property
    def operation(self) -> str:
        return f"review:{self.contest}"


class Tick(_Command, frozen=True, gc=False):
    """Settle what is due for a participant at the moment `at`, which has passed."""

    at: Instant
    operation: ClassVar[str] = "tick"


class CloseContest(_Command, frozen=True, gc=False):
    """Fix the standings of a contest. About nobody in particular."""

    contest: str

    @property
    def operation(self) -> str:
        return f"close:{self.contest}"


class CompleteContest(_Command, frozen=True, gc=False):
    """Note that all prizes of a contest have been sent out."""

    contest: str

    @property
    def operation(self) -> str:
        return f"complete:{self.contest}"


class PayPrize(_Command, frozen=True, gc=False):
    """Pay what a place in a contest wins."""

    contest: str
    rank: int
    rewards: tuple[Reward, ...]
    at: Instant

    @property
    def operation(self) -> str:
        return f"prize:{self.contest}"


class Recommend(_Command, frozen=True, gc=False):
    """Note which challenges a participant is recommended from now on, and why, in one sentence."""

    challenges: tuple[str, ...]
    why: str
    operation: ClassVar[str] = "recommend"


class Reset(_Command, frozen=True, gc=False):
    """Let a participant begin anew, as if never met. Points are written off."""

    operation: ClassVar[str] = "reset"


Command: TypeAlias = (
    Event
    | Claim
    | Enrol
    | Award
    | Deduct
    | Hold
    | EndHold
    | AwardBadge
    | AssignTier
    | RecordStreak
    | Freeze
    | Pause
    | ClaimReward
    | SettleClaim
    | Describe
    | ReviewScore
    | Tick
    | CloseContest
    | CompleteContest
    | PayPrize
    | Recommend
    | Reset
)
