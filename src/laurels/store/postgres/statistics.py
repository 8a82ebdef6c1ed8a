"""Lets the server look at tables that grow from nothing; by itself it looks about once a minute."""

import logging
from threading import Thread
from typing import Final

from laurels.core.errors import Unavailable
from laurels.engine.ports import Conflict
from laurels.store.postgres.connections import PostgresConnections

log = logging.getLogger(__name__)

LOOK_AFTER_ROWS: Final = (500, 5_000)
"""Of the journal, written by this process. Later on the server's own looks come soon enough."""
KNOWN: Final = "SELECT reltuples FROM pg_class WHERE oid = CAST('journal' AS regclass)"
"""How many rows of it the planner believes in; -1 before the first look."""
ANALYZE: Final = (
    "ANALYZE (SKIP_LOCKED) participants, events, journal, receipts, postings, standings"
)


class Statistics:
    """
    A statement is planned while its tables are empty, and goes by that plan until they were seen.

    Of two indexes that begin with the tenant, an empty table makes the planner choose either.
    """

    def __init__(self, connections: PostgresConnections) -> None:
        self._connections = connections
        self._rows = 0
        self._left = list(LOOK_AFTER_ROWS)
        self._thread: Thread | None = None

    def written(self, rows: int) -> None:
        """Hear that so many journal rows were committed. Nobody waits for what comes of it."""
        if not self._left:
            return
        self._rows += rows
        if self._rows >= self._left[0]:
            due = (self._left.pop(0),)
            self._thread = Thread(
                target=self._look, args=due, name="laurels-statistics", daemon=True
            )
            self._thread.start()

    def settle(self) -> None:
        """Wait for a look that has begun."""
        if self._thread is not None:
            self._thread.join()

    def _look(self, rows: int) -> None:
        """Let the server look, unless it has seen that many: in large tables that takes a while."""
        try:
            with self._connections.as_it_is() as connection:
                known = connection.execute(KNOWN).fetchone()
                if known is None or known[0] < rows / 2:
                    connection.execute(ANALYZE)
        except (Unavailable, Conflict) as failure:
            log.debug("the server did not look at its tables: %r", failure)
