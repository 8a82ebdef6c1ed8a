"""Stores and queues that are servers of their own: opened, and asked how well they keep things."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Final, TypeVar

import psycopg
from redis.exceptions import RedisError

from laurels.core.errors import Unavailable
from laurels.core.event import Instant
from laurels.engine.durability import Verdict, judge
from laurels.notify import redis_settings
from laurels.settings import Settings, without_password
from laurels.store.postgres import settings as postgres_settings
from laurels.store.postgres.connections import connect
from laurels.store.postgres.store import PostgresStore
from laurels.wiring.places import POSTGRES, Store, StoreNotOpened

Told = TypeVar("Told")


HAS_SCHEMA: Final = "SELECT to_regclass('schema_migrations') IS NOT NULL"
LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('laurels first start', 0))"


def open_database(url: str, *, migrate: bool) -> Store:
    """Open a store in PostgreSQL."""
    with _opening(url):
        return PostgresStore(url, migrate_schema=migrate)


def has_schema(url: str) -> bool:
    """Whether there is a store of ours in a database, of whatever version."""
    with _opening(url), closing(connect(url)) as connection:
        row = connection.execute(HAS_SCHEMA).fetchone()
        return row is not None and row[0]


@contextmanager
def first_alone(url: str) -> Generator[None]:
    """Be the only process that looks whether its start is the first, and makes it so."""
    with _opening(url):
        connection = connect(url)
    with closing(connection):
        with _opening(url):
            connection.execute("SET lock_timeout = 0")
            connection.execute(LOCK)
        yield


@contextmanager
def _opening(url: str) -> Generator[None]:
    try:
        yield
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
