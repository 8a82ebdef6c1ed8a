"""Every command of docs/operating/backup.md works as printed, and what it brings back is whole."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.cast import Place, a_stage
from tests.servers import (
    IS_ROOT,
    Databases,
    PostgresServer,
    RedisCluster,
    RedisServer,
    postgres_binaries,
    redis_binary,
)
from tests.serving import Running, Working, environment, program

from laurels.core.limits import RECEIPTS_SHARED_MAX
from laurels.notify.place import receipt_key

PAGE = (Path(__file__).parents[2] / "docs" / "operating" / "backup.md").read_text("utf-8")
RUNNING = (Path(__file__).parents[2] / "docs" / "operating" / "running.md").read_text("utf-8")
BLOCKS = re.findall(r"^ *```sh\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
KEPT, RESTORED, DUMPED, REVIVED, BASE, APPENDED, FORGET = BLOCKS
(WAITING,) = [
    block for block in re.findall(r"```sh\n(.*?)```", RUNNING, re.DOTALL) if "XLEN" in block
]
DEMO = Path(__file__).parents[2] / "src" / "laurels" / "cli" / "demo" / "rulebook.yaml"

RULEBOOK = "earn: [{id: one, event: buy, points: 1}]"
STREAMS = [f"{{lane-{lane}}}:events" for lane in range(64)]
SOON_S = 30
ANSWERED_MAX = 40
"""So many events at most are sent beside a copy."""
HISTORY = "/api/v1/gamify/participants/ada/events"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a shell finds our own program, and those of the servers under test."""
    folder = tmp_path_factory.mktemp("bin")
    script = '#!/bin/sh\nexec "{}" {} "$@"\n'
    python, flag, code = program()
    for name, words in (("laurels", f"{flag} '{code}'"), ("python3", "")):
        (folder / name).write_text(script.format(python, words), "utf-8")
        (folder / name).chmod(0o755)
    places = [folder, postgres_binaries(), Path(redis_binary()).parent]
    return os.pathsep.join([*map(str, places), os.environ["PATH"]])


def shell(block: str, path: str, cwd: Path, **variables: str) -> str:
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=cwd,
        env=environment(PATH=path, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def event(key: str) -> dict[str, object]:
    return {"participant_id": "ada", "event_name": "commit_landed", "idempotency_key": key}


def send(server: Running, *keys: str) -> list[bool]:
    """Send events and say of each whether it was a repetition."""
    path = "/api/v1/ingest/events/sync"
    return [server.post(path, event(key))["duplicate"] for key in keys]


def count(server: Running) -> int:
    return server.get(HISTORY)["total"]


@contextmanager
def beside(send_one: Callable[[int], object]) -> Iterator[list[int]]:
    """Send something again and again beside what is done; the list has what was answered."""
    answered: list[int] = []
    done = threading.Event()

    def run() -> None:
        while not done.is_set() and len(answered) < ANSWERED_MAX:
            send_one(len(answered))
            answered.append(len(answered))
            done.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answered
    finally:
        done.set()
        thread.join(30)


def findings(place: Place) -> list[str]:
    with a_stage(place) as stage:
        return stage.findings()


# SQLite.


def test_a_copy_of_sqlite_made_beside_a_busy_server_is_whole_and_known_keys_stay_known(
    tmp_path: Path, path: str
):
    serve = ("serve", "--port", 0, "--rulebook", DEMO)
    with Running(*serve, cwd=tmp_path) as server:
        send(server, "before")
        with beside(lambda n: send(server, f"{n}")) as answered:
            said = shell(KEPT, path, tmp_path)
        send(server, "after")
        secrets = server.secrets()
        assert "Clean" in said
        assert server.stop() == 0
    said = shell(RESTORED, path, tmp_path)

    assert "Clean" in said
    assert (tmp_path / "aside" / "laurels.db").exists()
    with Running(*serve, cwd=tmp_path) as server:
        assert server.secrets() == secrets
        kept = count(server)
        assert 1 <= kept <= 1 + len(answered)
        again = send(server, "before", *map(str, answered), "after")
        assert again[0]
        assert not again[-1]
        # Those that were repetitions are those that the copy has: no more, and no fewer.
        assert sum(again) == kept
        assert count(server) == len(again)
    assert findings(tmp_path / "laurels.db") == []


def test_sqlites_own_program_does_the_same(tmp_path: Path):
    if shutil.which("sqlite3") is None and os.environ.get("CI") != "true":
        pytest.skip("there is no sqlite3 on this machine")
    printed = re.findall(r'`(sqlite3 laurels\.db "(?:VACUUM INTO|\.backup) [^`]*)`', PAGE)
    assert len(printed) == 2
    with a_stage(tmp_path / "laurels.db", RULEBOOK) as stage:
        stage.tell("buy")
        for number, command in enumerate(printed):
            shell(command.replace("…", f"{number}.db"), os.environ["PATH"], tmp_path)
    for number in range(2):
        with a_stage(tmp_path / f"{number}.db") as stage:
            assert stage.balance() == 1
            assert stage.findings() == []


# PostgreSQL.


def test_a_dump_of_postgresql_made_beside_a_busy_store_comes_back_whole(
    empty_postgres_url: str, tmp_path: Path, path: str
):
    there = empty_postgres_url.rpartition("/")[0]
    where = {"LAURELS_STORE": empty_postgres_url, "RESTORED": f"{there}/restored"}
    with a_stage(empty_postgres_url, RULEBOOK) as stage:
        events = [stage.event("buy", key=f"{n}") for n in range(ANSWERED_MAX)]
        stage.send(events[0])
        with beside(lambda n: stage.send(events[n])):
            shell(DUMPED, path, tmp_path, **where)
        stage.tell("buy", key="after")
    try:
        assert "Clean" in shell(REVIVED, path, tmp_path, **where)
        with a_stage(where["RESTORED"]) as stage:
            stage.clock.count = 10_000
            kept = stage.balance()
            again = [stage.event("buy", key=f"{n}") for n in range(ANSWERED_MAX)]
            assert sum(one.duplicate for one in stage.send(*again)) == kept
            assert not stage.tell("buy", key="after").duplicate
            assert stage.balance() == ANSWERED_MAX + 1
            assert stage.findings() == []
    finally:
        with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")


def test_a_base_backup_of_postgresql_can_be_started_on(tmp_path: Path, path: str):
    with PostgresServer() as server:
        with a_stage(server.url, RULEBOOK) as stage:
            stage.tell("buy")
            shell(BASE, path, tmp_path, LAURELS_STORE=server.url)
            stage.tell("buy")
            assert stage.balance() == 2
        server.kill()
        shutil.rmtree(server.folder / "data")
        shutil.copytree(tmp_path / "base", server.folder / "data")
        if IS_ROOT:
            subprocess.run(["chown", "-R", "nobody", server.folder / "data"], check=True)
        server.restart()
        with a_stage(server.url) as stage:
            assert stage.balance() == 1
            assert stage.findings() == []


# Redis.


def test_what_waited_in_redis_comes_back_and_counts_once(
    postgres_url: str, tmp_path: Path, path: str
):
    with RedisServer() as redis:
        places = ("--store", postgres_url, "--queue", redis.url)
        where = {"LAURELS_QUEUE": redis.url, "REDIS_DIR": str(redis.folder)}
        serve = ("serve", *places, "--port", 0, "--rulebook", DEMO)
        with Running(*serve, cwd=tmp_path) as server:
            for key in ("a", "b"):
                assert server.post("/api/v1/ingest/events", event(key))["accepted"]
            assert shell(WAITING, path, tmp_path, **where) == "2\n"
            shell(APPENDED, path, tmp_path, **where)
            decided(places, server, redis)
            assert count(server) == 2

            redis.kill()
            for file in redis.folder.glob("appendonly*"):
                file.unlink()
            for file in (tmp_path / "redis-backup").iterdir():
                shutil.copy(file, redis.folder)
            redis.restart()
            assert shell(WAITING, path, tmp_path, **where) == "2\n"
            decided(places, server, redis)
            assert count(server) == 2
    assert findings(postgres_url) == []


# All together.


@pytest.fixture(params=["redis_server", "redis_cluster"])
def queue(request: pytest.FixtureRequest) -> str:
    redis: RedisServer | RedisCluster = request.getfixturevalue(request.param)
    redis.flush()
    return redis.url


def test_what_a_restored_store_has_lost_counts_when_it_is_sent_again(
    queue: str, postgres_server: Databases, postgres_url: str, tmp_path: Path, path: str
):
    """Without the step about receipts it does not, as is seen before that."""
    lost = [f"lost {number}" for number in range(10)]

    def starts(url: str) -> Running:
        serve = ("serve", "--store", url, "--queue", queue, "--port", 0, "--rulebook", DEMO)
        return Running(*serve, cwd=tmp_path)

    with starts(postgres_url) as server:
        send(server, "before")
        assert server.stop() == 0
    name = urlsplit(postgres_url).path[1:]
    with postgres_server.database(template=name) as backup:
        with starts(postgres_url) as server:
            send(server, *lost)
            assert server.stop() == 0
        with starts(backup) as server:
            # All of them, unless Redis took its time: then the store is asked.
            withheld = sum(send(server, *lost))
            assert withheld
            assert count(server) == 1 + len(lost) - withheld
            assert server.stop() == 0
        assert int(shell(FORGET, path, tmp_path, LAURELS_QUEUE=queue)) >= withheld
        assert shell(FORGET, path, tmp_path, LAURELS_QUEUE=queue) == "0\n"
        with starts(backup) as server:
            assert sum(send(server, *lost)) == len(lost) - withheld
            assert send(server, "before", *lost) == [True] * (1 + len(lost))
            assert count(server) == 1 + len(lost)
            assert server.stop() == 0
        assert findings(backup) == []


def test_every_place_of_a_receipt_is_in_the_command(tmp_path: Path, path: str):
    only = FORGET.rpartition("redis-cli")[0].rstrip("| \n")
    lines = [line.split() for line in shell(only, path, tmp_path).splitlines()]
    assert {line[0] for line in lines} == {"UNLINK"}
    named = {name.encode() for line in lines for name in line[1:]}
    assert named == {
        receipt_key(place.to_bytes(8, "big") + bytes(8)) for place in range(RECEIPTS_SHARED_MAX)
    }
    # A line is one call: what it names must lie together in a cluster.
    assert all(len({name.partition("}")[0] for name in line[1:]}) == 1 for line in lines)


def decided(places: tuple[str, ...], server: Running, redis: RedisServer) -> None:
    """Work until nothing waits."""
    with Working("work", *places, cwd=server.cwd) as worker, redis.client() as client:
        until = time.monotonic() + SOON_S
        while any(client.xlen(stream) for stream in STREAMS):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert worker.stop() == 0
