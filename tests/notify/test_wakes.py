"""What processes tell each other: soon, together, without news, and whatever becomes of Redis."""

import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from tests.cast import CAFE, SHOP, SteadyClock, a_stage
from tests.servers import RedisServer
from tests.waiting import until

from laurels.engine.engine import Engine
from laurels.link import connect_blocking
from laurels.notify.listener import Listener
from laurels.notify.neighbours import CLOSE_S_MAX, Neighbours
from laurels.notify.teller import GAP_S, Teller
from laurels.notify.wake import TENANTS_NAMED_MAX, hearing_moved, write_moved

RULEBOOK = "earn: [{id: one, event: buy, points: 5}]"
OTHER = b"another."


class Heard:
    """Keeps what was heard, on whichever thread."""

    def __init__(self):
        self.all = []

    def hear(self, what=None):
        self.all.append(what)


def test_who_leaves_waits_for_nobody_who_is_silent():
    silent = threading.Event()

    def connect() -> Any:
        silent.wait(30)
        raise ConnectionError

    neighbours = Neighbours(connect, SteadyClock(), lambda _: False)
    neighbours.hear(revoked=lambda: None)
    neighbours.start()
    neighbours.teller.revoked()
    begun = time.monotonic()
    neighbours.close()
    took_s = time.monotonic() - begun
    silent.set()

    assert took_s < 1.5 * CLOSE_S_MAX


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        yield stage


@pytest.fixture
def records(stage):
    """Two records of two tenants."""
    found = []

    class Recorder:
        def moved(self, records):
            found.extend(records)

    stage.store.registry.put_rulebook(CAFE, RULEBOOK, stage.clock.at)
    engine = Engine(stage.store, stage.clock, notifier=Recorder())
    engine.submit([stage.event("buy", key="k"), stage.event("buy", world=CAFE)])
    return found


@contextmanager
def telling(url):
    teller = Teller(lambda: connect_blocking(url), SteadyClock(), lambda _: False)
    teller.start()
    try:
        yield teller
    finally:
        teller.stop()
        teller.join(3)


@contextmanager
def listening(url, **hearings: Any):
    by_topic: Any = hearings
    listener = Listener(lambda: connect_blocking(url), by_topic)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()
        listener.join(3)


def test_others_hear_of_a_commit_and_of_whose_it_was(redis, records):
    heard = Heard()
    with (
        listening(redis.url, moved=hearing_moved(heard.hear, OTHER)),
        telling(redis.url) as teller,
    ):
        until(lambda: heard.all)
        teller.moved(records)
        until(lambda: len(heard.all) > 1)

    assert heard.all == [None, sorted((SHOP, CAFE))]


def test_nobody_hears_themselves(redis_server, records):
    heard, all_heard = Heard(), Heard()
    moved = hearing_moved(heard.hear)

    def both(message):
        moved(message)
        all_heard.hear(message)

    with listening(redis_server.url, moved=both), telling(redis_server.url) as teller:
        until(lambda: heard.all)
        teller.moved(records)
        until(lambda: len(all_heard.all) > 1)

    assert heard.all == [None]


def test_revocations_and_arrivals_are_told(redis):
    revoked, arrived = Heard(), Heard()
    with (
        listening(redis.url, revoked=revoked.hear, arrived=arrived.hear),
        telling(redis.url) as teller,
    ):
        until(lambda: revoked.all and arrived.all)
        teller.revoked()
        until(lambda: len(revoked.all) > 1)
        teller.arrived()
        until(lambda: len(arrived.all) > 1)

    assert revoked.all == [None, b""]
    assert arrived.all == [None, b""]


def test_what_happens_at_once_is_told_as_one(redis_server, records):
    heard = Heard()
    with listening(redis_server.url, moved=heard.hear), telling(redis_server.url) as teller:
        until(lambda: heard.all)
        begun = time.monotonic()
        calls = 0
        while time.monotonic() - begun < 0.5:
            teller.moved(records)
            calls += 1
            time.sleep(0.001)
        time.sleep(2 * GAP_S)
        took = time.monotonic() - begun
    told = len(heard.all) - 1

    assert calls > 100
    assert told <= took / GAP_S + 2
    assert told > 5


def test_too_many_tenants_are_any():
    heard = Heard()
    hearing = hearing_moved(heard.hear, OTHER)
    names = [f"t{number}/live" for number in range(TENANTS_NAMED_MAX + 1)]

    hearing(write_moved(names[1:]))
    hearing(write_moved(names))
    hearing(write_moved(None))
    hearing(b"\xc1 of another version")
    hearing(None)

    assert heard.all == [sorted(names[1:]), None, None, None, None]


def test_what_was_missed_while_redis_was_away_comes_down_to_one(records, caplog):
    """Nobody who tells is held up, nothing piles up, and both ends find back by themselves."""
    heard, revoked = Heard(), Heard()
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer())
        teller = stack.enter_context(telling(server.url))
        stack.enter_context(
            listening(server.url, moved=hearing_moved(heard.hear, OTHER), revoked=revoked.hear)
        )
        until(lambda: heard.all and revoked.all)
        teller.moved(records)
        until(lambda: len(heard.all) > 1)
        server.kill()
        begun = time.monotonic()
        for _ in range(10_000):
            teller.moved(records)
        teller.revoked()
        assert time.monotonic() - begun < 1
        time.sleep(0.3)
        server.restart()
        until(lambda: len(heard.all) > 2 and len(revoked.all) > 1)
        until(lambda: "others are told again" in caplog.text)
        teller.moved(records[:1])
        until(lambda: [records[0].command.tenant] in heard.all)

    assert heard.all[2] is None, "any may have moved meanwhile"
    said = [record.message for record in caplog.records if record.name == "laurels.notify"]
    assert len([line for line in said if "is away" in line]) == 2
    assert len([line for line in said if "is back" in line]) == 2


def test_who_starts_without_redis_hears_as_soon_as_it_is_there(records):
    heard = Heard()
    with RedisServer() as server:
        server.kill()
        with listening(server.url, moved=heard.hear), telling(server.url) as teller:
            teller.moved(records)
            time.sleep(0.15)
            assert not heard.all
            server.restart()
            until(lambda: heard.all)


def test_what_is_told_last_is_told_before_the_end(redis_server):
    heard = Heard()
    with listening(redis_server.url, revoked=heard.hear):
        until(lambda: heard.all)
        with telling(redis_server.url) as teller:
            teller.revoked()
            teller.revoked()
        until(lambda: len(heard.all) > 1)


def test_closing_takes_no_longer_without_redis(records):
    with RedisServer() as server:
        teller = Teller(lambda: connect_blocking(server.url), SteadyClock(), lambda _: False)
        teller.start()
        server.kill()
        teller.moved(records)
        begun = time.monotonic()
        teller.stop()
        teller.join(3)

    assert time.monotonic() - begun < 4
    assert "laurels-teller" not in [thread.name for thread in threading.enumerate()]


def test_a_hearing_that_fails_does_not_end_the_listening(redis_server, caplog):
    heard = Heard()

    def fail(message):
        heard.hear(message)
        raise ValueError

    with listening(redis_server.url, revoked=fail), telling(redis_server.url) as teller:
        until(lambda: heard.all)
        teller.revoked()
        until(lambda: len(heard.all) > 1)

    assert "could not be heard" in caplog.text


def test_nothing_waits_that_nobody_tells(redis_server, records, monkeypatch):
    """However long Redis is away, so many receipts and tenants are held, and no more."""
    monkeypatch.setattr("laurels.notify.teller.RECEIPTS_TO_SHARE_MAX", 10)
    teller = Teller(lambda: connect_blocking(redis_server.url), SteadyClock(), lambda _: False)

    for _ in range(100):
        teller.moved(records)

    assert len(teller._untold.records) == 10
    assert teller._untold.tenants == {SHOP, CAFE}


def test_a_company_of_workers_hears_of_arrivals_alone(redis_server, stage):
    arrived = Heard()
    connecting = partial(connect_blocking, redis_server.url)
    worker = Neighbours(connecting, stage.clock, lambda _: False)
    server = Neighbours(connecting, stage.clock, lambda _: False)
    worker.hear(arrived=lambda: arrived.hear("one"))
    worker.start()
    server.start()
    until(lambda: arrived.all)
    server.teller.revoked()
    server.teller.arrived()
    until(lambda: len(arrived.all) > 1)
    server.close()
    worker.close()

    assert arrived.all == ["one", "one"]
