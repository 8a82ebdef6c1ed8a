"""What the API needs from the rest of the house, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from laurels.api.revocations import Revocations
from laurels.core.event import Instant, TenantId
from laurels.delivery.hub import Hub
from laurels.engine.inbox import Inbox
from laurels.engine.intake import Acceptor
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Clock, Queries, Submitter
from laurels.engine.recommend.recommender import Recommender
from laurels.engine.registry import Identity
from laurels.engine.sharing import RateLogs, own_rate_logs


class ApiConfig(Struct, frozen=True, kw_only=True):
    """What whoever runs the server decided. A rate of None or 0 is no limit; all are per 60 s."""

    jwt_secrets: tuple[bytes, ...]
    """The first signs; all of them verify, so that a secret can be changed without a break."""
    bootstrap_tenant: TenantId = "demo/live"
    """The world of a token that names none, and of webhooks."""
    webhook_secrets: Mapping[str, tuple[str, ...]] = {}
    """By source, as `webhook.variable_of` spells it."""
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
    demo_accounts: bool = False
    """Whether accounts whose ids begin with `demo_` may be reset by those who have them."""


class Registry(Identity, Protocol):
    """Who may call, and the codes that are given out with rewards."""

    def put_codes(self, tenant: TenantId, offer: str, codes: Sequence[str], at: Instant) -> int:
        """Add those codes that the offer does not have yet, in order; return how many."""
        ...


@dataclass(slots=True)
class Edge:
    """
    Not frozen for two fields.

    `draining` is set when the server is about to stop; `config` when a queue comes into use, which
    may keep things less well.
    """

    submitter: Submitter
    queries: Queries
    registry: Registry
    clock: Clock
    config: ApiConfig
    draining: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    intake: Acceptor | None = None
    """Where events wait until they are decided; without a queue they go to the submitter."""
    revocations: Revocations = field(kw_only=True)
    recommender: Recommender = field(kw_only=True)
    inbox: Inbox = field(kw_only=True)
    hub: Hub = field(kw_only=True)
    rate_logs: RateLogs = field(default=own_rate_logs, kw_only=True)
