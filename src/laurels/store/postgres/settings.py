"""Asks PostgreSQL how well it keeps what it is given."""

from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from laurels.engine.durability import PostgresSettings

CONNECT_S_MAX: Final = 2
ASKED: Final = """
    SELECT current_setting('server_version_num')::int,
           current_setting('server_encoding'),
           pg_is_in_recovery(),
           current_setting('fsync'),
           current_setting('full_page_writes'),
           current_setting('synchronous_commit')
"""


def ask(url: str) -> PostgresSettings:
    """Ask before anything is done there. Raises psycopg.Error without an answer."""
    with psycopg.connect(url, connect_timeout=CONNECT_S_MAX, autocommit=True) as connection:
        return read_settings(connection)


def read_settings(connection: psycopg.Connection[Any]) -> PostgresSettings:
    """Ask over a connection as the store makes it: `synchronous_commit` may be its own."""
    # Not by the connection's own rows, whatever their kind may be.
    with connection.cursor(row_factory=tuple_row) as cursor:
        answer = cursor.execute(ASKED).fetchone()
    assert answer is not None
    return PostgresSettings(_place(connection.info), *map(_text, answer))


def _text(value: Any) -> Any:
    """Read what a database without an encoding sends: bytes, since anything may be in them."""
    return value.decode() if isinstance(value, bytes) else value


def _place(info: psycopg.ConnectionInfo) -> str:
    """Say where it is, without who asks and with which password."""
    return f"{info.host}:{info.port}/{info.dbname}"
