"""What the store asks of a database, whichever it is: named statements, within a transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = tuple[Any, ...]


class Rows(Protocol):
    """What a statement came to, read as a cursor is."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Hand(Protocol):
    """
    One connection within one transaction, for one thread.

    Values stand in the order in which a statement first names them. A list is one value: its JSON.
    """

    def run(self, name: str, *values: object) -> Rows: ...
    def stream(self, name: str, *values: object) -> Iterator[Any]:
        """Return rows of which there may be more than memory has room for."""
        ...

    def many(self, name: str, rows: Iterable[Row]) -> None:
        """Run a statement for each of many rows, in as few steps as the database allows."""
        ...

    def lock(self, what: str, *, shared: bool = False) -> None:
        """Wait until nobody else's transaction holds this name; hold it until the commit."""
        ...


class Connections(Protocol):
    """The connections of one process. Any thread may ask."""

    def writing(self) -> AbstractContextManager[Hand]:
        """
        Lend a hand that writes: leaving commits, leaving by an exception rolls back.

        Raises Unavailable when the database cannot be written, Conflict when a constraint fired.
        """
        ...

    def reading(self) -> AbstractContextManager[Hand]:
        """Lend a hand for one committed snapshot. Raises Unavailable when it cannot be read."""
        ...

    def read(self, name: str, *values: object) -> Sequence[Any]:
        """Run one statement on one committed snapshot."""
        ...
