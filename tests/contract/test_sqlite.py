"""What is SQLite's own: its one writer, its migrations, and what the file tells of itself."""

import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import pytest
from tests.cast import CAFE, HOUR, LOOP, NOON, SHOP, a_stage, held, other_hand

from laurels.core import limits
from laurels.core.errors import Unavailable
from laurels.engine.answers import AnalyticsAsked
from laurels.store.migrate import SchemaTooNew, SchemaTooOld, migrations
from laurels.store.sqlite.connections import STATEMENTS
from laurels.store.sqlite.lock import StoreLocked
from laurels.store.sqlite.migrate import migrate

RULEBOOK = f"""
earn:
  - {{id: unit, event: buy, points: {{of: amount, times: 1}}}}
{LOOP}
"""


@pytest.fixture
def opens(tmp_path):
    with ExitStack() as stack:
        yield lambda: stack.enter_context(a_stage(tmp_path))


def test_every_statement_is_understood_by_the_real_database(opens):
    with other_hand(opens().path) as hand:
        for name, sql in STATEMENTS.items():
            values = [None] * max((n for n in range(1, 20) if f"?{n}" in sql), default=0)
            assert hand.execute(f"EXPLAIN {sql}", values).fetchall(), name


def test_a_second_run_migrates_nothing(tmp_path):
    with other_hand(tmp_path / "a.db") as hand:
        assert migrate(hand) == [name for _, name, _ in migrations("sqlite")]
        assert migrate(hand) == []
        assert migrate(hand, only_check=True) == []


def test_migrations_are_numbered_without_gaps():
    numbers = [number for number, _, _ in migrations("sqlite")]

    assert numbers == list(range(1, len(numbers) + 1))


def test_a_newer_schema_is_refused(tmp_path):
    with other_hand(tmp_path / "a.db") as hand:
        hand.execute("PRAGMA user_version = 9999")
        with pytest.raises(SchemaTooNew, match="newer Laurels"):
            migrate(hand)


def test_an_older_schema_is_refused_where_nothing_may_be_migrated(tmp_path):
    with (
        other_hand(tmp_path / "a.db") as hand,
        pytest.raises(SchemaTooOld, match="laurels migrate"),
    ):
        migrate(hand, only_check=True)


@pytest.mark.parametrize("statements", [1, 3, 10])
def test_a_migration_that_was_killed_halfway_is_run_again(tmp_path, statements):
    (_, _, sql), *_ = migrations("sqlite")
    half = "\n\n".join(sql.split("\n\n")[: statements + 1])
    begin = "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;"
    killed = "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1])"
    killed += "; c.executescript(sys.argv[2]); os._exit(9)"
    run = subprocess.run(
        [sys.executable, "-c", killed, tmp_path / "a.db", f"{begin}{half};"], check=False
    )
    with other_hand(tmp_path / "a.db") as hand:
        assert run.returncode == 9
        assert hand.execute("PRAGMA user_version").fetchone() == (0,)
        assert migrate(hand)
        assert hand.execute("SELECT COUNT(*) FROM journal").fetchone() == (0,)


def figures(stage):
    wanted: list[Any] = [(by, world) for by in ("name", "hour") for world in (SHOP, CAFE)]
    hours = NOON // HOUR
    return [
        stage.store.queries.analytics(world, AnalyticsAsked(since=0, until=2 * hours, by=by))
        for by, world in wanted
    ]


def test_events_of_an_older_schema_are_counted_when_it_is_migrated(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        stage.tell("buy", "ann", amount=3, at=NOON - 10)
        stage.tell("buy", "bob", amount=3, at=NOON + 10)
        stage.tell("loop", at=limits.INSTANT_MIN_MS)
        stage.clock.move(by=HOUR)
        stage.tell("look", "ann", world=CAFE)
        before = figures(stage)
        for table in ("analytics_hours", "analytics_batches"):
            stage.rows(f"DROP TABLE {table}")
        (sql,) = (sql for _, name, sql in migrations("sqlite") if name.endswith("_analytics"))
        with other_hand(stage.path) as hand:
            hand.executescript(sql)

        assert figures(stage) == before
        assert stage.rows("SELECT COUNT(*) FROM analytics_hours") == [(3,)]
        assert stage.findings() == []


def test_what_breaks_the_schema_is_found(opens):
    stage = opens()
    stage.store.registry.create_tenant("shop", NOON)
    with other_hand(stage.path) as hand:
        hand.execute("PRAGMA ignore_check_constraints = ON")
        hand.execute("UPDATE tenants SET disabled = 7")

    assert stage.findings() == ["The file is damaged: CHECK constraint failed in tenants."]


def test_a_file_that_somebody_else_holds_is_unavailable(opens):
    stage = opens()
    stage.store._connections.writer.execute("PRAGMA busy_timeout = 0")
    with held(stage.path), pytest.raises(Unavailable, match="written; try again"):
        stage.tell("buy")
    stage.tell("buy")

    assert len(stage.journal()) == 1


def test_a_second_writer_is_told_who_writes(opens):
    one, other = opens().store, opens().store
    with (
        one.lock("laurels serve at http://127.0.0.1:8080"),
        pytest.raises(StoreLocked, match="by laurels serve at http"),
        other.lock("laurels import"),
    ):
        pass
    with (
        other.lock("laurels import"),
        pytest.raises(StoreLocked, match="laurels import"),
        one.lock("x"),
    ):
        pass


def test_a_holder_that_says_nothing_is_another_process(opens):
    one, other = opens().store, opens().store
    with one.lock(""), pytest.raises(StoreLocked, match="another process"), other.lock("x"):
        pass
