"""What is PostgreSQL's own: its migrations, statements in bulk, and connections that end."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from tests.cast import HOUR, NOON, SECOND, SHOP, a_stage, other_hand

from laurels.core.errors import Unavailable
from laurels.store.migrate import SchemaTooNew, SchemaTooOld, migrations
from laurels.store.postgres import statistics
from laurels.store.postgres.connections import LOCK_MS_MAX, STATEMENTS, PostgresConnections, connect
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
        with pytest.raises(Unavailable, match="cannot be written; try again") as refused:
            other.tell("buy")
        assert isinstance(refused.value.__cause__, psycopg.errors.LockNotAvailable)
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


def believed(stage):
    return stage.rows("SELECT reltuples FROM pg_class WHERE oid = 'journal'::regclass")


def test_tables_are_looked_at_unless_they_were_when_they_were_as_large(
    quick_postgres_url, monkeypatch
):
    monkeypatch.setattr(statistics, "LOOK_AFTER_ROWS", (2,))
    seen = []
    for process in range(2):
        with a_stage(quick_postgres_url, RULEBOOK) as stage:
            stage.clock.count = 100 * process
            for _ in range(2):
                stage.send(stage.event("buy", "ann"))
                assert isinstance(stage.store, PostgresStore)
                stage.store._statistics.settle()
                seen += believed(stage)

    assert seen == [(-1,), (2,), (2,), (2,)]


def test_nobody_waits_while_tables_are_looked_at(stage, monkeypatch):
    monkeypatch.setattr(statistics, "KNOWN", "SELECT -1")
    monkeypatch.setattr(stage.store._statistics, "_left", [1])
    before = believed(stage)
    with other_hand(stage.path) as hand:
        hand.execute("BEGIN")
        hand.execute("LOCK TABLE journal IN SHARE UPDATE EXCLUSIVE MODE")
        begun = time.monotonic()
        stage.tell("buy")
        stage.store._statistics.settle()
        waited_s = time.monotonic() - begun
        hand.execute("COMMIT")

    assert waited_s < LOCK_MS_MAX / 1_000
    assert believed(stage) == before


# What the server says, and whom that is about.


@contextmanager
def raising(stage, code, name="buy"):
    """Let the server take offence at the events of a name."""
    with other_hand(stage.path) as hand:
        hand.execute(
            "CREATE OR REPLACE FUNCTION raises() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RAISE"
            f" EXCEPTION USING ERRCODE = ''{code}'', MESSAGE = ''secret words''; END'"
        )
        hand.execute(
            "CREATE TRIGGER planted BEFORE INSERT ON events FOR EACH ROW"
            f" WHEN (NEW.name = '{name}') EXECUTE FUNCTION raises()"
        )
        try:
            yield
        finally:
            hand.execute("DROP FUNCTION raises() CASCADE")


AWAY = ["08006", "25006", "42501", "42P01", "53100", "53300", "55P03", "57014", "57P01", "58030"]


@pytest.mark.parametrize("code", AWAY)
def test_a_server_that_is_not_as_it_should_be_is_unavailable_and_says_it_to_nobody(
    stage, code, caplog
):
    with raising(stage, code), pytest.raises(Unavailable) as refused:
        stage.tell("buy")

    assert refused.value.message == "The store cannot be written; try again."
    assert "secret words" in caplog.text
    assert stage.tell("buy").changes


@pytest.mark.parametrize("code", ["21000", "22021", "23505", "40001", "40P01", "54000", "XX000"])
def test_what_is_about_one_event_does_not_concern_its_neighbours(stage, code):
    with raising(stage, code, "odd"):
        before, odd, after = stage.send(*(stage.event(name) for name in ("buy", "odd", "buy")))

    assert before.changes
    assert after.changes
    assert isinstance(odd, Unavailable)
    assert "secret words" not in odd.message
    assert stage.balance() == 2


def test_a_transaction_is_what_we_say_whatever_the_database_has_by_default(empty_postgres_url):
    with other_hand(empty_postgres_url) as hand:
        ((name,),) = hand.execute("SELECT current_database()").fetchall()
        for setting in ("isolation = 'repeatable read'", "read_only = on"):
            hand.execute(f"ALTER DATABASE {name} SET default_transaction_{setting}")
    try:
        connections = PostgresConnections(empty_postgres_url)
        with closing(connections), connections.writing() as hand:
            level = hand.connection.execute("SHOW transaction_isolation").fetchone()
            is_read_only = hand.connection.execute("SHOW transaction_read_only").fetchone()
    finally:
        with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE {name} RESET ALL".encode())

    assert (level, is_read_only) == (("read committed",), ("off",))


def test_participants_whose_rows_were_lost_are_made_again(stage):
    """As when a standby takes over that has not heard of the last commits."""
    stage.send(*(stage.event("buy", who) for who in ("ann", "bob", "eve")))
    for table in ("participants", "events", "journal", "postings", "heads", "analytics_batches"):
        stage.rows(f"DELETE FROM {table}")

    stage.clock.move(by=SECOND)
    outcomes = stage.send(*(stage.event("buy", who) for who in ("ann", "bob", "new")))

    assert all(outcome.changes for outcome in outcomes)
    assert [stage.balance(who) for who in ("ann", "bob", "new")] == [1, 1, 1]
    assert len(stage.send(*(stage.event("buy", who) for who in ("ann", "eve")))) == 2


@pytest.mark.parametrize("has_receipt", [False, True])
def test_a_key_that_is_used_again_within_a_batch_has_one_receipt(stage, has_receipt):
    """Those that waited in a queue for days may be decided together."""
    waited = []
    for n in range(3):
        waited.append(stage.event("buy", key="k", n=n))
        stage.clock.move(by=25 * HOUR)
    if has_receipt:
        stage.engine.submit(waited[:1], waited=True)

    outcomes = stage.engine.submit(waited, waited=True)

    assert [outcome.id for outcome in outcomes] == [event.id for event in waited]
    assert stage.balance() == 3
    assert stage.rows("SELECT number FROM receipts") == [(3,)]
