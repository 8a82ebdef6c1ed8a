"""A server that starts while Redis is away: it serves all else, and looks before it uses it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    RedisClusterException,
    TryAgainError,
)
from tests.cli.conftest import RULEBOOK
from tests.servers import SLOTS, RedisServer, free_port
from tests.serving import Running, Working, environment, laurels
from tests.waiting import until

from laurels.wiring.gate import reaching
from laurels.wiring.places import QueueNotReached

INSTALLATION = "{laurels}:installation"
AWAY = "Redis is not used yet"
LATER = "/api/v1/ingest/events"
SYNC = "/api/v1/ingest/events/sync"


class Serving:
    """A server that was started with a store and a queue."""

    def __init__(self, running: Running, log: Path) -> None:
        self.running = running
        self.log = log

    def post(self, path: str, key: str) -> urllib3.BaseHTTPResponse:
        event = {"participant_id": "ada", "event_name": "commit_landed", "idempotency_key": key}
        return self._ask("POST", path, json=event)

    def decided(self) -> int:
        answer = self._ask("GET", "/api/v1/gamify/participants/ada/events")
        # Before the first event nobody knows who that is.
        assert answer.status in (200, 404)
        return answer.json()["total"] if answer.status == 200 else 0

    def durability(self) -> str:
        health = self._ask("GET", "/v1/health")
        assert health.status == 200
        return health.json()["durability"]

    def metric(self, name: str) -> float:
        text = self._ask("GET", "/metrics").data.decode()
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    def said(self, words: str) -> int:
        return self.log.read_text("utf-8").count(words)

    def _ask(self, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
        headers = {"X-API-Key": self.running.secrets()["LAURELS_BOOTSTRAP_API_KEY"]}
        url = self.running.url + path
        return urllib3.request(method, url, headers=headers, retries=False, timeout=10, **more)


@pytest.fixture
def serve(postgres_url: str, tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def serving(queue: str, **settings: str) -> Iterator[Serving]:
        places = ("--store", postgres_url, "--queue", queue)
        command = ("serve", "--port", 0, "--rulebook", RULEBOOK, *places)
        log = tmp_path / "log"
        env = environment(**settings)
        with Running(*command, cwd=tmp_path, env=env, log=log) as running:
            yield Serving(running, log)
            assert running.stop() == 0

    return serving


@contextmanager
def lost(link: Any, slot: int) -> Iterator[Callable[[], None]]:
    """Let a node of a cluster know of nobody who has a slot."""
    is_lost = True

    def give_back() -> None:
        nonlocal is_lost
        if is_lost:
            is_lost = False
            link.execute_command("CLUSTER ADDSLOTS", slot)

    link.execute_command("CLUSTER DELSLOTS", slot)
    try:
        yield give_back
    finally:
        give_back()


def check_without_redis(server: Serving, key: str) -> None:
    before = server.decided()
    assert server.post(SYNC, key).status == 200
    assert server.decided() == before + 1
    refused = server.post(LATER, f"{key}-later")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    # It may be known already how well Redis would keep things, if nothing more.
    assert server.durability() in ("strict", "buffered")


def check_in_use(server: Serving) -> None:
    until(lambda: server.post(LATER, "in-use").status == 202)


def test_it_serves_all_else_and_goes_on_as_if_redis_had_been_there(serve, postgres_url, tmp_path):
    port = free_port()
    with serve(f"redis://127.0.0.1:{port}/0", LAURELS_RATE_LIMIT_KEY="1000") as server:
        check_without_redis(server, "a")
        assert server.metric("laurels_limits_shared") == 0
        assert server.durability() == "strict"
        assert server.said(AWAY) == 1
        with RedisServer(port=port) as redis, redis.client() as link:
            check_in_use(server)
            assert server.durability() == "buffered"
            places = ("--store", postgres_url, "--queue", redis.url)
            with Working("work", *places, cwd=tmp_path) as worker:
                until(lambda: server.decided() == 2)
                assert worker.stop() == 0
            # Streams of others hear of it, its receipts are shared, and so are limits.
            until(lambda: dict(link.pubsub_numsub("laurels:moved"))[b"laurels:moved"])
            assert server.post(SYNC, "b").status == 200
            until(lambda: list(link.scan_iter("{laurels-*}:receipt:*")))
            until(lambda: server.metric("laurels_limits_shared") == 1)
            assert list(link.scan_iter("{laurels-*}:rate:*"))


def test_events_go_to_the_store_where_that_is_set(serve):
    with serve(f"redis://127.0.0.1:{free_port()}/0", LAURELS_QUEUE_DOWN="store") as server:
        assert server.post(LATER, "a").status == 202
        assert server.decided() == 1


def test_a_redis_that_does_not_answer_is_away(serve):
    with RedisServer() as redis:
        redis.process.send_signal(signal.SIGSTOP)
        with serve(redis.url) as server:
            check_without_redis(server, "a")
            redis.process.send_signal(signal.SIGCONT)
            check_in_use(server)


def test_a_cluster_that_lacks_a_part_is_away(serve, redis_cluster):
    redis_cluster.flush()
    with redis_cluster.nodes[0].client() as link:
        slot = link.execute_command("CLUSTER KEYSLOT", INSTALLATION)
    owner = redis_cluster.nodes[slot * len(redis_cluster.nodes) // SLOTS]
    with (
        owner.client() as link,
        lost(link, slot) as give_back,
        serve(redis_cluster.url) as server,
    ):
        check_without_redis(server, "a")
        assert server.said(AWAY) == 1
        give_back()
        check_in_use(server)


@pytest.mark.parametrize(
    "problem", [BusyLoadingError(), MasterDownError(""), TryAgainError(), RedisClusterException()]
)
def test_what_may_be_over_by_itself_is_waited_for(problem):
    with pytest.raises(QueueNotReached), reaching("redis://cache"):
        raise problem


def test_a_redis_that_may_drop_events_is_never_written_to(serve):
    port = free_port()
    with serve(f"redis://127.0.0.1:{port}/0") as server:
        assert server.post(LATER, "a").status == 503
        with (
            RedisServer(port=port, maxmemory_policy="allkeys-lru") as redis,
            redis.client() as link,
        ):
            until(lambda: server.said("has maxmemory-policy = allkeys-lru"))
            check_without_redis(server, "b")
            assert link.keys() == []
            # Once it is right it is used.
            link.config_set("maxmemory-policy", "noeviction")
            check_in_use(server)
        assert server.said("allkeys-lru") == 1


def test_a_redis_of_another_installation_is_never_written_to(serve):
    with RedisServer(appendfsync="always") as redis:
        with redis.client() as link:
            link.set(INSTALLATION, "another")
        redis.kill()
        with serve(redis.url) as server:
            assert server.post(LATER, "a").status == 503
            redis.restart()
            with redis.client() as link:
                until(lambda: server.said("is the queue of another installation (another;"))
                check_without_redis(server, "b")
                assert link.keys() == [INSTALLATION.encode()]
                assert link.get(INSTALLATION) == b"another"


@pytest.mark.usefixtures("postgres_url")
def test_wrong_settings_are_refused_at_a_start_while_redis_is_there(postgres_url, tmp_path):
    with RedisServer(requirepass="hunter2") as redis:
        no_password = redis.url.replace(":hunter2@", "")
        for queue in (no_password, redis.url.replace("hunter2", "hunter3")):
            places = ("--store", postgres_url, "--queue", queue)
            run = laurels("serve", "--port", 0, *places, cwd=tmp_path)
            assert run.returncode == 1
            assert "Traceback" not in run.stderr
