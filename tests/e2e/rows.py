"""What a store holds, read without its own code, whichever database it is in."""

import sqlite3
from contextlib import closing
from pathlib import Path as File
from typing import Any, LiteralString, TypeAlias, cast

import psycopg

from laurels import wiring

Place: TypeAlias = File | str
"""A SQLite file, or the URL of a PostgreSQL database."""


def rows(place: Place, *queries: str) -> list[list[Any]]:
    """Return the rows of each query, all as of one moment."""
    if isinstance(place, str):
        with psycopg.connect(place) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return [connection.execute(cast("LiteralString", sql)).fetchall() for sql in queries]
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        return [connection.execute(sql).fetchall() for sql in queries]


def verified(place: Place) -> list[str]:
    """Ask the product's own check. It may run beside a server."""
    url = place if isinstance(place, str) else f"sqlite:{place}"
    with closing(wiring.open_store(url, must_exist=True)) as store:
        return list(store.verify())
