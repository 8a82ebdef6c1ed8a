"""Several servers and workers on one PostgreSQL and, where there is a queue, one Redis."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path as File
from typing import Any, Self

import redis
from tests.e2e.load import settings
from tests.servers import free_port
from tests.serving import Running, Working

from laurels.queue.names import STREAMS

RULEBOOK = File(__file__).parent / "town.yaml"
SOON_S = 20
UNWANTED = ("deadlock", "Conflict", "Traceback", "serializ")


class Town:
    """Each process has a number, and comes back where it was."""

    def __init__(
        self,
        folder: File,
        store: str,
        queue: str | None = None,
        *,
        serves: int = 2,
        works: int = 0,
        by: Sequence[str] = (),
        **more: str,
    ) -> None:
        """`by` is what runs the workers, if not us; `more` are settings of all processes."""
        self.folder = folder
        self.store = store
        self.queue = queue
        self.by = by
        self.env = settings(RULEBOOK) | {"LAURELS_STORE": store} | more
        if queue is not None:
            self.env["LAURELS_QUEUE"] = queue
        self.ports = [free_port() for _ in range(serves)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.servers: list[Running] = []
        self.workers: list[Working] = [None] * works  # type: ignore[list-item]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start all at once: whoever comes first makes what the others find."""
        self.servers = [None] * len(self.ports)  # type: ignore[list-item]
        with ThreadPoolExecutor() as at_once, self._stack as stack:
            begun = [
                *(at_once.submit(self.serve, number) for number in range(len(self.servers))),
                *(at_once.submit(self.work, number) for number in range(len(self.workers))),
            ]
            stack.push(self.close)
            for one in begun:
                one.result()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def close(self, *_: object) -> None:
        with ThreadPoolExecutor() as at_once:
            for one in [*self.servers, *self.workers]:
                at_once.submit(_leave, one)

    def serve(self, number: int = 0, store: str | None = None, **more: str) -> Running:
        env = self.env | {"LAURELS_PORT": str(self.ports[number])} | more
        if store is not None:
            env["LAURELS_STORE"] = store
        _leave(self.servers[number])
        server = Running("serve", cwd=self.folder, env=env, log=self._log(f"serve-{number}"))
        self.servers[number] = server
        return server

    def work(self, number: int = 0, by: Sequence[str] | None = None) -> Working:
        by = self.by if by is None else by
        log = self._log(f"work-{number}")
        _leave(self.workers[number])
        worker = Working("work", cwd=self.folder, env=self.env, by=by, log=log)
        self.workers[number] = worker
        return worker

    def said(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text('utf-8', 'replace')}" for log in logs)

    def unwanted(self) -> list[str]:
        """Return what nobody should ever read in a log."""
        return [line for line in self.said().splitlines() if any(word in line for word in UNWANTED)]

    def oldest_ms(self) -> int | None:
        """When the event was accepted that has waited longest, by the clock of all of us."""
        assert self.queue is not None
        with redis.Redis.from_url(self.queue) as link:
            pipeline: Any = link.pipeline(transaction=False)
            for name in STREAMS:
                pipeline.xrange(name, count=1)
            found = [entries[0][0] for entries in pipeline.execute() if entries]
        return min((int(id_.split(b"-")[0]) for id_ in found), default=None)

    def waits_since(self, moment_ms: int) -> bool:
        """Say whether something accepted before a moment is still to be decided."""
        oldest = self.oldest_ms()
        return oldest is not None and oldest < moment_ms

    def drain(self) -> None:
        if self.queue is not None:
            soon(lambda: self.oldest_ms() is None)

    def _log(self, name: str) -> File:
        return self.folder / f"{name}.log"


def _leave(process: Running | None) -> None:
    if process is not None:
        process.__exit__()


def soon(what: Callable[[], Any], within_s: float = SOON_S) -> Any:
    """Ask again and again until there is an answer."""
    until = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)
    return answer
