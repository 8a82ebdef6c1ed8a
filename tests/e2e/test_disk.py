"""A disk with no room: nothing is promised, nothing is lost, and it goes on when there is room."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.e2e.load import STORE, Load, connections, mint, serve
from tests.e2e.log import reconcile, stored, verified
from tests.e2e.wire import API_KEY, Event, Path, Reply, request, spell
from tests.serving import Running

STORM_S = 0.4


@contextmanager
def no_room(server: Running) -> Iterator[None]:
    """Let no file of the server grow; what is in it may be written over."""
    pid = server.process.pid
    files = [file for file in server.cwd.iterdir() if file.name.startswith(STORE)]
    smallest = min(file.stat().st_size for file in files if file.suffix == ".db-wal")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (smallest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def is_refused(reply: Reply) -> bool:
    return (
        reply.status == 503
        and reply.body["error"] == "unavailable"
        and int(reply.headers["retry-after"]) >= 1
    )


@pytest.mark.parametrize("path", Path)
def test_without_room_a_write_is_refused_and_a_read_is_not(tmp_path, path):
    kept, later = Event("ada", 1), Event("ada", 2)
    history = spell("/api/v1/gamify/participants/ada/events", None, f"x-api-key: {API_KEY}")

    async def fill() -> None:
        async with connections(server.url, 1) as (connection,):
            token = await mint(connection, "ada")
            assert (await connection.ask(request(path, [kept], token))).ok
            with no_room(server):
                for _ in range(3):
                    assert is_refused(await connection.ask(request(path, [later], token)))
                page = await connection.ask(history)
                assert page.status == 200
                assert page.body["total"] == 1
                assert server.process.poll() is None
            assert (await connection.ask(request(path, [later], token))).ok

    with serve(tmp_path) as server:
        asyncio.run(fill())
    assert [row.key for row in stored(tmp_path / STORE).events] == [kept.key, later.key]
    assert not verified(tmp_path / STORE)


def test_a_disk_that_fills_under_load_breaks_no_promise(tmp_path):
    load = Load(2)

    async def storm() -> None:
        clients = asyncio.create_task(load.storm(server.url, 3 * STORM_S, server.process.terminate))
        await asyncio.sleep(STORM_S)
        with no_room(server):
            await asyncio.sleep(STORM_S)
            assert load.log.refused
        kept = len(load.log.first)
        await asyncio.sleep(STORM_S / 2)
        assert len(load.log.first) > kept
        await clients

    with serve(tmp_path) as server:
        asyncio.run(load.prepare(server.url))
        asyncio.run(storm())
        assert server.process.wait(10) == 0
    assert all(is_refused(reply) for reply in load.log.refused)
    assert not reconcile(load.log, stored(tmp_path / STORE))

    with serve(tmp_path) as server:
        asyncio.run(load.resend(server.url))
    held = stored(tmp_path / STORE)
    assert not reconcile(load.log, held)
    assert {row.key for row in held.events} == load.log.sent.keys()
    assert not verified(tmp_path / STORE)
