"""PostgreSQL, Redis, servers and workers for a benchmark, and the processor time of each."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import psycopg
from tests.servers import PostgresServer, RedisServer

from bench import rulebook
from bench.__main__ import KEY, cpu_s
from laurels.store.postgres.store import PostgresStore

SETTINGS: Final = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
"""Else as PostgreSQL comes: fsync, full_page_writes and synchronous_commit are on."""
STOP_S_MAX: Final = 12
HEAD: Final = "SELECT COALESCE(SUM(number), 0) FROM heads"
TOTALS: Final = """
    SELECT (SELECT COUNT(*) FROM events),
           (SELECT COALESCE(SUM(amount), 0) FROM postings WHERE rule LIKE 'earn-%')
"""


class Spent(NamedTuple):
    """Processor time in seconds, or what an event took of it in microseconds."""

    serve: float
    work: float
    postgres: float
    redis: float

    @property
    def whole(self) -> float:
        return sum(self)

    def since(self, before: "Spent") -> "Spent":
        return Spent(*(late - early for late, early in zip(self, before, strict=True)))

    def each(self, events: int) -> "Spent":
        return Spent(*(seconds * 1e6 / events for seconds in self))


class Totals(NamedTuple):
    """How many events are stored, and what earn rules have paid for them."""

    events: int
    earned: int


class Installation:
    """One database and one Redis; servers and workers come and go."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self._rules = folder / "rulebook.json"
        self._rules.write_bytes(rulebook.rules())
        self._postgres = self._stack.enter_context(PostgresServer(SETTINGS))
        self._redis = self._stack.enter_context(RedisServer(auto_aof_rewrite_percentage=0))
        self.databases = self._postgres
        self.url = self._stack.enter_context(self._postgres.database())
        self._servers: list[subprocess.Popen[str]] = []
        self._workers: list[subprocess.Popen[str]] = []
        self._reader: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop_workers()
        self.stop_servers()
        self._stack.close()

    def serve(self, *, queued: bool) -> int:
        """Start a server and return its port."""
        process = self._start("serve", "--port", "0", "--rulebook", self._rules, queued=queued)
        self._servers.append(process)
        return int(_said(process, "http://").rpartition(":")[2])

    def work(self, count: int) -> None:
        started = [self._start("work", queued=True) for _ in range(count)]
        self._workers += started
        for process in started:
            _said(process, "working on")

    def stop_servers(self) -> None:
        _stop(self._servers)

    def stop_workers(self) -> None:
        _stop(self._workers)

    def spent(self) -> Spent:
        return Spent(
            sum(cpu_s(process.pid) for process in self._servers),
            sum(cpu_s(process.pid) for process in self._workers),
            cpu_s(self._postgres.process.pid),
            cpu_s(self._redis.process.pid),
        )

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    @property
    def redis_pid(self) -> int:
        return self._redis.process.pid

    def redis_client(self) -> AbstractContextManager[Any]:  # A client's own types are full of gaps.
        return self._redis.client()

    def head(self) -> int:
        """Return how many journal rows there are."""
        if self._reader is None:
            self._reader = self._stack.enter_context(self.connect())
        row = self._reader.execute(HEAD).fetchone()
        assert row is not None
        return int(row[0])

    def totals(self) -> Totals:
        with self.connect() as connection:
            row = connection.execute(TOTALS).fetchone()
        assert row is not None
        return Totals(*map(int, row))

    def verify(self) -> None:
        store = PostgresStore(self.url, migrate_schema=False)
        findings = list(store.verify())
        store.close()
        assert not findings, findings

    def say_versions(self) -> str:
        with self.connect() as connection:
            row = connection.execute("SHOW server_version").fetchone()
        assert row is not None
        with self.redis_client() as client:
            told = client.info("server")
        return (
            f"PostgreSQL {row[0]} with fsync and synchronous_commit, "
            f"Redis {told['redis_version']} with AOF everysec, not rewritten meanwhile"
        )

    def _start(self, command: str, *words: object, queued: bool) -> subprocess.Popen[str]:
        queue = ("--queue", self._redis.url) if queued else ()
        return subprocess.Popen(
            [sys.executable, "-m", "laurels", command, "--store", self.url]
            + [str(word) for word in (*queue, *words)],
            env=os.environ | {"LAURELS_BOOTSTRAP_API_KEY": KEY, "LAURELS_LOG_LEVEL": "error"},
            stdout=subprocess.PIPE,
            text=True,
        )


def _said(process: subprocess.Popen[str], what: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if what in line:
            return line
    raise SystemExit("a process did not start")


def _stop(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(STOP_S_MAX)
    processes.clear()
