"""Streams of a real server, on real sockets: cut off, killed, stopped, and resumed."""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import jwt
import pytest
import urllib3
from tests.e2e.listening import Reader, Timed
from tests.e2e.load import LONG, connections, mint, serve, settings
from tests.e2e.wire import Event, Path, request
from tests.serving import Running

STOP_S_MAX = 3
LIVES = 10 if LONG else 2
FEW_BYTES = 4_096
STUCK = 10
OTHERS_P99_S_MAX = 0.1
ROUNDS = 3
UPDATES_A_STEP = 2
"""A balance, and a mission's progress."""
HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def server(tmp_path):
    with serve(tmp_path) as server:
        yield server


def token_of(server: Running, user: str = "ada") -> str:
    async def ask() -> str:
        async with connections(server.url, 1) as (connection,):
            return await mint(connection, user)

    return asyncio.run(ask())


def walk(server: Running, count: int, user: str = "ada", first: int = 0) -> None:
    """Take some steps, all in one batch."""

    async def ask() -> None:
        async with connections(server.url, 1) as (connection,):
            for start in range(first, first + count, 500):
                end = min(start + 500, first + count)
                events = [Event(user, number, "walk", 1) for number in range(start, end)]
                reply = await connection.ask(request(Path.BATCH, events))
                assert reply.ok, reply

    asyncio.run(ask())


def rss_kib(server: Running) -> int:
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - Path is a route here
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    patience = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < patience
        time.sleep(0.01)


def drain(one: socket.socket) -> None:
    while one.recv(65_536):
        pass


def flood(one: socket.socket) -> None:
    one.settimeout(5)
    for _ in range(1_000):
        one.sendall(HEALTH * 1_000)


def streams_open(server: Running) -> int:
    text = urllib3.request("GET", server.url + "/metrics").data.decode()
    found = re.search(r"^laurels_streams_open (\d+)", text, re.MULTILINE)
    assert found
    return int(found[1])


def p99_s(late_s: list[float]) -> float:
    return sorted(late_s)[len(late_s) * 99 // 100]


class Beside:
    """Ada's readers that do not read, from the first update that waits to the last cut-off."""

    def __init__(self, server: Running, token: str, healthy: list[Timed]) -> None:
        self.server = server
        self.healthy = healthy
        self.stuck = [Reader(server.url, token, receive_bytes=FEW_BYTES) for _ in range(STUCK)]
        until(lambda: streams_open(server) == len(healthy) + STUCK)

    def late_s(self, first: int) -> list[float]:
        """Let everybody walk until the stuck are cut off; return how late each update was heard."""
        known = [len(one.heard_at) for one in self.healthy]
        with ExitStack() as meanwhile:
            for one in self.healthy:
                meanwhile.enter_context(one.listening())
            sent_at = asyncio.run(self._walk(first))
            counts = [count + UPDATES_A_STEP * len(sent_at) for count in known]
            until(lambda: [len(one.heard_at) for one in self.healthy] == counts)
        return [
            heard_at - sent_at[number // UPDATES_A_STEP]
            for one, count in zip(self.healthy, known, strict=True)
            for number, heard_at in enumerate(one.heard_at[count:])
        ]

    async def _walk(self, first: int) -> list[float]:
        sent_at: list[float] = []
        async with connections(self.server.url, 1) as (connection,):
            while len(sent_at) % 25 or streams_open(self.server) > len(self.healthy):
                number = first + len(sent_at)
                assert len(sent_at) < 5_000, "they were never cut off"
                events = [Event(user, number, "walk", 1) for user in ("ada", "bob")]
                sent_at.append(time.monotonic())
                assert (await connection.ask(request(Path.BATCH, events))).ok
                await asyncio.sleep(0.002)
        return sent_at

    def check_cut_off(self) -> None:
        for one in self.stuck:
            with pytest.raises(ConnectionResetError):
                drain(one.socket)
            one.socket.close()


def test_readers_that_do_not_read_are_cut_off_and_slow_nobody(server):
    """On a machine that does other things too, the best of three rounds is what we are like."""
    token = token_of(server)
    with (
        Timed(server.url, token) as ada,
        Timed(server.url, token) as beside_ada,
        Timed(server.url, token_of(server, "bob")) as bob,
    ):
        healthy = [ada.until(": connected"), beside_ada.until(": connected")]
        healthy.append(bob.until(": connected"))
        rounds: list[float] = []
        while not rounds or (min(rounds) > OTHERS_P99_S_MAX and len(rounds) < ROUNDS):
            before = rss_kib(server)
            beside = Beside(server, token, healthy)
            rounds.append(p99_s(beside.late_s(first=len(ada.heard_at) // UPDATES_A_STEP)))
            beside.check_cut_off()
            assert rss_kib(server) - before < STUCK * 1024
        assert min(rounds) <= OTHERS_P99_S_MAX, rounds
        for one in healthy:
            ids = [[*map(int, each.split("."))] for each in one.updates]
            assert ids == sorted(ids)
            assert not one.is_over


def test_a_kill_loses_no_update_and_repeats_none(tmp_path):
    """Whoever comes back with the last id hears the rest, wherever the kill has cut."""
    heard: list[str] = []
    last_id = ""
    with serve(tmp_path) as server:
        token = token_of(server)
    for life in range(LIVES):
        with serve(tmp_path) as server, Reader(server.url, token, last_id) as reader:
            reader.until(": connected")
            walk(server, 300, first=life * 600)
            reader.until(count=50)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            reader.until(over=True)
            heard += reader.updates
            last_id = reader.last_id
        with serve(tmp_path) as server:  # Something happens while nobody listens.
            walk(server, 300, first=life * 600 + 300)
    end = f"id: {LIVES * 600 + 1}."
    with (
        serve(tmp_path) as server,
        Reader(server.url, token, last_id) as reader,
        Reader(server.url, token, "0") as whole,
    ):
        walk(server, 1, first=LIVES * 600)
        whole.until(end).quiet()
        reader.until(end).quiet()

    assert [*heard, *reader.updates] == whole.updates
    assert len(set(whole.updates)) == len(whole.updates) > LIVES * 600


def test_a_stop_ends_every_stream_at_once_and_tells_when_to_come_back(server):
    token = token_of(server)
    readers = [Reader(server.url, token).until(": connected") for _ in range(20)]
    stuck = Reader(server.url, token_of(server, "bob"), receive_bytes=FEW_BYTES)
    until(lambda: streams_open(server) == 21)

    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < STOP_S_MAX

    for reader in readers:
        reader.until(over=True)
        assert "retry: " in reader.text
        assert reader._raw.startswith(b"0\r\n\r\n") or not reader._raw
        reader.socket.close()
    assert len({reader.text.split("retry: ")[1].split()[0] for reader in readers}) > 10
    stuck.socket.close()


def test_who_speaks_http_1_0_gets_no_chunks_and_the_end_is_the_end_of_the_connection(server):
    with Reader(server.url, token_of(server), version="1.0") as reader:
        reader.until(": connected")
        walk(server, 3)
        reader.until(count=3 * UPDATES_A_STEP)
        assert server.stop() == 0
        reader.until(over=True)

    head = reader.head.lower()
    assert reader.status == 200
    assert b"transfer-encoding" not in head
    assert b"content-length" not in head
    assert b"connection: close" in head
    assert reader.text.startswith(": connected\nretry: ")
    assert reader.text.endswith("}\n\n"), "nothing stands around what is said"


def test_a_stream_ends_within_a_second_of_its_token(server):
    now_s = int(time.time())
    claims = {"sub": "ada", "iat": now_s, "exp": now_s + 2, "jti": "short", "tenant": "demo/live"}
    token = jwt.encode(claims, settings()["LAURELS_JWT_SECRET"], algorithm="HS256")

    with Reader(server.url, token) as reader:
        reader.until(": connected").until(over=True)

    assert now_s + 2 <= time.time() < now_s + 3.5
    with Reader(server.url, token) as late:
        late.read(5)
        assert late.status == 401


def test_a_stream_ends_within_a_second_of_its_revocation(server):
    token, other = token_of(server), token_of(server)
    with Reader(server.url, token) as reader, Reader(server.url, other) as stays:
        reader.until(": connected")
        stays.until(": connected")
        begun = time.monotonic()
        reply = urllib3.request(
            "POST", server.url + "/v1/auth/revoke", headers={"Authorization": f"Bearer {token}"}
        )
        assert reply.status == 204
        reader.until(over=True)
        assert time.monotonic() - begun < 1
        assert not stays.quiet().is_over


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_who_goes_is_noticed_at_once(server, is_reset):
    with Reader(server.url, token_of(server)) as reader:
        reader.until(": connected")
        assert streams_open(server) == 1
        if is_reset:
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until(lambda: streams_open(server) == 0, 1)


def test_whoever_asks_for_more_behind_a_stream_has_left_it(server):
    with Reader(server.url, token_of(server)) as reader:
        reader.until(": connected")
        before = rss_kib(server)
        with pytest.raises(ConnectionError):
            flood(reader.socket)
        until(lambda: streams_open(server) == 0, 1)
        assert rss_kib(server) - before < 8 * 1024


def test_a_stream_is_not_opened_in_front_of_requests_that_wait(server):
    with Reader(server.url, token_of(server), more=HEALTH) as reader:
        reader.quiet()
        assert reader.status == 400
        assert b'"error":"connection_shared"' in reader._raw
        assert reader._raw.count(b"HTTP/1.1 200") == 1, "the other is answered all the same"
    assert streams_open(server) == 0


def test_a_connection_serves_others_after_a_stream_was_refused_on_it(server):
    with Reader(server.url, "no token") as reader:
        reader.quiet()
        assert reader.status == 401
        reader.socket.sendall(HEALTH)
        reader.quiet()
        assert b"HTTP/1.1 200" in reader._raw
