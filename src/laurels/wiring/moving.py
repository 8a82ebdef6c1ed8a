"""Stores as a copy sees them: all of their tables, whichever database they are in."""

from laurels.settings import without_password
from laurels.store.copy import Copied, Place, Watch, copy
from laurels.store.postgres.tables import PostgresPlace
from laurels.store.sqlite.tables import SqlitePlace
from laurels.wiring.places import POSTGRES, store_path


def copy_store(source: str, target: str, watch: Watch) -> Copied:
    """Copy all of a store to where there is none yet."""
    return copy(_place(source), _place(target), watch)


def _place(url: str) -> Place:
    name = without_password(url)
    if url.startswith(POSTGRES):
        return PostgresPlace(url, name)
    return SqlitePlace(store_path(url), name)
