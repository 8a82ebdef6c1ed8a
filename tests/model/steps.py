"""
What can happen in a history. Every step prints as the Python that makes it, so a failure reads.

Times are told in hours from the clock; `nth` counts what somebody has of a kind, oldest first.
"""

from dataclasses import dataclass, field, fields
from typing import Any


class Plain:
    """Prints without what was left at its default."""

    def __repr__(self):
        said = [
            repr(value) if each.default == each.default_factory else f"{each.name}={value!r}"
            for each in fields(self)  # type: ignore[arg-type]
            if (value := getattr(self, each.name)) != each.default
        ]
        return f"{type(self).__name__}({', '.join(said)})"


@dataclass(frozen=True, repr=False)
class Wait(Plain):
    """The clock moves, and what falls due meanwhile is settled."""

    hours: float


@dataclass(frozen=True, repr=False)
class Tell(Plain):
    who: str
    event: str
    properties: dict[str, Any] = field(default_factory=dict)
    at: float | None = None
    key: str | None = None


@dataclass(frozen=True, repr=False)
class ClaimChallenge(Plain):
    who: str
    challenge: str
    key: str | None = None


@dataclass(frozen=True, repr=False)
class Enrol(Plain):
    who: str
    challenge: str


@dataclass(frozen=True, repr=False)
class Award(Plain):
    who: str
    amount: int
    currency: str | None = None
    expires: float | None = None
    key: str | None = None


@dataclass(frozen=True, repr=False)
class Deduct(Plain):
    who: str
    amount: int
    currency: str | None = None


@dataclass(frozen=True, repr=False)
class Hold(Plain):
    who: str
    amount: int
    currency: str | None = None
    expires: float | None = None


@dataclass(frozen=True, repr=False)
class EndHold(Plain):
    """`nth` counts all holds that were ever placed; one that has ended is asked for as well."""

    who: str
    nth: int
    capture: bool
    amount: int | None = None


@dataclass(frozen=True, repr=False)
class GiveBadge(Plain):
    who: str
    badge: str


@dataclass(frozen=True, repr=False)
class GiveTier(Plain):
    who: str
    tier: str


@dataclass(frozen=True, repr=False)
class Record(Plain):
    who: str
    streak: str
    at: float = 0


@dataclass(frozen=True, repr=False)
class Freeze(Plain):
    who: str
    streak: str
    action: str = "use"
    quantity: int = 1


@dataclass(frozen=True, repr=False)
class Pause(Plain):
    who: str
    streak: str
    starts: float
    ends: float


@dataclass(frozen=True, repr=False)
class Take(Plain):
    """Claim a reward of the catalogue."""

    who: str
    reward: str
    pays: bool = False


@dataclass(frozen=True, repr=False)
class Settle(Plain):
    """Mark a claim of the catalogue as fulfilled or void; `nth` counts all there ever were."""

    who: str
    nth: int
    status: str


@dataclass(frozen=True, repr=False)
class Describe(Plain):
    """Set the zone, the attributes, or both; what is None stays, an empty zone is taken away."""

    who: str
    zone: str | None = None
    attributes: dict[str, Any] | None = None


@dataclass(frozen=True, repr=False)
class Review(Plain):
    who: str
    contest: str
    accept: bool
