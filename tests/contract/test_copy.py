"""A store that moves is the same store in its new place: row for row, or it has not moved."""

import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path

import psycopg
import pytest
from tests.belongings import EVERYTHING, fill, rows_by_table
from tests.cast import SHOP, a_stage, open_at, other_hand

from laurels.store import copy as copying
from laurels.store.copy import CopyRefused, all_tables, copy
from laurels.store.postgres.tables import PostgresPlace
from laurels.store.sqlite.lock import writer_lock
from laurels.store.sqlite.tables import SqlitePlace

RULEBOOK = EVERYTHING.read_text("utf-8")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    path = tmp_path_factory.mktemp("full") / "laurels.db"
    with a_stage(path, RULEBOOK) as stage:
        fill(stage)
        assert stage.findings() == []
    return path


@pytest.fixture
def clock_of_full(full):
    """Return what sets a clock to after all that has happened in the full store."""

    def go_on(stage):
        ((at, count),) = stage.rows("SELECT MAX(recorded_at), COUNT(*) FROM journal")
        stage.clock.at, stage.clock.count = at, 10 * count
        return stage

    return go_on


def named(place):
    if isinstance(place, Path):
        return SqlitePlace(place, f"sqlite:{place}")
    return PostgresPlace(place, place)


def move(source, target, watch=lambda _: nullcontext(lambda _: None)):
    return copy(named(source), named(target), watch)


def test_there_is_something_in_every_table(full):
    rows = rows_by_table(full)

    assert {table.name for table in all_tables()} == rows.keys()
    assert [table for table, found in rows.items() if not found] == []


def test_every_table_of_the_real_databases_is_copied_with_every_column(full, quick_postgres_url):
    """Whatever a migration adds to either is copied, or this test speaks of it."""
    known = {(table.name, column) for table in all_tables() for column in table.columns}
    with other_hand(full) as hand:
        in_file = hand.execute(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table'"
        ).fetchall()
    with other_hand(quick_postgres_url) as hand:
        in_database = hand.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'schema_migrations'"
        ).fetchall()

    assert set(in_file) == set(in_database) == known


def test_there_and_back_again_every_table_is_the_same(full, quick_postgres_url, tmp_path):
    back, again = tmp_path / "back.db", tmp_path / "again.db"
    before = rows_by_table(full)

    there = move(full, quick_postgres_url)
    assert rows_by_table(quick_postgres_url) == before
    move(quick_postgres_url, back)
    move(back, again)

    assert rows_by_table(full) == rows_by_table(back) == rows_by_table(again) == before
    assert there.rows == sum(map(len, before.values()))
    assert there.tables == len(before)


def test_from_one_database_to_another(full, quick_postgres_url, empty_postgres_url):
    move(full, quick_postgres_url)
    move(quick_postgres_url, empty_postgres_url)

    assert rows_by_table(empty_postgres_url) == rows_by_table(full)


def test_life_goes_on_in_the_new_place(full, quick_postgres_url, clock_of_full):
    with a_stage(full) as old:
        head = old.journal()[-1].number
        feed = old.store.queries.feed(SHOP, after=head - 20, participants={"ann", "cid"})
        met = old.store.queries.participant(SHOP, "ann")
        history = old.store.queries.ledger(SHOP, "ann", page=1, page_size=100)
        boards = old.store.queries.completions(SHOP, rows=1_000, count=100)

    move(full, quick_postgres_url)

    with a_stage(quick_postgres_url) as new:
        clock_of_full(new)
        queries = new.store.queries
        assert queries.feed(SHOP, after=head - 20, participants={"ann", "cid"}) == feed
        assert queries.participant(SHOP, "ann").state.encode() == met.state.encode()
        assert queries.ledger(SHOP, "ann", page=1, page_size=100) == history
        assert queries.completions(SHOP, rows=1_000, count=100) == boards

        replay = new.tell("login", "cid", key="the last")
        assert replay.duplicate
        assert new.journal()[-1].number == head
        fresh = new.tell("login", "cid", key="another")
        assert not fresh.duplicate
        assert new.journal()[-1].number == head + 1
        (entry,) = queries.feed(SHOP, after=head, participants={"cid"}).entries
        assert entry.number == head + 1
        assert new.findings() == []


# The target.


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_target_that_is_not_empty_is_left_as_it_is(kind, request, full, tmp_path):
    target = tmp_path / "b.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with closing(open_at(target)) as store:
        store.registry.create_tenant("shop", 1)
    before = rows_by_table(target)

    with pytest.raises(CopyRefused, match="not empty: there are rows in tenants"):
        move(full, target)

    assert rows_by_table(target) == before


def test_a_file_of_somebody_else_is_left_as_it_is(full, tmp_path):
    with other_hand(tmp_path / "a.db") as hand:
        hand.execute("CREATE TABLE mine (x)")
        hand.execute("INSERT INTO mine VALUES (1)")
    (tmp_path / "b.db").write_bytes(b"no database at all" * 100)
    before = (tmp_path / "a.db").read_bytes()

    for name, words in (("a", "rows in mine"), ("b", "not a database"), ("no/c", "unable to open")):
        with pytest.raises(CopyRefused, match=words):
            move(full, tmp_path / f"{name}.db")

    assert (tmp_path / "a.db").read_bytes() == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_is_not_copied_into_itself(kind, request, full, tmp_path):
    if kind == "sqlite":
        (tmp_path / "link.db").symlink_to(full)
        pairs = [(full, full), (full, tmp_path / "link.db")]
    else:
        url = request.getfixturevalue("quick_postgres_url")
        pairs = [(url, url), (url, url.replace("127.0.0.1", "localhost"))]

    for pair in pairs:
        with pytest.raises(CopyRefused, match="are the same store"):
            move(*pair)


SPOILED = {
    "left out": ("BEFORE INSERT", "RETURN NULL;", "1 rows of"),
    "changed": ("BEFORE INSERT", "NEW.number := NEW.number + 1; RETURN NEW;", "first that differs"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_row_that_comes_out_different_is_seen(how, full, postgres_url):
    when, body, words = SPOILED[how]
    with other_hand(postgres_url) as hand:
        hand.execute(
            f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body} END'"
        )
        hand.execute(f"CREATE TRIGGER spoil {when} ON resets FOR EACH ROW EXECUTE FUNCTION spoil()")
    try:
        with pytest.raises(CopyRefused, match=rf"resets has come out .*{words}.*participant='a'"):
            move(full, postgres_url)
    finally:
        with other_hand(postgres_url) as hand:
            hand.execute("DROP FUNCTION spoil CASCADE")

    assert not any(rows_by_table(postgres_url).values())


def test_a_row_that_comes_out_different_is_seen_in_a_file(full, tmp_path):
    target = tmp_path / "b.db"
    open_at(target).close()
    with other_hand(target) as hand:
        hand.execute(
            "CREATE TRIGGER spoil AFTER INSERT ON events WHEN NEW.key = 'login 3'"
            " BEGIN UPDATE events SET key = '3' WHERE tenant = NEW.tenant AND id = NEW.id; END"
        )

    with pytest.raises(CopyRefused, match="events has come out different: 295 rows"):
        move(full, target)

    assert not any(rows_by_table(target).values())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_does_not_add_up_is_not_copied(kind, request, full, tmp_path):
    source, target = tmp_path / "a.db", tmp_path / "b.db"
    if kind == "postgres":
        target = request.getfixturevalue("quick_postgres_url")
    move(full, source)
    with other_hand(source) as hand:
        hand.execute("UPDATE heads SET number = number + 1 WHERE tenant = 'shop/live'")

    with pytest.raises(CopyRefused, match=r"does not add up.*\nshop/live: the journal should end"):
        move(source, target)

    assert not any(rows_by_table(target).values())


# The source.


def test_a_source_that_is_being_written_says_by_whom(full, tmp_path):
    with (
        writer_lock(full, "a server at http://127.0.0.1:1"),
        pytest.raises(CopyRefused, match=r"written by a server at http://127.0.0.1:1; stop that"),
    ):
        move(full, tmp_path / "b.db")

    assert not (tmp_path / "b.db").exists()


def test_nobody_writes_to_a_file_meanwhile_not_even_a_short_command(full, tmp_path):
    seen = []

    def watch(_):
        with sqlite3.connect(full, timeout=0) as other:
            try:
                other.execute("UPDATE tenants SET disabled = 0")
            except sqlite3.OperationalError as failure:
                seen.append(str(failure))
        other.close()
        return nullcontext(lambda _: None)

    move(full, tmp_path / "b.db", watch)

    assert seen == ["database is locked"]


def test_a_database_in_use_is_not_copied(full, quick_postgres_url, tmp_path, monkeypatch):
    move(full, quick_postgres_url)
    monkeypatch.setattr("laurels.store.postgres.tables.GONE_WITHIN_S", 0.1)
    with closing(open_at(quick_postgres_url)) as store:
        assert store.queries.is_ready()
        with pytest.raises(CopyRefused, match="in use by other processes of Laurels"):
            move(quick_postgres_url, tmp_path / "b.db")

    assert not (tmp_path / "b.db").exists()


def test_nobody_writes_to_a_database_meanwhile(full, quick_postgres_url, tmp_path):
    move(full, quick_postgres_url)
    seen = []

    def watch(_):
        with psycopg.connect(quick_postgres_url, options="-c lock_timeout=100") as other:
            try:
                other.execute("UPDATE heads SET number = 0")
            except psycopg.errors.LockNotAvailable:
                seen.append("locked")
        return nullcontext(lambda _: None)

    move(quick_postgres_url, tmp_path / "b.db", watch)

    assert seen == ["locked"]
    assert rows_by_table(tmp_path / "b.db") == rows_by_table(full)


def test_whoever_holds_a_table_for_long_is_told_of(full, quick_postgres_url, tmp_path, monkeypatch):
    move(full, quick_postgres_url)
    monkeypatch.setattr("laurels.store.postgres.connections.OPTIONS", "-c lock_timeout=100")
    with psycopg.connect(quick_postgres_url) as other:
        other.execute("UPDATE heads SET number = number")
        with pytest.raises(CopyRefused, match="is being written by somebody"):
            move(quick_postgres_url, tmp_path / "b.db")
        other.rollback()


def test_a_text_that_postgresql_cannot_keep_is_named_by_its_row(full, quick_postgres_url, tmp_path):
    source = tmp_path / "a.db"
    move(full, source)
    with other_hand(source) as hand:
        hand.execute("UPDATE codes SET code = 'x' || char(0) || 'y' WHERE number = 2")

    with pytest.raises(CopyRefused, match=r"U\+0000.* code of codes, .*reward='coffee', number=2"):
        move(source, quick_postgres_url)

    assert not any(rows_by_table(quick_postgres_url).values())
    move(source, tmp_path / "b.db")
    assert rows_by_table(tmp_path / "b.db") == rows_by_table(source)


def test_a_text_that_is_none_is_named_by_the_row_before_it(full, quick_postgres_url, tmp_path):
    source = tmp_path / "a.db"
    move(full, source)
    with other_hand(source) as hand:
        hand.execute("UPDATE codes SET code = CAST(x'ff' AS TEXT) WHERE number = 2")

    for target in (quick_postgres_url, tmp_path / "b.db"):
        with pytest.raises(
            CopyRefused, match=r"cannot be read after the row .*number=1: Could not"
        ):
            move(source, target)
        assert not any(rows_by_table(target).values())


def test_what_only_a_damaged_file_can_hold_is_refused(full, quick_postgres_url, tmp_path):
    source = tmp_path / "a.db"
    move(full, source)
    with other_hand(source) as hand:
        hand.execute("PRAGMA ignore_check_constraints = ON")
        hand.execute("UPDATE tenants SET disabled = 70000 WHERE name = 'gone'")

    for target in (quick_postgres_url, tmp_path / "b.db"):
        with pytest.raises(CopyRefused, match="does not take a row of tenants"):
            move(source, target)
        assert not any(rows_by_table(target).values())


def test_a_source_of_an_older_schema_is_not_touched(full, tmp_path, quick_postgres_url):
    old = tmp_path / "a.db"
    move(full, old)
    with other_hand(old) as hand:
        hand.execute("PRAGMA user_version = 3")
    sqlite3.connect(tmp_path / "none.db").close()
    (tmp_path / "none.db").touch()

    for path in (old, tmp_path / "none.db"):
        with pytest.raises(CopyRefused, match="older schema, or none; run `laurels migrate"):
            move(path, quick_postgres_url)
    with pytest.raises(CopyRefused, match="There is no store at"):
        move(tmp_path / "nowhere.db", quick_postgres_url)
    with other_hand(old) as hand:
        assert hand.execute("PRAGMA user_version").fetchone() == (3,)


def test_the_bar_is_told_of_every_row_twice(full, tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "CHUNK_ROWS", 7)
    steps = []

    copied = move(full, tmp_path / "b.db", lambda total: nullcontext(Steps(steps, total)))

    assert sum(steps) == 0
    assert max(steps[1:]) <= 0
    assert min(steps[1:]) >= -7
    assert steps[0] == 2 * copied.rows


class Steps:
    def __init__(self, steps, total):
        self.steps = steps
        steps.append(total)

    def __call__(self, count):
        self.steps.append(-count)
