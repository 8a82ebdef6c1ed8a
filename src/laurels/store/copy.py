"""One store into another: every row of every table, compared afterwards on both sides."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from functools import cache
from hashlib import sha256
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from laurels.core.errors import LaurelsError
from laurels.store.hand import Row
from laurels.store.migrate import migrations

CHUNK_ROWS: Final = 1_000
FINDINGS_MAX: Final = 20
"""Findings that are told; whoever wants all of them asks `laurels verify`."""
KEY_CHARS_MAX: Final = 500
NUL: Final = "\0"

_encode: Final = msgspec.msgpack.Encoder().encode


class Table(NamedTuple):
    """A table as both databases have it. `key` are the columns of its primary key, in order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def place(self, row: Row) -> str:
        """Say which row it is, by its key, as it may be printed."""
        values = dict(zip(self.columns, row, strict=True))
        told = (f"{name}={_shown(values[name])}" for name in self.key)
        return ", ".join(told)[:KEY_CHARS_MAX]


class CopyRefused(LaurelsError):
    """The store cannot be copied; nothing was."""


class RowRefused(Exception):
    """A database does not take a row that it was given."""


class Tables(Protocol):
    """All tables of a store, within one transaction that nobody else writes beside."""

    def count(self, table: Table) -> int: ...
    def rows(self, table: Table) -> Iterator[Row]:
        """Yield every row in the order of the primary key: whole numbers, texts and bytes."""
        ...


class NewTables(Tables, Protocol):
    """Those of a store that is being filled."""

    def put(self, table: Table, rows: Iterable[Row]) -> None:
        """Write rows. Raises RowRefused."""
        ...

    def settle(self) -> None:
        """Look at what was written, so that it can be read well."""
        ...

    def verify(self) -> Iterator[str]:
        """Yield what is wrong with the data, as sentences."""
        ...


class Place(Protocol):
    """Where a store is, or is to be. Whatever goes wrong there is told with its name."""

    @property
    def name(self) -> str: ...
    def identity(self) -> object:
        """Return what two URLs of one store have in common."""
        ...

    def kept_still(self) -> AbstractContextManager[Tables]:
        """Read it while nobody writes. Raises CopyRefused where somebody may."""
        ...

    def being_filled(self) -> AbstractContextManager[NewTables]:
        """
        Write all of it, or nothing: leaving commits, leaving by an exception rolls back.

        Its schema is brought up to date first. Raises CopyRefused where there are rows already.
        """
        ...


class Copied(NamedTuple):
    tables: int
    rows: int


Watch: TypeAlias = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Is told how many steps there are to go, and then of some steps that were gone, and again."""


def copy(source: Place, target: Place, watch: Watch) -> Copied:
    """Copy all tables, compare them, verify the new store; commit if there is nothing to say."""
    if source.identity() == target.identity():
        raise CopyRefused(f"{source.name} and {target.name} are the same store.")
    tables = all_tables()
    with source.kept_still() as old, target.being_filled() as new:
        rows = sum(old.count(table) for table in tables)
        with watch(2 * rows) as step:
            sides = _Sides(source, target, old, new, step)
            written = [sides.put(table) for table in tables]
            new.settle()
            for table, digest in zip(tables, written, strict=True):
                sides.compare(table, digest)
        _check(target, new)
    return Copied(len(tables), rows)


@cache
def all_tables() -> tuple[Table, ...]:
    """Return every table that the migrations make: whatever they add is copied, too."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for each in migrations("sqlite"):  # Those of PostgreSQL come to the same.
            connection.executescript(each.sql)
        return tuple(
            Table(
                name,
                tuple(column for column, _ in columns),
                tuple(column for _, column in sorted((at, column) for column, at in columns if at)),
            )
            for name, columns in _columns_by_table(connection).items()
        )


def _columns_by_table(connection: sqlite3.Connection) -> dict[str, list[tuple[str, int]]]:
    """Return each column's name and its place in the primary key, from 1; 0 where it is not in."""
    found: dict[str, list[tuple[str, int]]] = {}
    for table, column, at in connection.execute(
        "SELECT t.name, c.name, c.pk"
        "  FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        " ORDER BY t.name, c.cid"
    ):
        found.setdefault(table, []).append((column, at))
    return found


class _Sides:
    """What is copied from where to where."""

    def __init__(
        self, source: Place, target: Place, old: Tables, new: NewTables, step: Callable[[int], None]
    ) -> None:
        self._names = source.name, target.name
        self._old = old
        self._new = new
        self._step = step

    def put(self, table: Table) -> "_Digest":
        """Write a table, and return the digest of what was read."""
        digest = _Digest()
        try:
            self._new.put(table, digest.of(self._old.rows(table), self._step))
        except RowRefused as refused:
            raise CopyRefused(self._why(table, refused)) from refused
        return digest

    def compare(self, table: Table, written: "_Digest") -> None:
        """Refuse what is not the same when it is read back."""
        found = _Digest()
        for _ in found.of(self._new.rows(table), self._step):
            pass
        if found.is_of_the_same(written):
            return
        first = next(
            old or new or ()
            for old, new in zip_longest(self._old.rows(table), self._new.rows(table))
            if old != new
        )
        raise CopyRefused(
            f"{table.name} has come out different: {written.rows:,} rows of {self._names[0]}, "
            f"{found.rows:,} in {self._names[1]}; the first that differs is {table.place(first)}. "
            "Nothing was copied."
        )

    def _why(self, table: Table, refused: RowRefused) -> str:
        """Name the row that cannot be kept, if it is for the one thing that texts may not hold."""
        source, target = self._names
        for row in self._old.rows(table):
            for column, value in zip(table.columns, row, strict=True):
                if isinstance(value, str) and NUL in value:
                    return (
                        f"{source} has a row with the character U+0000, which PostgreSQL cannot "
                        f"keep: {column} of {table.name}, {table.place(row)}. Nothing was copied."
                    )
        return f"{target} does not take a row of {table.name}: {refused}. Nothing was copied."


class _Digest:
    """Of rows that went by, as Python sees them."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = sha256()

    def of(self, rows: Iterator[Row], step: Callable[[int], None]) -> Iterator[Row]:
        """Hand rows on, seen."""
        while chunk := list(islice(rows, CHUNK_ROWS)):
            # It tells a text from the bytes it is made of, and both from a number.
            self._hash.update(_encode(chunk))
            self.rows += len(chunk)
            yield from chunk
            step(len(chunk))

    def is_of_the_same(self, other: "_Digest") -> bool:
        return (self.rows, self.told()) == (other.rows, other.told())

    def told(self) -> bytes:
        return self._hash.digest()


def _check(target: Place, new: NewTables) -> None:
    findings = list(islice(new.verify(), FINDINGS_MAX + 1))
    if findings:
        more = ["…"] if len(findings) > FINDINGS_MAX else []
        told = "\n".join([*findings[:FINDINGS_MAX], *more])
        raise CopyRefused(
            f"What {target.name} would hold does not add up, although every row is the same: ask "
            f"`laurels verify` about the source. Nothing was copied.\n{told}"
        )


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)
