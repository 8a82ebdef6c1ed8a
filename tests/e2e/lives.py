"""Lives of one server on one store, each ended by SIGKILL in the middle of its load."""

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path as File
from random import Random
from typing import Any, Protocol

from tests.e2e.load import RULEBOOK, STORE, serve
from tests.e2e.log import verified
from tests.serving import Running

KILL_AFTER_S = (0.05, 0.5)
READY_S_MAX = 5


class Clients(Protocol):
    """Who puts the load on, and keeps account of it."""

    @property
    def waiting(self) -> dict[int, Any]: ...

    async def prepare(self, url: str) -> None: ...

    async def storm(self, url: str, seconds: float, end: Callable[[], object]) -> None: ...


class Lives(ABC):
    def __init__(
        self, folder: File, seed: int, by: Sequence[str], rulebook: File = RULEBOOK
    ) -> None:
        self.folder = folder
        self.file = folder / STORE
        self.by = by
        self.rulebook = rulebook
        self.chance = Random(seed)
        self.unanswered = 0
        self.restarts_s: list[float] = []

    @property
    @abstractmethod
    def clients(self) -> Clients: ...

    @abstractmethod
    def look(self, server: Running) -> None:
        """Compare what is there with what was promised; ask again what is not known."""

    def run(self, kills: int) -> None:
        with serve(self.folder, self.by, self.rulebook) as server:
            asyncio.run(self.clients.prepare(server.url))
            self.kill(server)
        for _ in range(kills - 1):
            with self.again() as server:
                self.look(server)
                self.kill(server)
        with self.again() as server:
            self.look(server)
        assert not verified(self.file)

    def kill(self, server: Running) -> None:
        moment = self.chance.uniform(*KILL_AFTER_S)
        asyncio.run(self.clients.storm(server.url, moment, server.process.kill))
        assert server.process.wait(READY_S_MAX) == -signal.SIGKILL
        self.unanswered += len(self.clients.waiting)

    def again(self) -> Running:
        begun = time.monotonic()
        server = serve(self.folder, self.by, self.rulebook)
        self.restarts_s.append(time.monotonic() - begun)
        return server
