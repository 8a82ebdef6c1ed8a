"""What is PostgreSQL's own: its migrations, statements in bulk, and connections that end."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tests.cast import NOON, SHOP, a_stage, other_hand

from laurels.core.errors import Unavailable
from laurels.store.migrate import SchemaTooNew, SchemaTooOld, migrations
from laurels.store.postgres.connections import STATEMENTS, connect
from laurels.store.postgres.migrate import migrate
from laurels.store.postgres.store import PostgresStore

RULEBOOK = "earn: [{id: one, event: buy, points: 1}]"


@pytest.fixture
def stage(quick_postgres_url):
    with a_stage(quick_postgres_url, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def test_every_statement_is_understood_by_the_real_database(quick_postgres_url):
    with connect(quick_postgres_url) as connection:
        for name, sql in STATEMENTS.items():
            if sql.startswith("COPY"):
                with connection.cursor() as cursor, cursor.copy(sql):
                    pass
            else:
                connection.execute(f"PREPARE {name} AS {sql}".encode(), prepare=False)


# Migrations.


def tables(url):
    with other_hand(url) as hand:
        found = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        return {name for (name,) in hand.execute(found).fetchall()}


def test_a_second_run_migrates_nothing(empty_postgres_url):
    with connect(empty_postgres_url) as connection:
        assert migrate(connection) == [name for _, name, _ in migrations("postgres")]
        assert migrate(connection) == []
        assert migrate(connection, only_check=True) == []


def test_migrations_are_numbered_without_gaps():
    numbers = [number for number, _, _ in migrations("postgres")]

    assert numbers == list(range(1, len(numbers) + 1))


def test_an_older_schema_is_refused_where_nothing_may_be_migrated(empty_postgres_url):
    with pytest.raises(SchemaTooOld, match="laurels migrate"):
        PostgresStore(empty_postgres_url, migrate_schema=False)

    assert tables(empty_postgres_url) == set()


def test_a_newer_schema_is_refused(empty_postgres_url):
    PostgresStore(empty_postgres_url).close()
    with other_hand(empty_postgres_url) as hand:
        hand.execute("INSERT INTO schema_migrations (number, name) VALUES (9999, 'of tomorrow')")

    for migrate_schema in (True, False):
        with pytest.raises(SchemaTooNew, match="newer Laurels"):
            PostgresStore(empty_postgres_url, migrate_schema=migrate_schema)


KILLED_HALFWAY = """
import os, sys, psycopg
connection = psycopg.connect(sys.argv[1])
connection.execute("SELECT pg_advisory_lock(hashtextextended('laurels migrate', 0))")
connection.execute(sys.argv[2])
os._exit(9)
"""


@pytest.mark.parametrize("statements", [3, 10])
def test_a_migration_that_was_killed_halfway_is_run_again(empty_postgres_url, statements):
    (_, _, sql), *_ = migrations("postgres")
    half = "\n\n".join(sql.split("\n\n")[: statements + 1])
    command = [sys.executable, "-c", KILLED_HALFWAY, empty_postgres_url, half]
    assert subprocess.run(command, check=False).returncode == 9

    PostgresStore(empty_postgres_url).close()

    assert {"journal", "duplicates"} < tables(empty_postgres_url)


def test_of_two_who_start_at_once_one_migrates(empty_postgres_url):
    def start(_):
        with connect(empty_postgres_url) as connection:
            return migrate(connection)

    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(start, range(4)))

    assert sorted(map(len, ran)) == [0, 0, 0, len(migrations("postgres"))]


def test_whoever_starts_waits_for_a_migration_that_takes_long(empty_postgres_url, monkeypatch):
    """Longer than anybody waits for a lock, or a statement may take, while the server runs."""
    slow = "CREATE TABLE slow (id BIGINT); SELECT pg_sleep(0.5);"
    ours = migrations("postgres")[0]
    monkeypatch.setattr(
        "laurels.store.migrate.migrations", lambda _: [ours._replace(sql=f"{ours.sql}; {slow}")]
    )

    limits = "-c statement_timeout=200 -c lock_timeout=100"
    monkeypatch.setattr("laurels.store.postgres.connections.OPTIONS", limits)

    def start(_):
        with connect(empty_postgres_url) as connection:
            ran = migrate(connection)
            return len(ran), connection.execute("SHOW statement_timeout").fetchone()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(start, range(2))) == [(0, ("200ms",)), (1, ("200ms",))]


# Connections.


def end_all(url):
    """As a server does that is started again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_that_have_ended_are_made_anew(stage):
    stage.tell("buy")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: stage.store.queries.worlds(), range(20)))
    end_all(stage.path)

    assert stage.tell("buy").changes
    assert stage.store.queries.worlds() == [SHOP]
    assert stage.balance() == 2


def test_a_transaction_whose_connection_ends_has_not_happened(stage):
    def write():
        with stage.store.transaction() as of_tenant:
            of_tenant(SHOP).lock_states(["ann"])
            end_all(stage.path)
            of_tenant(SHOP).lock_states(["bob"])

    with pytest.raises(Unavailable):
        write()

    assert stage.rows("SELECT * FROM participants") == []
    assert stage.tell("buy").changes


def test_a_participant_who_is_held_too_long_is_said_to_be_unavailable(stage, monkeypatch):
    stage.tell("buy")
    monkeypatch.setattr("laurels.store.postgres.connections.OPTIONS", "-c lock_timeout=100")
    with a_stage(stage.path) as other, other_hand(stage.path) as hand:
        other.clock.count = 1_000
        hand.execute("BEGIN")
        hand.execute("SELECT 1 FROM participants WHERE id = 'ann' FOR UPDATE")
        with pytest.raises(Unavailable, match="lock timeout"):
            other.tell("buy")
        hand.execute("COMMIT")

        assert other.tell("buy").changes


def test_there_are_so_many_connections_and_whoever_finds_none_hears_of_it(stage, monkeypatch):
    monkeypatch.setattr("laurels.store.postgres.connections.LENT_WITHIN_S", 0.05)
    connections = stage.store._connections
    lent = [connections.reading() for _ in range(connections._free.qsize())]
    for each in lent:
        each.__enter__()
    with pytest.raises(Unavailable, match="busy"):
        stage.store.queries.worlds()
    for each in lent:
        each.__exit__(None, None, None)

    assert stage.store.queries.worlds() == [SHOP]


def test_a_server_that_is_not_there_is_said_to_be_unavailable():
    with pytest.raises(Unavailable):
        PostgresStore("postgresql://postgres@127.0.0.1:9/nowhere")


def test_placeholders_of_the_refused_are_never_committed(stage):
    stage.send(stage.claim("nobody knows", "zoe"), stage.event("buy", "ann"))

    assert stage.rows("SELECT id FROM participants") == [("ann",)]
    assert stage.tell("buy", "zoe").recorded_at == NOON
