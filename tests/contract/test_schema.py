"""The schema is one, in whichever database: only how a type is called differs."""

import re
import sqlite3

import pytest
from tests.cast import other_hand

from laurels.store.postgres.store import PostgresStore
from laurels.store.sqlite.store import SqliteStore

TYPES = {"text": "TEXT", "bigint": "INTEGER", "smallint": "INTEGER", "bytea": "BLOB"}

NO_COUNTERPART = {"schema_migrations"}
"""SQLite keeps the number of its schema in the head of the file."""
DIGEST = re.compile(r"sha256\(decode\(replace\((\w+), .*\)\)")
"""What stands in an index of PostgreSQL's for a text that may be too long for one."""

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,
       (SELECT l.collname FROM pg_collation AS l WHERE l.oid = a.attcollation)
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""

INDEXES = """
SELECT c.relname, i.indisprimary, i.indisunique,
       ARRAY(SELECT COALESCE(a.attname::text, pg_get_indexdef(i.indexrelid, k.place::int, true))
               FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
               LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
              ORDER BY k.place),
       pg_get_expr(i.indpred, i.indrelid)
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "laurels.db"
    SqliteStore(path).close()
    with other_hand(path) as hand:
        yield hand


@pytest.fixture
def postgres(quick_postgres_url):
    PostgresStore(quick_postgres_url).close()
    with other_hand(quick_postgres_url) as hand:
        yield hand


def tables_of(sqlite):
    found = sqlite.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return [name for (name,) in found if not name.startswith("sqlite_")]


def columns_of_sqlite(sqlite):
    return {
        (table, name, type_, bool(not_null or key))
        for table in tables_of(sqlite)
        for _, name, type_, not_null, _, key in sqlite.execute(f"PRAGMA table_info({table})")
    }


def columns_of_postgres(postgres):
    return {
        (table, name, TYPES[type_], not_null)
        for table, name, type_, not_null, _ in postgres.execute(COLUMNS).fetchall()
        if table not in NO_COUNTERPART
    }


def indexes_of_sqlite(sqlite):
    for table in tables_of(sqlite):
        keys = sqlite.execute(f"PRAGMA table_info({table})").fetchall()
        key = sorted((row[5], row[1]) for row in keys if row[5])
        yield table, "PRIMARY", tuple(name for _, name in key), ""
        for _, name, is_unique, origin, _ in sqlite.execute(f"PRAGMA index_list({table})"):
            if origin == "pk":
                continue
            columns = tuple(row[2] for row in sqlite.execute(f"PRAGMA index_info({name})"))
            ((sql,),) = sqlite.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,))
            condition = re.search(r"WHERE (.*)", sql or "", re.DOTALL)
            yield table, kind_of(is_unique), columns, plain(condition[1] if condition else "")


def indexes_of_postgres(postgres):
    for table, is_key, is_unique, columns, condition in postgres.execute(INDEXES).fetchall():
        if table not in NO_COUNTERPART:
            names = tuple(DIGEST.sub(r"\1", column) for column in columns)
            # No primary key can be of digests, so that where there would be one a row is unique.
            is_like_one = is_unique and names != tuple(columns)
            kind = "PRIMARY" if is_key or is_like_one else kind_of(is_unique)
            yield table, kind, names, plain(condition or "")


def kind_of(is_unique):
    return "UNIQUE" if is_unique else "INDEX"


def plain(condition):
    return re.sub(r"::\w+|[()\s\"]", "", condition).lower()


def test_tables_have_the_same_columns(sqlite, postgres):
    assert columns_of_postgres(postgres) == columns_of_sqlite(sqlite)


def test_keys_and_indexes_are_the_same(sqlite, postgres):
    assert sorted(indexes_of_postgres(postgres)) == sorted(indexes_of_sqlite(sqlite))


def checks(conditions):
    return sorted(re.sub(r"=ANYARRAY\[(.*)\]", r"in\1", plain(text)) for text in conditions)


def test_what_the_schema_checks_is_the_same(sqlite, postgres):
    """Only counted: each database has its own way to spell a condition that it was told."""
    found = postgres.execute(
        "SELECT conrelid::regclass::text FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    ).fetchall()
    texts = dict(sqlite.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    counted = {table: text.count("CHECK (") for table, text in texts.items()}

    assert {table: [name for (name,) in found].count(table) for table in texts} == counted


def test_what_is_sorted_or_compared_goes_by_its_bytes(postgres):
    in_keys = {
        (table, column)
        for table, _, _, columns, _ in postgres.execute(INDEXES).fetchall()
        for column in columns
        if table not in NO_COUNTERPART
    }
    collations = {
        (table, name): collation
        for table, name, type_, _, collation in postgres.execute(COLUMNS).fetchall()
        if type_ == "text"
    }

    assert {collations[place] for place in in_keys if place in collations} == {"C"}


def test_a_difference_would_be_noticed(sqlite, postgres):
    before = columns_of_sqlite(sqlite), sorted(indexes_of_sqlite(sqlite))
    assert isinstance(sqlite, sqlite3.Connection)
    sqlite.execute("BEGIN")
    sqlite.execute("ALTER TABLE heads ADD COLUMN more TEXT")
    sqlite.execute("CREATE INDEX another ON heads (number) WHERE number > 7")
    try:
        assert columns_of_postgres(postgres) != columns_of_sqlite(sqlite)
        assert sorted(indexes_of_postgres(postgres)) != sorted(indexes_of_sqlite(sqlite))
    finally:
        sqlite.execute("ROLLBACK")
    assert (columns_of_sqlite(sqlite), sorted(indexes_of_sqlite(sqlite))) == before
