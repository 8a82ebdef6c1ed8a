"""A queue on a real Redis, with an engine at its far end, and workers that may die."""

import asyncio
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cast import Stage, a_stage
from tests.servers import RedisServer

from laurels.engine.queue import LANES
from laurels.engine.worker import Worker
from laurels.link import connect, connect_blocking
from laurels.queue.lanes import RedisLanes
from laurels.queue.names import HOLDERS, PARKED, STREAMS, TRIES, WORKERS
from laurels.queue.parked import RedisParked
from laurels.queue.reading import RedisReader

QUIZ = "earn: [{id: quiz, event: quiz, points: 5}]"


class Died(BaseException):
    """What nothing may catch, as nothing catches a SIGKILL."""


class Line:
    nodes: Sequence[RedisServer] = ()
    """Of the Redis, for a test that does something to it."""

    def __init__(self, url: str, stage: Stage) -> None:
        self.url = url
        self.stage = stage
        self.link: Any = connect_blocking(url)
        self.parked = RedisParked(self.link)

    def ask(self, *plays: Any) -> list[Any]:
        """Let everybody play on lanes of their own, at once."""

        async def play() -> list[Any]:
            links = [connect(self.url) for _ in plays]
            try:
                lanes = [RedisLanes(link) for link in links]
                return await asyncio.gather(
                    *(play(own) for play, own in zip(plays, lanes, strict=True))
                )
            finally:
                for link in links:
                    await link.aclose()

        return asyncio.run(play())

    def append(self, *events: Any) -> Any:
        (answers,) = self.ask(lambda lanes: lanes.append(events))
        return answers

    def reader(self) -> RedisReader:
        return RedisReader(self.link)

    def worker(self, reached: Any = None, *, engine: Any = None, reader: Any = None) -> Worker:
        store = self.stage.store
        return Worker(
            engine or self.stage.engine,
            reader or self.reader(),
            self.stage.clock,
            is_ready=store.queries.is_ready,
            reached=reached,
        )

    def free(self) -> None:
        """Let the time pass after which the lanes of the dead are free."""
        self._all(("DEL", name) for name in (*HOLDERS, WORKERS))

    def drain(self, worker: Worker | None = None) -> None:
        """Work until nothing is left in the lanes."""
        if worker is None:
            self.free()
            worker = self.worker()
        until = time.monotonic() + 20
        while self.left():
            worker.step()
            assert time.monotonic() < until, f"{self.left()} entries are left"

    def left(self) -> int:
        """How many entries lie in the lanes."""
        return sum(self._all(("XLEN", name) for name in STREAMS))

    def pending(self) -> int:
        return sum(
            self.link.xpending(STREAMS[lane], "laurels")["pending"]
            for lane in range(LANES)
            if self.link.exists(STREAMS[lane])
        )

    def traces(self) -> int:
        """What is kept about entries that nobody has settled."""
        return sum(self._all(("EXISTS", name) for name in (*PARKED, *TRIES)))

    def _all(self, commands: Iterable[tuple[str, str]]) -> list[Any]:
        pipeline = self.link.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return pipeline.execute()


@contextmanager
def a_line(url: str, folder: Path, rulebook: str = QUIZ) -> Generator[Line]:
    with a_stage(folder, rulebook) as stage:
        line = Line(url, stage)
        try:
            yield line
            assert stage.findings() == []
        finally:
            line.link.close()
