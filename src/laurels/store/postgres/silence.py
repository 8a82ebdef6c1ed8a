"""
Servers that have fallen silent: the network swallows everything, or the machine stands still.

Whoever reads from one would wait for as long as that lasts, since no packet is missing.
"""

import os
import socket
import threading
from contextlib import suppress
from math import inf
from typing import Any, Final
from weakref import WeakSet

from psycopg import Connection

from laurels.engine.clock import stopwatch

SILENT_S_MAX: Final = 5.0
"""How long an answer is waited for. What comes behind such a wait still has its own."""
LOOK_EVERY_S: Final = 0.5


class Patient(Connection[Any]):
    """A connection that knows since when it has been waiting for its server."""

    may_be_silent = False
    """Whether its server has been told to take all the time that it needs."""

    def __init__(self, *values: Any, **more: Any) -> None:
        super().__init__(*values, **more)
        self._since = inf
        self._ending = threading.Lock()

    def wait(self, *values: Any, **more: Any) -> Any:
        self._since = stopwatch()
        try:
            return super().wait(*values, **more)
        finally:
            # From here on its socket may be closed, and be another one under the same number.
            with self._ending:
                self._since = inf

    def end_if_silent(self) -> None:
        """Let whoever waits hear that the connection has ended. For any thread."""
        with self._ending:
            if stopwatch() - self._since > SILENT_S_MAX and not self.may_be_silent:
                with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)


class Watchman:
    """Looks after the connections of a process, as long as it has any."""

    def __init__(self) -> None:
        self._watched: WeakSet[Patient] = WeakSet()
        self._adding = threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, connection: Patient) -> None:
        with self._adding:
            self._watched.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look, name="laurels-silence", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        self._is_over.set()

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            with self._adding:
                connections = list(self._watched)
            for connection in connections:
                connection.end_if_silent()
