"""Analytics, as they travel."""

from msgspec import UNSET, Struct, UnsetType


class Figures(Struct, frozen=True, kw_only=True, gc=False):
    """
    What some events came to.

    Lag is from when an event occurred until it was received. An event from the future has none, and
    one that is more than 366 days late counts as so late.
    """

    name: str | UnsetType = UNSET
    """Of which event; only by name."""
    at: str | UnsetType = UNSET
    """When the hour or the day begins, UTC; only by hour or day."""
    events: int
    changes: int
    """All that the rules made of them; of an event that was parked, none."""
    lag_ms_average: int
    lag_ms_max: int
    participants: int | UnsetType = UNSET
    """How many different ones; only where that was asked for."""


class Analytics(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Figures are kept by the hour: `from` and `to` are the ends of the hours that were added."""

    from_: str
    to: str
    by: str
    total: Figures
    rows: list[Figures]
    has_more: bool
