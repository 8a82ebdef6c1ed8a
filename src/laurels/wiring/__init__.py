"""The one place that knows which adapter is which: from settings to what serves and works."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from laurels.core.event import Instant
from laurels.engine.durability import Verdict
from laurels.engine.queue import ParkedEntries
from laurels.settings import Settings
from laurels.store.migrate import SchemaTooOld
from laurels.wiring.first import (
    WORLDS,
    apply_rulebook,
    bootstrap,
    digest,
    hint,
    is_new,
    key_id,
    put_bootstrap_key,
    read_rulebook,
    world,
)
from laurels.wiring.places import (
    POSTGRES,
    QueueNotReached,
    Store,
    StoreNotOpened,
    store_path,
)
from laurels.wiring.serving import Server, adviser_of, api_config, build
from laurels.wiring.stores import engine_of, first_alone, is_there, open_store, writing

if TYPE_CHECKING:
    from laurels.wiring.with_redis import WorkerAtWork

__all__ = [
    "POSTGRES",
    "WORLDS",
    "QueueNotReached",
    "SchemaTooOld",
    "Server",
    "Store",
    "StoreNotOpened",
    "adviser_of",
    "api_config",
    "apply_rulebook",
    "bootstrap",
    "build",
    "build_worker",
    "digest",
    "engine_of",
    "first_alone",
    "hint",
    "is_new",
    "is_there",
    "judge_servers",
    "key_id",
    "open_store",
    "parked_entries",
    "put_bootstrap_key",
    "read_rulebook",
    "store_path",
    "world",
    "writing",
]

# The clients of PostgreSQL and Redis take as long to load as all the rest: who has a file alone
# does without them.


def judge_servers(settings: Settings, now: Instant) -> Verdict:
    """Ask the servers that the settings name how well they keep things, and judge them."""
    from laurels.wiring import servers  # noqa: PLC0415 - a heavy client

    return servers.judge_servers(settings, now)


def build_worker(settings: Settings, store: Store) -> "WorkerAtWork":
    """Make what decides the events of the queue."""
    from laurels.wiring.with_redis import WorkerAtWork  # noqa: PLC0415 - a heavy client

    return WorkerAtWork(settings, store)


def parked_entries(url: str) -> AbstractContextManager[ParkedEntries]:
    """Reach what was taken out of the queue."""
    from laurels.wiring import with_redis  # noqa: PLC0415 - a heavy client

    return with_redis.parked_entries(url)
