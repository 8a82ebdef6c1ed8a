"""A database that falls silent, as a network or a machine that stands still makes it."""

import threading
import time
from contextlib import closing

import pytest
from tests.e2e.proxy import Proxy
from tests.waiting import until

from laurels.core.errors import Unavailable
from laurels.store.postgres import silence
from laurels.store.postgres.connections import PostgresConnections

PATIENCE_S = 0.3
SLEEP = "SELECT pg_sleep($1)"


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(silence, "SILENT_S_MAX", PATIENCE_S)
    monkeypatch.setattr(silence, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def proxy(empty_postgres_url):
    with Proxy(empty_postgres_url) as proxy:
        yield proxy


@pytest.fixture
def connections(proxy, patience):
    with closing(PostgresConnections(proxy.url)) as connections:
        yield connections
        proxy.go_on()


def test_who_waits_for_a_silent_database_hears_so_and_the_next_is_served(connections, proxy):
    with connections.reading() as hand:
        hand.connection.execute("SELECT 1")
    proxy.stall()
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be read"), connections.reading():
        pass
    waited_s = time.monotonic() - begun
    proxy.go_on()
    with connections.reading() as hand:
        assert hand.connection.execute("SELECT 1").fetchone() == (1,)

    # A connection that stalls is given up, and then one that cannot be made.
    assert PATIENCE_S < waited_s < PATIENCE_S + 4


def test_a_database_that_was_given_time_may_take_it(connections):
    with connections.as_it_is() as connection:
        connection.execute(SLEEP, (4 * PATIENCE_S,))
    with connections.reading() as hand:
        hand.configure("statement_timeout", "0")
        hand.connection.execute(SLEEP, (4 * PATIENCE_S,))
    with pytest.raises(Unavailable), connections.reading() as hand:
        hand.connection.execute(SLEEP, (4 * PATIENCE_S,))


def test_nothing_looks_after_connections_that_are_closed(empty_postgres_url, patience):
    def watching() -> list[str]:
        return [one.name for one in threading.enumerate() if one.name == "laurels-silence"]

    before = len(watching())
    connections = PostgresConnections(empty_postgres_url)
    with connections.reading():
        assert len(watching()) == before + 1
    connections.close()
    until(lambda: len(watching()) == before)
