"""Who plays in the tests: a clock that stands until it is moved, and an engine on a store."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import psycopg
from ruamel.yaml import YAML

from laurels.core import ulid
from laurels.core.command import Claim, Command
from laurels.core.event import Event
from laurels.core.state import State, decode_progress
from laurels.engine.answers import JournalEntry
from laurels.engine.engine import Engine
from laurels.store.postgres.store import PostgresStore
from laurels.store.sqlite.store import SqliteStore
from laurels.store.store import SqlStore

NOON = 1_715_774_400_000
"""2024-05-15T12:00:00Z, a Wednesday."""
SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

SHOP = "shop/live"
SHOP_TEST = "shop/test"
CAFE = "cafe/live"

LOOP = "\n".join(
    ["  - {id: loop-0, event: loop, points: 1}"]
    + [
        f"  - {{id: loop-{n}, fact: points.posted, where: {{rule: loop-{n - 1}}}, points: 1}}"
        for n in range(1, 101)
    ]
)
"""Earn rules that follow from one another, one more than a chain of facts may be long."""


@cache
def as_json(rulebook: str) -> str:
    """Spell a rulebook in the form that is read quickest: some tests read it many times."""
    return json.dumps(YAML(typ="safe", pure=True).load(rulebook))


LONG = 20 if os.environ.get("LAURELS_TEST_LONG") == "1" else 1
"""How many times more examples than usual are tried."""


class SteadyClock:
    """Time stands until somebody moves it. Ids rise all the same."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at
        self.count = 0
        self._lock = threading.Lock()

    def move(self, *, by: int) -> None:
        self.at += by

    def now(self) -> int:
        return self.at

    def accept(self, count: int) -> tuple[int, list[str]]:
        # The writer asks from a thread of its own, while others do.
        with self._lock:
            first, self.count = self.count, self.count + count
        time = ulid.time_part(self.at)
        ids = range(first, first + count)
        return self.at, [ulid.event_id(time, f"{n:012}", 0) for n in ids]


Place: TypeAlias = Path | str
"""Where a store is: a file of SQLite's, or the URL of a database in PostgreSQL."""


def open_at(place: Place, **more: Any) -> SqlStore:
    return PostgresStore(place, **more) if isinstance(place, str) else SqliteStore(place, **more)


class Stage:
    """An engine on a store of its own, and the clock that both go by."""

    def __init__(
        self,
        path: Place,
        rulebook: str = "",
        *,
        world: str = SHOP,
        clock: SteadyClock | None = None,
    ) -> None:
        self.path = path
        self.clock = clock or SteadyClock()
        self.world = world
        self.store = open_at(path)
        self.engine = Engine(self.store, self.clock)
        if rulebook:
            self.store.registry.put_rulebook(world, rulebook, self.clock.at)

    def event(self, name: str, who: str = "ann", key: str | None = None, **more: Any) -> Event:
        """Accept an event now. What is no part of an event is one of its properties."""
        received_at, (event_id,) = self.clock.accept(1)
        world, at = more.pop("world", self.world), more.pop("at", None)
        properties = more.pop("properties", more)
        return Event(
            tenant=world,
            id=event_id,
            participant=who,
            name=name,
            properties=properties,
            properties_json=msgspec.json.encode(properties).decode(),
            occurred_at=received_at if at is None else at,
            received_at=received_at,
            key=key,
            dated=at is not None,
        )

    def claim(self, challenge: str, who: str = "ann", key: str | None = None) -> Claim:
        received_at, (claim_id,) = self.clock.accept(1)
        return Claim(
            tenant=self.world,
            id=claim_id,
            participant=who,
            challenge=challenge,
            received_at=received_at,
            key=key,
        )

    def send(self, *commands: Command) -> list[Any]:
        return self.engine.submit(commands)

    def tell(self, name: str, who: str = "ann", key: str | None = None, **more: Any) -> Any:
        """Send one event and return what came of it."""
        return self.send(self.event(name, who, key, **more))[0]

    def reopen(self) -> None:
        """Be the next process: a new store on the same file, and an engine that knows nothing."""
        self.store.close()
        self.store = open_at(self.path)
        self.engine = Engine(self.store, self.clock)

    def journal(self, world: str | None = None) -> list[JournalEntry]:
        return self.store.queries.journal(world or self.world, after=0, count=10_000)

    def findings(self) -> list[str]:
        return list(self.store.verify())

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Look into the store, or tamper with it, as somebody else would."""
        with other_hand(self.path) as connection:
            return connection.execute(sql, values).fetchall()

    def state(self, who: str = "ann", world: str | None = None) -> State:
        """Return a participant's state, its folded windows put back."""
        mine = (world or self.world, who)
        rows = self.rows("SELECT state FROM participants WHERE tenant = ? AND id = ?", *mine)
        state = State(rows[0][0] if rows else None)
        folded = self.rows(
            'SELECT challenge, "window", progress FROM windows'
            " WHERE tenant = ? AND participant = ?",
            *mine,
        )
        for challenge, window, progress in folded:
            if window not in state.windows(challenge):
                state.put_window(challenge, window, decode_progress(progress))
        return state

    def balance(self, who: str = "ann", currency: str = "points", world: str | None = None) -> int:
        held = self.state(who, world).balances.get(currency)
        return held.amount if held else 0


@contextmanager
def other_hand(place: Place) -> Iterator[Any]:
    """Open the store once more, past all our own code. Values stand where there are `?`."""
    if isinstance(place, str):
        with psycopg.connect(place, autocommit=True) as connection:
            yield Postgres(connection)
        return
    connection = sqlite3.connect(place, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


class Postgres:
    """A connection that is spoken to as one to SQLite is."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def execute(self, sql: str, values: Sequence[object] = ()) -> Any:
        query = sql.replace("%", "%%").replace("?", "%s").encode()
        cursor = self.connection.execute(query, values)
        return Told(cursor)


class Told:
    """What a statement came to; nothing, where it tells nothing."""

    def __init__(self, cursor: psycopg.Cursor) -> None:
        self.cursor = cursor
        self.rowcount = cursor.rowcount

    def fetchone(self) -> Any:
        return self.cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self.cursor.fetchall() if self.cursor.description else []


@contextmanager
def a_stage(place: Place, rulebook: str = "", **more: Any) -> Iterator[Stage]:
    """Put up a stage at a place, or in a folder, and take it down."""
    if isinstance(place, Path) and place.is_dir():
        place /= "laurels.db"
    stage = Stage(place, rulebook, **more)
    try:
        yield stage
    finally:
        stage.store.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep everybody else from writing, so that what is sent meanwhile has to wait."""
    with other_hand(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def out_of_order(path: Place, table: str = "journal") -> Iterator[None]:
    """Take a table away and put it back: meanwhile no batch can be written."""
    with other_hand(path) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE away RENAME TO {table}")
