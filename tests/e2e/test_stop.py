"""SIGTERM under load: what was asked is answered, and what was answered is kept."""

import asyncio
import signal
import time

import pytest
import urllib3
from tests.e2e.load import STORE, Load, connections, serve, volley
from tests.e2e.log import reconcile, stored, verified
from tests.e2e.wire import Event, Path, acks_of, request

STOP_S_MAX = 10
IN_FLIGHT = 32
BATCH = 200
READ_BY_THEN_S = 0.05


def test_a_stop_under_load_loses_nothing(tmp_path):
    load = Load(1)
    with serve(tmp_path) as server:
        asyncio.run(load.prepare(server.url))
        asyncio.run(load.storm(server.url, 0.4, server.process.terminate))
        begun = time.monotonic()
        assert server.process.wait(STOP_S_MAX) == 0
        assert time.monotonic() - begun < STOP_S_MAX
    assert load.log.acked
    assert not load.log.refused
    assert not reconcile(load.log, stored(tmp_path / STORE))

    with serve(tmp_path) as server:
        asyncio.run(load.resend(server.url))
        asyncio.run(load.repeat(server.url, sorted(load.log.acked)))
    held = stored(tmp_path / STORE)
    assert not reconcile(load.log, held)
    assert {row.key for row in held.events} == load.log.sent.keys()
    assert not verified(tmp_path / STORE)


def test_whoever_asks_anew_hears_of_the_stop_before_the_door_is_closed(tmp_path):
    """So that a load balancer sends nobody to a server that is about to hang up."""

    def ask() -> urllib3.BaseHTTPResponse:
        headers = {"Connection": "close"}  # Each time by a new connection.
        return urllib3.request("GET", server.url + "/v1/health", headers=headers, retries=False)

    with serve(tmp_path) as server:
        assert ask().status == 200
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        while (reply := ask()).status == 200:
            assert time.monotonic() - begun < STOP_S_MAX
        assert (reply.status, reply.json()["ok"]) == (503, False)
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.headers["connection"] == "close"
        assert server.process.wait(STOP_S_MAX) == 0
        with pytest.raises(urllib3.exceptions.NewConnectionError):
            ask()


def test_a_stop_waits_for_the_requests_that_have_arrived(tmp_path):
    batches = [
        [Event("ada", start + number) for number in range(BATCH)]
        for start in range(0, IN_FLIGHT * BATCH, BATCH)
    ]

    async def stop() -> None:
        async with connections(server.url, IN_FLIGHT) as opened:
            asked = asyncio.create_task(
                volley(opened, [request(Path.BATCH, batch) for batch in batches])
            )
            await asyncio.sleep(READ_BY_THEN_S)
            assert not asked.done()
            server.process.send_signal(signal.SIGTERM)
            for reply in await asked:
                assert reply.status == 202
                assert all(ack.first for ack in acks_of(Path.BATCH, reply))

    with serve(tmp_path) as server:
        asyncio.run(stop())
        assert server.process.wait(STOP_S_MAX) == 0
    assert len(stored(tmp_path / STORE).events) == IN_FLIGHT * BATCH
