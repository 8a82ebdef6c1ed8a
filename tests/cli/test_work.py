"""`laurels work` and `laurels queue`: beside a server, before one, without one, to their end."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.cli.conftest import RULEBOOK
from tests.servers import PostgresServer, RedisServer
from tests.serving import Running, Working, laurels, program
from tests.waiting import until

LANES = 64


@pytest.fixture
def places(postgres_url: str, redis_url: str) -> tuple[str, ...]:
    return ("--store", postgres_url, "--queue", redis_url)


@pytest.fixture
def tenant(postgres_url: str, tmp_path: Path) -> None:
    made = laurels("tenants", "create", "demo", "--store", postgres_url, cwd=tmp_path)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def link(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as link:
        yield link


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_decides_what_a_server_accepted_and_stops_when_told_to(places, tmp_path, number):
    with (
        Running("serve", *places, "--port", 0, "--rulebook", RULEBOOK, cwd=tmp_path) as server,
        Working("work", *places, cwd=tmp_path) as worker,
    ):
        event = {"participant_id": "ada", "event_name": "commit_landed", "idempotency_key": "a"}
        assert server.post("/api/v1/ingest/events", event)["accepted"]
        history = "/api/v1/gamify/participants/ada/events"
        assert until(lambda: server.get(history)["total"])
        begun = time.monotonic()
        assert worker.stop(number) == 0

    assert worker.lanes == LANES
    assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("tenant")
def test_workers_share_the_lanes_and_give_them_back(places, tmp_path, link):
    with Working("work", *places, cwd=tmp_path) as first:
        assert first.lanes == LANES
        with Working("work", *places, cwd=tmp_path) as second:
            assert 0 < second.lanes <= LANES // 2
            assert second.stop() == 0
        assert first.stop() == 0

    assert not list(link.scan_iter("*:holder"))


def test_a_worker_waits_for_the_first_server(places, postgres_url, tmp_path):
    began = threading.Event()

    def make() -> None:
        began.set()
        create = ("tenants", "create", "demo", "--store", postgres_url)
        assert laurels(*create, cwd=tmp_path).returncode == 0

    later = threading.Timer(1, make)
    later.start()
    with Working("work", *places, cwd=tmp_path) as worker:
        assert began.is_set()
        assert worker.stop() == 0
    later.join()


@pytest.mark.usefixtures("tenant")
def test_a_worker_waits_for_a_redis_that_is_still_reading_its_files(postgres_url, tmp_path):
    much = "redis.replicate_commands() for n = 1, 150000 do redis.call('SET', n, n) end"
    with RedisServer(key_load_delay=200) as server:
        with server.client() as client:
            client.eval(much, 0)
        server.kill()
        server._start()
        worker = subprocess.Popen(
            [*program(), "work", "--store", postgres_url, "--queue", server.url],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert worker.stderr
        assert worker.stdout
        first = worker.stderr.readline()
        server.kill()
        del server.settings["key-load-delay"]
        server.restart()
        said = worker.stdout.readline()
        worker.terminate()
        worker.communicate(timeout=10)

    assert first.startswith("Waiting: ")
    assert "does not answer" in first
    assert said.startswith("Laurels is working on ")
    assert worker.returncode == 0


def test_a_worker_that_waits_can_be_stopped(redis_url, tmp_path):
    nobody = ("--store", "postgresql://nobody@127.0.0.1:1/none", "--queue", redis_url)
    waiting = subprocess.Popen(
        [*program(), "work", *nobody],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr
    first = waiting.stderr.readline()
    waiting.terminate()
    said, _ = waiting.communicate(timeout=10)

    assert first.startswith("Waiting: ")
    assert (waiting.returncode, said) == (0, "")


def test_a_worker_needs_a_queue_and_a_store_that_it_can_share(tmp_path):
    alone = laurels("work", "--store", "postgresql://db/x", cwd=tmp_path)
    beside_a_file = laurels("work", "--queue", "redis://cache", cwd=tmp_path)

    assert (alone.returncode, beside_a_file.returncode) == (2, 2)
    assert "laurels work needs --queue or LAURELS_QUEUE." in alone.stderr
    assert "LAURELS_QUEUE needs a store in PostgreSQL" in beside_a_file.stderr


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("command", [("work",), ("serve", "--port", "0")])
def test_a_redis_that_loses_what_it_is_given_is_refused_unless_that_is_accepted(
    postgres_url, tmp_path, command
):
    kind = Working if command == ("work",) else Running
    with RedisServer(appendonly="no", requirepass="hunter2") as server:
        arguments = (*command, "--store", postgres_url, "--queue", server.url)
        run = laurels(*arguments, cwd=tmp_path)
        with kind(*arguments, "--accept-data-loss", cwd=tmp_path) as running:
            if command != ("work",):
                assert running.get("/v1/health")["durability"] == "none"
            assert running.stop() == 0

    assert run.returncode == 1
    assert f"The Redis at 127.0.0.1:{server.port} has appendonly = no" in run.stderr
    assert "hunter2" not in run.stdout + run.stderr


def test_a_postgresql_that_loses_what_it_is_given_is_refused_before_it_is_touched(tmp_path):
    with PostgresServer({"fsync": "off"}) as server:
        run = laurels("serve", "--port", 0, "--store", server.url, cwd=tmp_path)
        with Running(
            *("serve", "--port", 0, "--store", server.url, "--accept-data-loss"), cwd=tmp_path
        ) as running:
            assert running.get("/v1/health")["durability"] == "none"

    assert run.returncode == 1
    assert f"The PostgreSQL at 127.0.0.1:{server.port}/postgres has fsync = off" in run.stderr


def test_no_password_is_printed(tmp_path):
    store, queue = "postgresql://me:hunter2@127.0.0.1:1/x", "redis://:hunter2@127.0.0.1:1/0"
    flags = ("--store", store, "--queue", queue)
    runs = [
        laurels("config", "--store", store, cwd=tmp_path),
        laurels("verify", "--store", store, cwd=tmp_path),
        laurels("migrate", "--store", store, cwd=tmp_path),
        laurels("serve", *flags, "--port", 0, cwd=tmp_path),
        laurels("queue", "parked", "--queue", queue, cwd=tmp_path),
    ]

    assert "LAURELS_STORE=postgresql://me:(hidden)@127.0.0.1:1/x" in runs[0].stdout
    assert [run.returncode for run in runs] == [0, 1, 1, 1, 1]
    for run in runs:
        assert "hunter2" not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr


def test_secrets_of_a_store_elsewhere_are_kept_where_the_server_was_started(postgres_url, tmp_path):
    with Running("serve", "--port", 0, "--store", postgres_url, cwd=tmp_path) as first:
        assert "They are kept in laurels.secrets." in first.text
        assert first.stop() == 0
    with Running("serve", "--port", 0, "--store", postgres_url, cwd=tmp_path) as second:
        assert len(second.said) == 1


@pytest.mark.usefixtures("tenant")
def test_what_was_parked_is_listed_requeued_and_discarded(places, tmp_path, link):
    def queue(*arguments: str) -> subprocess.CompletedProcess[str]:
        return laurels("queue", *arguments, *places, cwd=tmp_path)

    with Working("work", *places, cwd=tmp_path) as worker:
        assert (queue("parked").returncode, queue("parked").stdout) == (0, "Nothing is parked.\n")
        link.xadd("{lane-7}:events", {"e": b"\xffno event"})
        until(lambda: link.hlen("{lane-7}:parked"))
        worker.stop()
    listed = queue("parked")
    assert listed.returncode == 1
    place, _, told = listed.stdout.partition("  ")
    assert place.startswith("7/")
    assert "(unreadable)  it cannot be read" in told

    assert queue("requeue", place).stdout == f"Requeued {place}\n"
    assert link.xlen("{lane-7}:events") == 1
    again = queue("requeue", place)
    assert (again.returncode, again.stdout) == (1, f"Not parked: {place}\n")
    with Working("work", *places, cwd=tmp_path):
        until(lambda: link.hlen("{lane-7}:parked"))
    place = queue("parked").stdout.split()[0]
    assert queue("discard", place).stdout == f"Discarded {place}\n"
    assert queue("parked").returncode == 0


@pytest.mark.usefixtures("tenant")
def test_nobody_looks_after_what_another_has_parked(places, redis_url, tmp_path, link):
    """Nor hears that nothing is parked where nothing ever is: in the wrong database, say."""
    link.hset("{lane-7}:parked", "1-0", b"another's")

    def queue(*arguments: str) -> subprocess.CompletedProcess[str]:
        return laurels("queue", *arguments, cwd=tmp_path)

    for whose, said in (
        (None, "is nobody's queue"),
        ("another", "is the queue of another installation (another; "),
    ):
        if whose is not None:
            link.set("{laurels}:installation", whose)
        for run in (
            queue("parked", *places),
            queue("requeue", "--all", *places),
            queue("discard", "7/1-0", *places),
        ):
            assert (run.returncode, run.stdout) == (1, "")
            assert said in run.stderr
            assert "Traceback" not in run.stderr
    assert link.hget("{lane-7}:parked", "1-0") == b"another's"

    link.delete("{lane-7}:parked")
    blind = queue("parked", "--queue", redis_url)
    assert (blind.returncode, blind.stdout) == (0, "Nothing is parked.\n")
    assert "the queue of the installation another" in blind.stderr


@pytest.mark.parametrize(
    "arguments", [("requeue",), ("discard",), ("requeue", "--all", "7/1-0"), ("discard", "64/1-0")]
)
def test_entries_are_named_as_they_are_printed(tmp_path, arguments):
    assert laurels("queue", *arguments, "--queue", "redis://cache", cwd=tmp_path).returncode == 2
