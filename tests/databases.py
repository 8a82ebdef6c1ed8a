"""One database that tests use in turn: to empty it is cheaper than to make one for each."""

from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import Connection, sql
from tests.servers import Databases

from laurels.store.postgres.store import PostgresStore

SCHEMA = """
SELECT md5(string_agg(part, ',' ORDER BY part))
  FROM (SELECT format('%s.%s %s %s', a.attrelid::regclass, a.attname, a.atttypid, a.attnotnull)
          FROM pg_class AS c
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
         WHERE c.relnamespace = 'public'::regnamespace
         UNION ALL
        SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
         UNION ALL
        SELECT tgname FROM pg_trigger WHERE NOT tgisinternal) AS schema (part)
"""
"""A digest of all tables and indexes, and of what they insist on."""

USED = """
SELECT relname, pg_relation_size(oid) > 1000000
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace
   AND relkind = 'r'
   AND relname <> 'schema_migrations'
   AND pg_relation_size(oid) > 0
"""

OTHERS = """
SELECT pg_terminate_backend(pid, 2000)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND pid <> pg_backend_pid()
"""


class Shared:
    """
    A database with our schema that is lent to one test after the other, and emptied in between.

    A test that leaves another schema behind than it found has used it up: the next has a new one.
    """

    def __init__(self, server: Databases, **settings: str) -> None:
        self.server = server
        self.settings = settings
        self.name: str | None = None
        self.schema: object = None

    @contextmanager
    def lent(self) -> Generator[str]:
        if self.name is None or not self._is_emptied():
            self.close()
            self._make()
        assert self.name is not None
        yield self.server.url_of(self.name)

    def close(self) -> None:
        if self.name is not None:
            self.server.drop(self.name)
            self.name = None

    def _make(self) -> None:
        self.name = f"laurels_{uuid4().hex}"
        self.server.make(self.name)
        with self._connection() as connection:
            for name, value in self.settings.items():
                change = sql.SQL("ALTER DATABASE {} SET {} = {}")
                names = sql.Identifier(self.name), sql.Identifier(name)
                connection.execute(change.format(*names, sql.Literal(value)))
            PostgresStore(self.server.url_of(self.name)).close()
            self.schema = connection.execute(SCHEMA).fetchone()

    def _is_emptied(self) -> bool:
        with self._connection() as connection:
            connection.execute(OTHERS)
            if connection.execute(SCHEMA).fetchone() != self.schema:
                return False
            for name, is_large in connection.execute(USED).fetchall():
                # A table that is cut off is a new file: what is small is deleted in less time.
                empty = sql.SQL("TRUNCATE {}" if is_large else "DELETE FROM {}")
                connection.execute(empty.format(sql.Identifier(name)))
        return True

    def _connection(self) -> Connection:
        assert self.name is not None
        return psycopg.connect(self.server.url_of(self.name), autocommit=True)
