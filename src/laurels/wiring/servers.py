"""Stores and queues that are servers of their own: opened, and asked how well they keep things."""

from collections.abc import Callable
from typing import TypeVar

import psycopg
from redis.exceptions import RedisError

from laurels.core.errors import Unavailable
from laurels.core.event import Instant
from laurels.engine.durability import Verdict, judge
from laurels.notify import redis_settings
from laurels.settings import Settings, without_password
from laurels.store.postgres import settings as postgres_settings
from laurels.store.postgres.store import PostgresStore
from laurels.wiring.places import POSTGRES, Store, StoreNotOpened

Told = TypeVar("Told")


def open_database(url: str, *, migrate: bool) -> Store:
    """Open a store in PostgreSQL."""
    try:
        return PostgresStore(url, migrate_schema=migrate)
    except (Unavailable, psycopg.Error) as problem:
        said = " ".join(str(problem).split()).rstrip(".")
        raise StoreNotOpened(f"{without_password(url)} cannot be opened: {said}.") from problem


def judge_servers(settings: Settings, now: Instant) -> Verdict:
    """Ask the servers that the settings name, and judge them."""
    store, queue = settings.store, settings.queue
    return judge(
        now,
        _asked(postgres_settings.ask, store) if store.startswith(POSTGRES) else None,
        [] if queue is None else _asked(redis_settings.ask, queue),
    )


def _asked(ask: Callable[[str], Told], url: str) -> Told:
    try:
        return ask(url)
    except (psycopg.Error, RedisError, OSError) as problem:
        said = " ".join(str(problem).split()).rstrip(".")
        raise StoreNotOpened(f"{without_password(url)} does not answer: {said}.") from problem
