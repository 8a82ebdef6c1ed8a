"""Stores and queues that are servers of their own: opened, and asked how well they keep things."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import psycopg

from laurels.core.errors import Unavailable
from laurels.core.event import Instant
from laurels.engine.durability import PostgresSettings, RedisSettings, Verdict, judge
from laurels.notify import redis_settings
from laurels.settings import Settings, without_password
from laurels.store.postgres import first
from laurels.store.postgres import settings as postgres_settings
from laurels.store.postgres.connections import said
from laurels.store.postgres.store import PostgresStore
from laurels.wiring.gate import reaching
from laurels.wiring.places import POSTGRES, Store, StoreNotOpened


def open_database(url: str, *, migrate: bool) -> Store:
    """Open a store in PostgreSQL."""
    with _opening(url):
        return PostgresStore(url, migrate_schema=migrate)


def has_schema(url: str) -> bool:
    """Whether there is a store of ours in a database, of whatever version."""
    with _opening(url):
        return first.has_schema(url)


@contextmanager
def first_alone(url: str) -> Generator[None]:
    """Be the only process that looks whether its start is the first, and makes it so."""
    with ExitStack() as stack:
        with _opening(url):
            stack.enter_context(first.first_alone(url))
        yield


@contextmanager
def _opening(url: str) -> Generator[None]:
    try:
        yield
    except (Unavailable, psycopg.Error) as problem:
        where = without_password(url)
        raise StoreNotOpened(f"{where} cannot be opened: {said(problem)}.") from problem


def judge_servers(settings: Settings, now: Instant) -> Verdict:
    """Ask the servers that the settings name, and judge them."""
    store, queue = settings.store, settings.queue
    return judge(
        now,
        _ask_postgres(store) if store.startswith(POSTGRES) else None,
        [] if queue is None else _ask_redis(queue),
    )


def _ask_postgres(url: str) -> PostgresSettings:
    try:
        return postgres_settings.ask(url)
    except (psycopg.Error, OSError) as problem:
        where = without_password(url)
        raise StoreNotOpened(f"{where} does not answer: {said(problem)}.") from problem


def _ask_redis(url: str) -> list[RedisSettings]:
    with reaching(url):
        return redis_settings.ask(url)
