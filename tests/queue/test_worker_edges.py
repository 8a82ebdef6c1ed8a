"""Deciding what waits on bad days: a store that is away, lanes that go to others, bugs of ours."""

import logging
import threading
import time
from typing import Any

import pytest
from tests.queue.line import Died, a_line

from laurels.core.errors import Unavailable
from laurels.engine import worker as module
from laurels.engine.queue import LANES
from laurels.engine.worker import DEATHS_MAX, FAILURES_MAX, Worker
from laurels.queue.names import HOLDERS, WORKERS, lane_of
from laurels.queue.reading import RedisReader

PEOPLE = 30


@pytest.fixture
def line(redis_url, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    with a_line(redis_url, tmp_path) as line:
        yield line
        assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


@pytest.fixture
def events(line):
    """One of each of many, on most of the lanes."""
    events = [line.stage.event("quiz", f"p{n}") for n in range(PEOPLE)]
    line.append(*events)
    line.free()
    return events


class Away:
    """A store that is away for some times, and an engine that says so in either of its ways."""

    def __init__(self, engine, times: int, *, raises: bool = True) -> None:
        self.engine = engine
        self.times = times
        self.raises = raises
        self.sizes: list[int] = []
        self.asked = threading.Event()

    def is_ready(self) -> bool:
        self.times -= 1
        return self.times < 0

    def submit(self, commands, *, waited):
        self.sizes.append(len(commands))
        self.asked.set()
        self.times -= 1
        if self.times < 0:
            return self.engine.submit(commands, waited=waited)
        if self.raises:
            raise Unavailable
        return [Unavailable() for _ in commands]


def worker_of(line, away: Away) -> Worker:
    engine: Any = away
    return Worker(engine, line.reader(), line.stage.clock, is_ready=away.is_ready)


def hand_out(line) -> None:
    """Let somebody die of what waits, so that it is tried alone."""

    def die(_):
        raise Died

    with pytest.raises(Died):
        line.worker(die).step()
    line.free()


def balances(line) -> set[int]:
    return {line.stage.balance(f"p{n}") for n in range(PEOPLE)}


@pytest.mark.usefixtures("events")
def test_a_batch_waits_as_it_is_until_the_store_is_back(line):
    away = Away(line.stage.engine, 4)

    worker_of(line, away).step()

    assert away.sizes == [PEOPLE] * 3
    assert balances(line) == {5}


@pytest.mark.usefixtures("events")
def test_to_be_stopped_while_the_store_is_away_is_nobodys_death(line):
    sizes: set[int] = set()
    for _ in range(DEATHS_MAX + 1):
        away = Away(line.stage.engine, 10**9)
        worker = worker_of(line, away)
        worker.start()
        assert away.asked.wait(5)
        assert worker.is_running
        worker.close(5)
        assert not worker.is_running
        assert line.left() == PEOPLE
        sizes |= set(away.sizes)
    assert sizes == {PEOPLE, 1}, "together at first, then each alone"

    line.drain()

    assert line.parked.listed(9) == []
    assert balances(line) == {5}


def test_a_store_that_went_away_in_the_middle_is_not_held_against_an_event(line, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S_MAX", module.PAUSE_S_MIN)
    event = line.stage.event("quiz")
    line.append(event)
    line.free()
    away = Away(line.stage.engine, 2 * FAILURES_MAX, raises=False)

    line.drain(worker_of(line, away))

    assert line.parked.listed(9) == []
    assert [entry.command for entry in line.stage.journal()] == [event.id]


class Broken:
    """An engine with a bug that one event brings out."""

    def __init__(self, engine, odd: str) -> None:
        self.engine = engine
        self.odd = odd

    def submit(self, commands, *, waited):
        if any(command.id == self.odd for command in commands):
            raise ValueError(self.odd)
        return self.engine.submit(commands, waited=waited)


def test_an_event_that_brings_out_a_bug_is_parked_with_what_it_was(line, events):
    odd = events[7]

    line.drain(line.worker(engine=Broken(line.stage.engine, odd.id)))

    (parked,) = line.parked.listed(9)
    assert (parked.event, parked.reason) == (odd, f"ValueError('{odd.id}')")
    assert len(line.stage.journal()) == PEOPLE - 1
    line.parked.discard(parked.lane, parked.id)


def test_what_is_refused_alone_is_parked_at_once(line):
    event = line.stage.event("quiz", score=10**12)
    line.append(event)
    line.free()
    hand_out(line)
    reads = "earn: [{id: quiz, event: quiz, points: {of: score, times: 1}}]"
    line.stage.store.registry.put_rulebook("shop/live", reads, 0)
    points: list[str] = []

    line.worker(points.append).step()

    assert points == ["read", "alone", "committed", "parked"]
    (parked,) = line.parked.listed(9)
    assert (parked.event, "score" in parked.reason) == (event, True)
    line.parked.discard(parked.lane, parked.id)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("point", ["read", "committed", "acknowledged"])
def test_a_worker_that_stumbles_goes_on_where_it_was(line, point):
    stumbles: list[str] = []

    def reached(at):
        if at == point and not stumbles:
            stumbles.append(at)
            raise RuntimeError(at)

    worker = line.worker(reached)
    assert not worker.step()
    line.drain(worker)

    assert stumbles == [point]
    assert balances(line) == {5}
    assert len(line.stage.journal()) == PEOPLE


@pytest.mark.usefixtures("events")
def test_a_worker_that_gets_nowhere_lets_go_of_its_lanes(line):
    gate, entered = threading.Event(), threading.Event()
    engine: Any = line.stage.engine

    class Stuck:
        def submit(self, commands, *, waited):
            entered.set()
            gate.wait(20)
            return engine.submit(commands, waited=waited)

    stuck, heir = line.worker(engine=Stuck()), line.worker()
    stuck.start()
    assert entered.wait(5)
    stuck._moved_at -= 2 * module.STUCK_S
    heir.start()
    try:
        until = time.monotonic() + 8
        while line.left() and time.monotonic() < until:
            time.sleep(0.01)
        assert line.left() == 0
        heir.close(5)
    finally:
        gate.set()
        heir.close(5)
        stuck.close(5)

    assert not stuck.is_running
    assert balances(line) == {5}
    assert len(line.stage.journal()) == PEOPLE


class Breathless(RedisReader):
    """A reader whose beats take their time on the way."""

    gone = threading.Event()

    def beat(self):
        self.gone.set()
        time.sleep(0.05)
        super().beat()


def test_who_has_left_does_not_count_as_alive(line, events):
    """Else whoever comes next leaves it half of the lanes, and the events in them wait."""
    reader = Breathless(line.link)
    worker = line.worker(reader=reader)
    worker.start()
    while line.left():
        time.sleep(0.01)
    reader.gone.clear()
    assert reader.gone.wait(5), "a beat is on its way"
    worker.close(5)
    time.sleep(0.1)

    assert line.link.zcard(WORKERS) == 0
    assert not any(line.link.exists(name) for name in HOLDERS)
    assert balances(line) == {5}


def test_what_was_to_be_tried_alone_goes_with_its_lane(line, events, monkeypatch):
    """Else two would try it, and each count the other's trials as deaths."""
    monkeypatch.setattr(module, "PAUSE_S_MAX", 0.001)
    monkeypatch.setattr(module, "PAUSE_S_MIN", 0.001)
    hand_out(line)
    asked: list[str] = []

    class Choosy:
        def submit(self, commands, *, waited):
            asked.extend(command.id for command in commands)
            raise Unavailable

    worker, other = line.worker(engine=Choosy()), line.reader()
    worker.step()
    other.beat()
    worker._reader.beat()
    asked.clear()
    worker._shared_at = 0.0
    for _ in range(3):
        worker.step()

    held = set(worker._reader.held)
    lanes = {event.id: lane_of(event) for event in events}
    assert 0 < len(held) < LANES
    assert asked
    assert {lanes[id_] for id_ in asked} <= held
    line.drain()
    assert balances(line) == {5}


def test_a_lane_that_another_takes_at_the_same_moment_is_theirs(line):
    other = line.reader()
    other.beat()

    class Late(RedisReader):
        def _ask(self, calls):
            answers = super()._ask(calls)
            other.share()
            return answers

    late = Late(line.link)
    late.share()

    assert (len(other.held), len(late.held)) == (LANES, 0)


class Interrupted(RedisReader):
    """A reader whose queue goes away between a trial and the news of its end."""

    times = 2

    def failed(self, entry):
        self._go_away()
        super().failed(entry)

    def spared(self, entry):
        self._go_away()
        super().spared(entry)

    def _go_away(self):
        self.times -= 1
        if self.times >= 0:
            raise Unavailable


def test_a_queue_that_goes_away_during_a_trial_is_nobodys_death(line):
    """Not for the next worker either, which has the lanes by then."""
    event = line.stage.event("quiz")
    line.append(event)
    line.free()
    hand_out(line)
    for _ in range(DEATHS_MAX + 1):
        worker = line.worker(
            engine=Broken(line.stage.engine, event.id), reader=Interrupted(line.link)
        )
        for _ in range(2):
            assert not worker.step()
        worker._settle()
        line.free()

    line.drain()

    assert line.parked.listed(9) == []
    assert [entry.command for entry in line.stage.journal()] == [event.id]


def test_a_trial_is_noted_once_however_often_that_is_sent(line):
    """As it is when a connection is lost before the answer came."""
    line.append(line.stage.event("quiz"))
    line.free()
    hand_out(line)
    first, second = line.reader(), line.reader()
    first.beat()
    first.share()
    (entry,) = first.read(first.held, 1)

    assert [first.begin(entry) for _ in range(3)] == [(0, 0)] * 3
    assert [second.begin(entry) for _ in range(3)] == [(0, 1)] * 3
    for _ in range(3):
        second.failed(entry)
    assert second.begin(entry) == (1, 1)
    for _ in range(3):
        second.spared(entry)
        first.spared(entry)
    assert line.reader().begin(entry) == (1, 0)
    first.leave()
    line.drain()


def test_to_be_killed_while_the_store_is_away_is_nobodys_death(line):
    """Whoever is, is not trying anything then."""
    event = line.stage.event("quiz")
    line.append(event)
    for _ in range(DEATHS_MAX + 1):
        line.free()
        hand_out(line)
        away = Away(line.stage.engine, 10**9)
        worker = worker_of(line, away)
        for _ in range(3):
            assert not worker.step()
        tried = len(away.sizes)
        assert tried == 1, "then it is asked first whether the store is there"

    line.drain()

    assert line.parked.listed(9) == []
    assert [entry.command for entry in line.stage.journal()] == [event.id]


@pytest.mark.usefixtures("events")
def test_a_round_that_takes_long_goes_on_where_it_was(line, monkeypatch):
    """Else those in the last lanes would never have their turn, and others wait for a whole one."""
    monkeypatch.setattr(module, "ALONE_S", 0.0001)
    hand_out(line)
    tried: list[int] = []

    class Slow:
        def submit(self, commands, *, waited):
            tried.append(lane_of(commands[0]))
            time.sleep(0.001)
            raise ValueError

        def has_decided(self, command):
            return False

    worker = line.worker(engine=Slow())
    lanes = {lane_of(line.stage.event("quiz", f"p{n}")) for n in range(PEOPLE)}
    for n in range(1, 2 * len(lanes) + 1):
        worker.step()
        assert len(tried) == n, "one a step"

    assert sorted(tried[: len(lanes)]) == sorted(lanes)
    assert tried[len(lanes) :] == tried[: len(lanes)]
    line.free()
    line.drain()
    assert balances(line) == {5}
