"""What docs/operating/scale.md says of the schema is so, on a real PostgreSQL."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.cast import CAFE, SHOP, SHOP_TEST, Stage, a_stage
from tests.servers import Databases
from tests.serving import laurels

from laurels.store.postgres.connections import STATEMENTS, TAKES_ROWS, connect
from laurels.store.postgres.store import PostgresStore

PAGE = (Path(__file__).parents[2] / "docs" / "operating" / "scale.md").read_text("utf-8")
(BLOCK,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
KEYS = dict(re.findall(r'"(\w+)": +"([\w, ]+)"', BLOCK))
BY_TENANT = re.sub(r'("\w+": +)"[\w, ]+"', r'\1"tenant"', BLOCK)
CUTS = {"few large": BLOCK, "many": BY_TENANT}
PARTS = 4
"""Fewer than on the page, so that they are made sooner."""

RULEBOOK = """
earn: [{id: unit, event: buy, points: {of: amount, times: 1}}]
badges: [{id: regular, event: buy}]
challenges:
  - {id: daily, window: daily, objectives: [{event: buy, count: 2}], rewards: [{reward: mug}]}
leaderboards: [{id: buyers, event: buy, score: {sum: amount}, period: weekly}]
rewards: [{id: mug, title: Mug, stock: 3}]
"""

UNIQUE = """
SELECT c.relname, i.indisprimary,
       ARRAY(SELECT a.attname
               FROM unnest(i.indkey::smallint[]) AS k (number)
               JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number)
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace
   AND i.indisunique
"""

COLUMNS = """
SELECT attname FROM pg_attribute
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


def play(stage: Stage, day: str) -> list[Any]:
    """Let something happen in three worlds; what is sent a second time is a repetition."""
    events = [
        stage.event("buy", f"p{n % 7}", key=f"{day}-{n}", world=world, amount=n)
        for world in (SHOP, CAFE, SHOP_TEST)
        for n in range(20)
    ]
    outcomes = stage.send(*events)
    stage.tell("buy", "p0", amount=1)
    return outcomes


@pytest.fixture(scope="module", params=CUTS)
def place(request: pytest.FixtureRequest, postgres_server: Databases) -> Iterator[str]:
    """A database in use, then cut as the page says."""
    with postgres_server.database() as url:
        with a_stage(url, RULEBOOK) as stage:
            for world in (CAFE, SHOP_TEST):
                stage.store.registry.put_rulebook(world, RULEBOOK, stage.clock.at)
            play(stage, "before")
        block = CUTS[request.param].replace(":= 16;", f":= {PARTS};")
        assert block != CUTS[request.param]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(block.encode())
        yield url


@pytest.fixture
def database(quick_postgres_url):
    with psycopg.connect(quick_postgres_url) as connection:
        yield connection
        connection.rollback()


def test_everything_goes_on_where_the_tables_are_cut(place):
    with a_stage(place) as stage:
        stage.clock.count = 10_000
        balance = stage.balance("p1")
        assert {one.answered_by for one in play(stage, "before")} == {"store"}
        assert stage.balance("p1") == balance
        assert {one.answered_by for one in play(stage, "after")} == {"decision"}

        assert stage.balance("p1") == 2 * balance
        assert [one.number for one in stage.journal()] == list(range(1, len(stage.journal()) + 1))
        assert stage.store.queries.history(
            SHOP, "p1", since=0, until=2**50, name=None, page=1, page_size=50
        ).total
        assert stage.findings() == []


def test_every_statement_is_understood_where_the_tables_are_cut(place):
    with connect(place) as connection:
        for name, statement in STATEMENTS.items():
            if statement.startswith("COPY"):
                with connection.cursor() as cursor, cursor.copy(statement):
                    pass
            else:
                connection.execute(f"PREPARE {name} AS {statement}".encode(), prepare=False)


def test_a_store_whose_tables_are_cut_can_be_copied(place, tmp_path):
    to = f"sqlite:{tmp_path / 'laurels.db'}"
    copied = laurels("copy", place, to, cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr

    with a_stage(tmp_path / "laurels.db") as here, a_stage(place) as there:
        assert here.balance("p1") == there.balance("p1")
        assert here.findings() == []


OPTIONS = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass AND relkind = 'r'"


def test_partitions_leave_room_for_new_versions_as_the_tables_did(place, database):
    with psycopg.connect(place) as connection:
        cut = {table: connection.execute(OPTIONS, (f"{table}_0",)).fetchone() for table in KEYS}
    whole = {table: database.execute(OPTIONS, (table,)).fetchone() for table in KEYS}

    assert cut == whole
    assert cut["participants"] == (["fillfactor=70"],)


def test_migrations_go_on_where_the_tables_are_cut(place):
    with psycopg.connect(place, autocommit=True) as connection:
        for table in KEYS:
            name = sql.Identifier(table)
            connection.execute(sql.SQL("ALTER TABLE {} ADD COLUMN more TEXT").format(name))
            connection.execute(sql.SQL("CREATE INDEX ON {} (tenant, more)").format(name))

    PostgresStore(place).close()


LOOKED_AT = {
    "find_participant": ((SHOP, "p1"), 1, 1),
    "find_window": ((SHOP, "p1", "daily", "2024-05-15"), 1, 1),
    "journal_after": ((SHOP, 0, 10), 1, 1),
    "journal_of_command": ((SHOP, "evt_1"), 1, 1),
    "count_history": ((SHOP, "p1", 0, 2**50, None), PARTS, 1),
}
"""How many partitions of a table a question looks at: cut for few large tenants, and for many."""


@pytest.mark.parametrize("name", LOOKED_AT)
def test_whoever_knows_the_key_looks_in_one_partition(place, name, request):
    values, few_large, many = LOOKED_AT[name]
    with connect(place) as connection:
        plan = connection.execute(f"EXPLAIN (ANALYZE) {STATEMENTS[name]}", values)
        lines = [line for (line,) in plan.fetchall() if "never executed" not in line]
    looked_at = {found for line in lines for found in re.findall(r" on (\w+_\d+)(?: |$)", line)}

    is_many = request.node.callspec.params["place"] == "many"
    assert len(looked_at) == (many if is_many else few_large)


# Keys.


def copied_by(table: str, key: str) -> sql.Composed:
    return sql.SQL("CREATE TABLE parts (LIKE {} INCLUDING ALL) PARTITION BY HASH ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(column) for column in key.split(", ")),
    )


def test_what_the_page_says_cannot_be_cut_within_a_tenant_cannot(database):
    uncut = {table for table, key in KEYS.items() if key == "tenant"}
    columns = {table: [row[0] for row in database.execute(COLUMNS, (table,))] for table in uncut}

    assert uncut == set(re.findall(r"`(\w+)` \| yes \| \*\*no\*\*", PAGE))
    for table in uncut:
        for column in columns[table]:
            if column != "tenant":
                with pytest.raises(psycopg.errors.FeatureNotSupported), database.transaction():
                    database.execute(copied_by(table, f"tenant, {column}"))


def test_every_table_about_a_tenant_can_be_cut_by_it(database):
    tables = {
        table for table, is_key, key in database.execute(UNIQUE) if is_key and "tenant" in key
    }

    assert tables > KEYS.keys()
    for table in tables:
        with database.transaction(force_rollback=True):
            database.execute(copied_by(table, "tenant"))


def test_the_rule_of_citus_holds_for_all_but_the_tables_that_the_page_names(database):
    (named,) = re.findall(r"copied\s+to\s+every\s+machine: (.*?)\(", PAGE, re.DOTALL)
    copied = set(re.findall(r"`(\w+)`", named))
    without = {table for table, _, columns in database.execute(UNIQUE) if "tenant" not in columns}

    assert without < copied | {"schema_migrations"}
    assert copied - without == {"revocations"}


def test_the_statements_that_take_the_tenant_from_rows_are_named():
    assert {name for name, text in STATEMENTS.items() if TAKES_ROWS in text} == set(
        re.findall(r"`(put_\w+)`", PAGE)
    )
