"""Where a store may be, as a URL says it."""

from pathlib import Path
from typing import Final, TypeAlias

from laurels.core.errors import LaurelsError
from laurels.store.store import SqlStore

Store: TypeAlias = SqlStore

POSTGRES: Final = ("postgresql://", "postgres://")


class StoreNotOpened(LaurelsError):
    """The store cannot be opened."""


class QueueNotReached(StoreNotOpened):
    """Redis does not answer, and may do so later."""


def store_path(url: str) -> Path:
    """Return where a `sqlite:` store lies."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        raise StoreNotOpened(f"{url!r} names no store; write sqlite:{url}.")
    if scheme != "sqlite":
        raise StoreNotOpened(
            f"{scheme}: is no kind of store we know; use sqlite:PATH or postgresql://HOST/DATABASE."
        )
    # sqlite:///var/x.db is how other tools spell /var/x.db.
    path = "/" + rest.lstrip("/") if rest.startswith("//") else rest
    if not path:
        raise StoreNotOpened("sqlite: needs the path of a file, as in sqlite:laurels.db.")
    return Path(path)
