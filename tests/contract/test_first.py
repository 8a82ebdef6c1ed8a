"""A first start on a database: one process makes it, however long that takes, and others wait."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest
from tests.waiting import until

from laurels.store.postgres import connections, first
from laurels.store.postgres.store import PostgresStore
from laurels.wiring import servers
from laurels.wiring.places import StoreNotOpened

PATIENCE_MS = 400
WAITS = """
SELECT COUNT(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND wait_event = 'advisory'
   AND clock_timestamp() - query_start > make_interval(secs => 2 * %s / 1000.0)
"""


@contextmanager
def looked_at(url):
    with psycopg.connect(url, autocommit=True) as connection:
        yield lambda: connection.execute(WAITS, (PATIENCE_MS,)).fetchall() != [(0,)]


def test_whoever_is_not_first_waits_for_as_long_as_it_takes(postgres_url, monkeypatch):
    for limit in (connections.STATEMENT_MS_MAX, connections.LOCK_MS_MAX):
        options = connections.OPTIONS.replace(f"timeout={limit}", f"timeout={PATIENCE_MS}")
        monkeypatch.setattr(connections, "OPTIONS", options)
    done = Event()

    def be_second():
        with servers.first_alone(postgres_url):
            return done.is_set()

    with ThreadPoolExecutor(1) as threads, looked_at(postgres_url) as waiting:
        with servers.first_alone(postgres_url):
            second = threads.submit(be_second)
            until(lambda: waiting() or second.done())
            done.set()
        assert second.result(30)


def test_what_the_first_start_meets_is_not_said_to_be_the_databases_fault(postgres_url):
    def stumble():
        with servers.first_alone(postgres_url):
            raise psycopg.OperationalError

    with pytest.raises(psycopg.OperationalError):
        stumble()
    with servers.first_alone(postgres_url):
        pass


def test_a_database_that_is_not_there_is_told_of_in_one_sentence(postgres_url):
    nowhere = f"{postgres_url}_not"
    for ask in (servers.has_schema, lambda url: servers.first_alone(url).__enter__()):
        with pytest.raises(
            StoreNotOpened, match=r'cannot be opened: .*"[a-z0-9_]+" does not exist.$'
        ):
            ask(nowhere)


def test_a_database_without_a_store_is_told_from_one_with(empty_postgres_url):
    assert not first.has_schema(empty_postgres_url)
    PostgresStore(empty_postgres_url).close()
    assert first.has_schema(empty_postgres_url)
