"""A first start on a database: whether there is a store in it, and who makes it the first."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Final

from laurels.store.postgres.connections import connect, wait_for_ever

HAS_SCHEMA: Final = "SELECT to_regclass('schema_migrations') IS NOT NULL"
LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('laurels first start', 0))"


def has_schema(url: str) -> bool:
    """Whether there is a store of ours in a database, of whatever version."""
    with closing(connect(url)) as connection:
        row = connection.execute(HAS_SCHEMA).fetchone()
        return row is not None and row[0]


@contextmanager
def first_alone(url: str) -> Generator[None]:
    """Be the only process that looks whether its start is the first, and makes it so."""
    with closing(connect(url)) as connection:
        wait_for_ever(connection)
        connection.execute(LOCK)
        yield
