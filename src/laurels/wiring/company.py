"""The other processes, as a server sees them."""

from collections.abc import Callable
from typing import Protocol

from laurels.api.questkit import demo
from laurels.api.revocations import Revocations
from laurels.core.event import ParticipantId
from laurels.delivery.hub import Hub
from laurels.engine.durability import Durability
from laurels.engine.gather import Gather
from laurels.engine.intake import Acceptor
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Notifier, Queries, Submitter
from laurels.engine.sharing import RateLogs, SeveralWriters, own_rate_logs


class Company(Protocol):
    """What a server shares with them, and how it begins and ends."""

    @property
    def rate_logs(self) -> RateLogs: ...
    @property
    def revoked(self) -> Callable[[], None] | None:
        """What tells them that tokens were revoked."""
        ...

    def notifier(self, hub: Hub) -> Notifier: ...
    def submitter(self, gather: Gather, metrics: Metrics) -> Submitter: ...
    def intake(self, gather: Gather, queries: Queries, metrics: Metrics) -> Acceptor | None: ...
    def hear(self, hub: Hub, revocations: Revocations) -> None: ...
    def open(self, opened: Callable[[Durability], None]) -> None:
        """
        Look whether what they share may be used, and refuse what is wrong.

        `opened` is called with how well it keeps things, as soon as that is known.
        """
        ...

    def start(self) -> None: ...
    async def close(self) -> None: ...


class NoCompany:
    """
    Nobody that one could talk to.

    Where the store is open to others all the same, what they committed is known to it alone.
    """

    def __init__(self, *, is_alone: bool) -> None:
        self._is_alone = is_alone
        self.rate_logs: RateLogs = own_rate_logs
        self.revoked: Callable[[], None] | None = None

    def notifier(self, hub: Hub) -> Notifier:
        return hub

    def submitter(self, gather: Gather, metrics: Metrics) -> Submitter:  # noqa: ARG002 - as the port has it
        return gather if self._is_alone else SeveralWriters(gather, may_begin_anew)

    def intake(self, gather: Gather, queries: Queries, metrics: Metrics) -> Acceptor | None:
        """Return nobody: what is accepted is decided at once."""

    def hear(self, hub: Hub, revocations: Revocations) -> None:
        """Hear nothing: whoever waits for news looks by itself."""

    def open(self, opened: Callable[[Durability], None]) -> None:
        """Share nothing."""

    def start(self) -> None:
        """Begin nothing."""

    async def close(self) -> None:
        """End nothing."""


def may_begin_anew(participant: ParticipantId) -> bool:
    """Whose receipts may be forgotten all at once, by whichever process."""
    return participant.startswith(demo.PREFIX)
