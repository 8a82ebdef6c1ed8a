"""From a URL to a store."""

import sqlite3
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from laurels.engine.clock import SystemClock
from laurels.engine.engine import Engine
from laurels.engine.ports import Meter, Notifier
from laurels.settings import without_password
from laurels.store.sqlite.lock import StoreLocked
from laurels.store.sqlite.store import SqliteStore
from laurels.wiring.places import POSTGRES, Store, StoreNotOpened, store_path


def open_store(url: str, *, migrate: bool = True, must_exist: bool = False) -> Store:
    """Open the store that a URL names; an older schema, or none, is refused unless `migrate`."""
    if must_exist and not is_there(url):
        raise StoreNotOpened(f"There is no store {_place(url)}.")
    if url.startswith(POSTGRES):
        from laurels.wiring import servers  # noqa: PLC0415 - who has a file need not load all this

        return servers.open_database(url, migrate=migrate)
    path = store_path(url)
    try:
        return SqliteStore(path, migrate_schema=migrate)
    except (OSError, sqlite3.Error) as problem:
        raise StoreNotOpened(f"{path} cannot be opened: {problem}.") from problem


def is_there(url: str) -> bool:
    """Whether there is a store already, of whatever version."""
    if url.startswith(POSTGRES):
        from laurels.wiring import servers  # noqa: PLC0415 - as above

        return servers.has_schema(url)
    return store_path(url).exists()


def first_alone(url: str) -> AbstractContextManager[None]:
    """Let nobody else make a first start meanwhile. Of a file's writers there is only one."""
    if url.startswith(POSTGRES):
        from laurels.wiring import servers  # noqa: PLC0415 - as above

        return servers.first_alone(url)
    return nullcontext()


def _place(url: str) -> str:
    return f"in {without_password(url)}" if url.startswith(POSTGRES) else f"at {store_path(url)}"


@contextmanager
def writing(store: Store, holder: str) -> Generator[None]:
    """Be the one process that takes events into a store. `holder` is what others are told."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(holder))
        except StoreLocked as held:
            raise StoreNotOpened(f"{held}.") from held
        yield


def engine_of(store: Store, meter: Meter | None = None, notifier: Notifier | None = None) -> Engine:
    """Put the engine onto a store."""
    return Engine(store, SystemClock(), meter, notifier)
