"""What can come of points, badges and items, and of earning them."""

from msgspec import Struct

from laurels.core.event import Instant


class PointsPosted(Struct, frozen=True, omit_defaults=True, gc=False, tag="points.posted"):
    """So much of a currency went from one account to another."""

    source: str
    target: str
    currency: str
    amount: int
    rule: str
    expires_at: Instant | None = None
    """When a credit dies, if it does."""
    reason: str = ""
    """What a caller gave as the reason, if one did."""
    balance: int = -1
    """What the participant can spend of that currency afterwards."""
    because: int = -1


class HoldPlaced(Struct, frozen=True, omit_defaults=True, gc=False, tag="hold.placed"):
    """Points were set aside; `lots` tell which. The posting into the hold's account goes before."""

    hold: str
    currency: str
    amount: int
    at: Instant
    expires_at: Instant | None = None
    lots: list[tuple[Instant, int]] = []
    """The (moment of expiry, amount) of those among them that expire."""
    because: int = -1


class HoldEnded(Struct, frozen=True, omit_defaults=True, gc=False, tag="hold.ended"):
    """A hold was captured, in whole or in part, or released; postings of what it held follow."""

    hold: str
    captured: int
    at: Instant
    because: int = -1


class CapUsed(Struct, frozen=True, omit_defaults=True, gc=False, tag="cap.used"):
    """An earn rule with a cap gave; `after` is what it has given in that window by now."""

    rule: str
    window: str
    after: int
    because: int = -1


class BadgeAwarded(Struct, frozen=True, omit_defaults=True, gc=False, tag="badge.awarded"):
    """A badge, once per participant and for good."""

    badge: str
    title: str
    rule: str
    at: Instant
    because: int = -1


class ItemGranted(Struct, frozen=True, omit_defaults=True, gc=False, tag="item.granted"):
    """So many of an item."""

    item: str
    quantity: int
    rule: str
    because: int = -1


class TierMeasured(Struct, frozen=True, omit_defaults=True, gc=False, tag="tier.measured"):
    """What a ladder counts moved: facts in all, or what the `window` of requalification brought."""

    window: str
    after: int
    because: int = -1


class TierChanged(Struct, frozen=True, omit_defaults=True, gc=False, tag="tier.changed"):
    """A participant has another tier, or none. By hand it stays until automation would raise it."""

    tier: str | None
    title: str
    level: int
    at: Instant
    previous: str | None = None
    previous_level: int = 0
    manual: bool = False
    automatic_level: int = 0
    """The level that automation would have given at that moment."""
    reason: str = ""
    because: int = -1
