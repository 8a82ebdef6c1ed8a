"""What the API needs from the rest of the house, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from laurels.core.event import Instant, TenantId
from laurels.engine.ports import Clock, Identity, Queries, Submitter


class ApiConfig(Struct, frozen=True, kw_only=True):
    """What whoever runs the server decided. A rate of None or 0 is no limit; all are per 60 s."""

    jwt_secrets: tuple[bytes, ...]
    """The first signs; all of them verify, so that a secret can be changed without a break."""
    bootstrap_tenant: TenantId = "demo/live"
    """The world of a token that names none."""
    participant_writes_per_minute: int | None = 600
    rate_limit_key: int | None = None
    rate_limit_tenant: int | None = None
    rate_limit_address: int | None = None
    questkit_events_per_minute: int | None = 100
    version: str = "unknown"
    commit: str = "unknown"
    store: str = "sqlite"
    queue: str = "none"
    durability: str = "strict"
    docs: bool = True


class Registry(Identity, Protocol):
    """Who may call, and the codes that are given out with rewards."""

    def put_codes(self, tenant: TenantId, offer: str, codes: Sequence[str], at: Instant) -> int:
        """Add those codes that the offer does not have yet, in order; return how many."""
        ...


@dataclass(slots=True)
class Edge:
    """Not frozen for one field only: `draining` is set when the server is about to stop."""

    submitter: Submitter
    queries: Queries
    registry: Registry
    clock: Clock
    config: ApiConfig
    draining: bool = False
