"""Deciding what waits: nothing lost, nothing twice, nobody held up by what cannot be decided."""

import logging
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pytest
from msgspec.structs import replace
from tests.cast import HOUR
from tests.queue.line import Died, Line

from laurels.core.errors import Unavailable
from laurels.engine.queue import CLAIM_LIFETIME_MS, CLAIM_SETTLED_MS, LANES
from laurels.engine.worker import DEATHS_NEAR_MAX
from laurels.queue.names import STREAMS, claim_of, lane_of
from laurels.queue.reading import RedisReader
from laurels.queue.text import encode

HEAD_OF_LINE_S_MAX = 0.25


@pytest.fixture(autouse=True)
def quiet(caplog):
    """What is logged on bad days is told only when a test fails."""
    caplog.set_level(logging.CRITICAL)


@contextmanager
def spoilt(line: Line, who: str) -> Generator[None]:
    """Make a participant's state such that nothing of theirs can be decided, nor parked."""
    line.stage.tell("quiz", who)
    ((state,),) = line.stage.rows("SELECT state FROM participants WHERE id = ?", who)
    line.stage.rows("UPDATE participants SET state = '[' WHERE id = ?", who)
    line.stage.reopen()
    yield
    line.stage.rows("UPDATE participants SET state = ? WHERE id = ?", state, who)
    line.stage.reopen()


def quizzes(line: Line, *, people: int, each: int):
    return [line.stage.event("quiz", f"p{n % people}", f"k{n}", n=n) for n in range(people * each)]


def test_what_waits_is_decided_in_batches_and_removed(line):
    events = quizzes(line, people=40, each=5)
    line.append(*events)

    line.drain()

    assert [line.stage.balance(f"p{n}") for n in range(40)] == [25] * 40
    assert {entry.command for entry in line.stage.journal()} == {event.id for event in events}
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


def test_a_participants_events_are_decided_in_the_order_they_came(line):
    events = [line.stage.event("quiz", f"p{n % 3}", f"k{n}") for n in range(600)]
    for at in range(0, 600, 50):
        line.append(*events[at : at + 50])

    line.drain()

    for who in ("p0", "p1", "p2"):
        decided = [one.command for one in line.stage.journal() if one.participant == who]
        assert decided == [event.id for event in events if event.participant == who]


def test_a_crowd_in_one_lane_does_not_keep_the_other_lanes_waiting(line):
    busy, quiet = line.stage.event("quiz", "ann"), line.stage.event("quiz", "bob")
    assert lane_of(busy) != lane_of(quiet)
    line.append(*(line.stage.event("quiz", "ann") for _ in range(1500)))
    line.append(quiet)
    line.free()

    worker = line.worker()
    for _ in range(2):
        worker.step()

    assert line.stage.balance("bob") == 5
    line.drain(worker)
    assert line.stage.balance("ann") == 7500


def test_an_event_that_was_read_and_not_acknowledged_is_handed_out_first(line):
    first, second = line.stage.event("quiz", "ann", "1"), line.stage.event("quiz", "ann", "2")
    line.append(first)
    reader = line.reader()
    reader.beat()
    reader.share()
    (entry,) = reader.read(reader.held, 10)
    line.append(second)
    line.free()

    line.drain()

    assert not entry.is_again
    assert [one.command for one in line.stage.journal()] == [first.id, second.id]


def test_two_who_hold_a_lane_do_no_harm(line):
    """One pauses after reading; another takes over, decides everything; then it goes on."""
    events = quizzes(line, people=10, each=3)
    line.append(*events)

    def take_over(point):
        if point == "read":
            line.free()
            line.drain()
            assert line.left() == 0

    line.free()
    slow = line.worker(take_over)
    slow.step()

    assert [line.stage.balance(f"p{n}") for n in range(10)] == [15] * 10
    assert len(line.stage.journal()) == 30
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


def test_whoever_lost_a_lane_reads_nothing_new_in_it(line):
    old, new = line.reader(), line.reader()
    for reader in (old, new):
        line.free()
        reader.beat()
        reader.share()
    line.append(line.stage.event("quiz"))

    assert old.read(range(LANES), 10) == []
    assert list(old.held) != list(new.held)
    (entry,) = new.read(range(LANES), 10)
    assert not entry.is_again


def test_lanes_are_shared_fairly_and_given_back(line):
    line.free()
    readers = [line.reader() for _ in range(3)]

    for _ in range(3):
        for reader in readers:
            reader.beat()
            reader.share()
    held = [set(reader.held) for reader in readers]
    assert set.union(*held) == set(range(LANES))
    assert sorted(map(len, held)) == [20, 22, 22]

    readers.pop().leave()
    for _ in range(2):
        for reader in readers:
            reader.beat()
            reader.share()
    assert [len(reader.held) for reader in readers] == [32, 32]


def test_another_worker_goes_on_within_two_seconds_of_a_death(line):
    line.free()
    dead = line.worker(_die_at("read"))
    dead._reader.beat()
    dead._reader.share()
    line.append(*quizzes(line, people=50, each=2))
    with pytest.raises(Died):
        dead.step()
    heir, died_at = line.worker(), time.monotonic()
    heir.start()

    left, goes_on_s = line.left(), None
    while line.left() and time.monotonic() < died_at + 10:
        if goes_on_s is None and line.left() < left:
            goes_on_s = time.monotonic() - died_at
        time.sleep(0.01)
    heir.close()

    assert sum(line.stage.balance(f"p{n}") for n in range(50)) == 500
    assert goes_on_s is not None
    assert goes_on_s < 2


def test_a_worker_decides_soon_what_it_is_woken_for_and_gives_back_its_lanes(line):
    line.free()
    worker = line.worker()
    worker.start()
    try:
        for n in range(20):
            line.append(line.stage.event("quiz", "ann", f"k{n}"))
            worker.wake()
        until = time.monotonic() + 5
        while line.left() and time.monotonic() < until:
            time.sleep(0.005)
    finally:
        worker.close()

    assert line.stage.balance() == 100
    assert not worker._reader.held
    other = line.reader()
    other.beat()
    other.share()
    assert len(other.held) == LANES


def test_who_comes_back_a_day_and_an_hour_after_the_commit_counts_nothing_again(line):
    line.append(*quizzes(line, people=5, each=2))
    line.free()
    with pytest.raises(Died):
        line.worker(_die_at("committed")).step()
    assert line.stage.balance("p0") == 10

    line.stage.clock.move(by=25 * HOUR)
    line.stage.store.forget_receipts(line.stage.clock.at - 24 * HOUR)
    line.stage.reopen()
    line.drain()

    assert [line.stage.balance(f"p{n}") for n in range(5)] == [10] * 5
    assert len(line.stage.journal()) == 10
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


def test_what_nobody_can_read_is_parked_as_it_was_and_the_others_go_through(line):
    good = quizzes(line, people=2, each=2)
    line.append(*good[:2])
    lane = lane_of(good[0])
    bad = [b"\xff\xfe\x00", b"", encode(good[0])[:-3], b"\x91\x01"]
    for raw in bad:
        line.link.xadd(STREAMS[lane], {"e": raw})
    line.link.xadd(STREAMS[lane], {"other": "field", "and": "one more"})
    line.append(*good[2:])

    line.drain()

    assert [line.stage.balance(f"p{n}") for n in range(2)] == [10, 10]
    parked = line.parked.listed(100)
    assert {one.raw for one in parked} == {*bad, b"other field and one more"}
    assert all(one.reason.startswith("it cannot be read: ") for one in parked)
    assert {one.parked_at for one in parked} == {line.stage.clock.at}
    assert (line.left(), line.pending()) == (0, 0)
    assert all(line.parked.discard(one.lane, one.id) for one in parked)
    assert line.traces() == 0


def test_poison_is_parked_after_five_failures_and_its_neighbours_go_through(line):
    with spoilt(line, "eve"):
        poison = line.stage.event("quiz", "eve", "poison")
        lane = lane_of(poison)
        people = (f"p{n}" for n in range(2000))
        mates = [who for who in people if lane_of(replace(poison, participant=who)) == lane]
        others = [line.stage.event("quiz", who) for who in (*mates[:5], "ann", "bob")]
        line.append(*others[:4], poison, *others[4:])

        line.drain()

        (parked,) = line.parked.listed(100)
        assert (parked.event, parked.lane) == (poison, lane)
        assert parked.reason
        assert all(line.stage.balance(event.participant) == 5 for event in others)
        assert (line.left(), line.pending()) == (0, 0)

    assert line.parked.requeue(parked.lane, parked.id)
    assert not line.parked.requeue(parked.lane, parked.id)
    line.drain()
    assert line.stage.journal()[-1].command == poison.id
    assert (line.left(), line.traces(), line.parked.listed(9)) == (0, 0, [])


def test_poison_holds_up_those_behind_it_for_no_longer_than_a_quarter_of_a_second(line):
    took_s: list[float] = []
    with spoilt(line, "eve"):
        for _ in range(3):  # What else the machine does is not what is measured.
            line.append(line.stage.event("quiz", "eve"), line.stage.event("quiz", "ann"))
            begun = time.monotonic()
            line.drain()
            took_s.append(time.monotonic() - begun)

    assert line.stage.balance("ann") == 15
    assert min(took_s) < HEAD_OF_LINE_S_MAX


def test_a_requeued_event_that_was_decided_already_counts_nothing(line):
    with spoilt(line, "eve"):
        poison = line.stage.event("quiz", "eve", "poison")
        line.append(poison)
        line.drain()
        (parked,) = line.parked.listed(1)
    line.stage.send(poison)
    assert line.stage.balance("eve") == 10

    line.parked.requeue(parked.lane, parked.id)
    line.drain()

    assert line.stage.balance("eve") == 10
    assert len(line.stage.journal()) == 2


def test_a_discarded_event_gives_its_key_back(line):
    with spoilt(line, "eve"):
        line.append(line.stage.event("quiz", "eve", "poison"))
        line.drain()
        (parked,) = line.parked.listed(1)

        assert line.parked.discard(parked.lane, parked.id)
        assert not line.parked.discard(parked.lane, parked.id)
        assert line.append(line.stage.event("quiz", "eve", "poison")) == [None]


def test_a_parked_events_key_is_its_own_until_somebody_looked_after_it(line):
    with spoilt(line, "eve"):
        poison = line.stage.event("quiz", "eve", "poison")
        name = claim_of(poison, lane_of(poison))
        line.append(poison)
        line.drain()
        (parked,) = line.parked.listed(1)

    assert line.link.pttl(name) == -1, "it would be taken as another one, and both would count"
    (told,) = line.append(line.stage.event("quiz", "eve", "poison"))
    assert told.id == poison.id

    line.stage.clock.move(by=25 * HOUR)
    line.parked.requeue(parked.lane, parked.id)
    assert CLAIM_LIFETIME_MS - 5_000 < line.link.pttl(name) <= CLAIM_LIFETIME_MS
    (told,) = line.append(line.stage.event("quiz", "eve", "poison"))
    assert line.ask(lambda lanes: lanes.original(poison)) == [(poison, False)]
    line.drain()
    assert line.stage.balance("eve") == 10
    assert 0 < line.link.pttl(name) <= CLAIM_SETTLED_MS


def test_an_event_whose_claim_expired_before_it_was_parked_has_its_key_again(line):
    with spoilt(line, "eve"):
        poison = line.stage.event("quiz", "eve", "poison")
        name = claim_of(poison, lane_of(poison))
        line.append(poison)
        line.link.delete(name)
        line.drain()
        (parked,) = line.parked.listed(1)

    assert line.link.pttl(name) == -1
    line.link.delete(name)
    line.parked.requeue(parked.lane, parked.id)
    (told,) = line.append(line.stage.event("quiz", "eve", "poison"))
    assert told.id == poison.id


def test_who_parks_or_requeues_an_event_leaves_the_key_of_another_alone(line):
    with spoilt(line, "eve"):
        poison = line.stage.event("quiz", "eve", "poison")
        name = claim_of(poison, lane_of(poison))
        line.append(poison)
        line.link.set(name, "1-0 of another", px=CLAIM_LIFETIME_MS)
        line.drain()
        (parked,) = line.parked.listed(1)
        assert line.link.pttl(name) > 0

        line.link.persist(name)
        assert line.parked.requeue(parked.lane, parked.id)
        assert line.link.get(name) == b"1-0 of another"
        assert line.link.pttl(name) == -1


def test_what_the_engine_refuses_is_parked_with_the_reason(line):
    """The rulebook has changed since it was accepted: a rule reads its number now."""
    event = line.stage.event("quiz", score=10**12)
    line.append(event, line.stage.event("quiz", "bob", score=7))
    reads = "earn: [{id: quiz, event: quiz, points: {of: score, times: 1}}]"
    line.stage.store.registry.put_rulebook("shop/live", reads, 0)

    line.drain()

    (parked,) = line.parked.listed(9)
    assert (parked.event, "score" in parked.reason) == (event, True)
    assert line.stage.balance("bob") == 7
    assert line.left() == 0


class Deadly:
    """An engine that one event kills, with the whole process."""

    def __init__(self, engine):
        self.engine = engine
        self.deaths = 0

    def submit(self, commands, *, waited):
        if any(command.name == "deadly" for command in commands):
            self.deaths += 1
            raise Died
        return self.engine.submit(commands, waited=waited)

    def has_decided(self, command):
        return self.engine.has_decided(command)


def test_what_kills_its_reader_is_parked_after_two_deaths_alone(line):
    deadly = line.stage.event("deadly", "eve", "k")
    others = quizzes(line, people=20, each=2)
    line.append(*others[:20], deadly, *others[20:])

    engine = Deadly(line.stage.engine)
    deaths = 0
    while line.left():
        line.free()
        try:
            line.drain(line.worker(engine=engine))
        except Died:
            deaths += 1

    (parked,) = line.parked.listed(9)
    assert parked.event == deadly
    assert "died" in parked.reason
    assert deaths == 3, "one in company, two alone"
    assert [line.stage.balance(f"p{n}") for n in range(20)] == [10] * 20
    assert (line.pending(), len(line.stage.journal())) == (0, 40)


@pytest.mark.parametrize("point", ["committed", "acknowledged"])
def test_what_its_readers_had_decided_when_they_died_is_not_parked(line, point):
    """They died near it, and not of it."""
    line.append(*quizzes(line, people=1, each=2))
    for _ in range(5):
        line.free()
        worker = line.worker(_dies_at(point))
        with suppress(Died):
            line.drain(worker)
    line.drain()

    assert line.parked.listed(9) == []
    assert line.stage.balance("p0") == 10
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


def test_what_ever_more_readers_die_near_is_parked_though_it_is_decided(line):
    line.append(*quizzes(line, people=1, each=1))
    deaths = 0
    while line.left():
        line.free()
        try:
            line.drain(line.worker(_dies_at("committed")))
        except Died:
            deaths += 1

    assert deaths == 1 + DEATHS_NEAR_MAX
    (parked,) = line.parked.listed(9)
    line.parked.requeue(parked.lane, parked.id)
    line.drain()
    assert line.stage.balance("p0") == 5


def _dies_at(point):
    def reached(at):
        if at == point:
            raise Died

    return reached


class Down:
    """An engine whose store is down for a while."""

    def __init__(self, engine, times):
        self.engine = engine
        self.times = times

    def submit(self, commands, *, waited):
        self.times -= 1
        if self.times >= 0:
            raise Unavailable
        return self.engine.submit(commands, waited=waited)


def test_a_store_that_is_down_counts_as_nobodys_failure(line):
    line.append(*quizzes(line, people=3, each=2))
    line.free()
    with pytest.raises(Died):
        line.worker(_die_at("read")).step()

    line.free()
    line.drain(line.worker(engine=Down(line.stage.engine, 4)))

    assert [line.stage.balance(f"p{n}") for n in range(3)] == [10] * 3
    assert (line.left(), line.traces(), line.parked.listed(9)) == (0, 0, [])


class Picky:
    """An engine whose store can be written, and says that it cannot when one event comes."""

    def __init__(self, engine, odd):
        self.engine = engine
        self.odd = odd

    def submit(self, commands, *, waited):
        if any(command.id == self.odd for command in commands):
            raise Unavailable
        return self.engine.submit(commands, waited=waited)


def test_an_event_that_the_store_never_takes_is_parked_and_nobody_stands_still(line):
    odd = line.stage.event("quiz", "eve")
    line.append(odd, *quizzes(line, people=20, each=2))
    line.free()
    worker = line.worker(engine=Picky(line.stage.engine, odd.id))
    until = time.monotonic() + 20
    n = 0
    while line.left():
        worker.step()
        if not n % 5:  # Others go on coming.
            line.append(line.stage.event("quiz", f"late {n}"))
        n += line.left() > 0
        if line.parked.listed(1):
            line.drain(worker)
        assert time.monotonic() < until, line.left()

    (parked,) = line.parked.listed(9)
    assert parked.event == odd
    assert [line.stage.balance(f"p{n}") for n in range(20)] == [10] * 20
    assert line.pending() == 0


def test_nothing_is_parked_while_the_store_answers_and_takes_nothing(line):
    """As one does that can be read only, or whose disk is full."""
    line.append(*quizzes(line, people=20, each=2))
    line.free()
    worker = line.worker(engine=Down(line.stage.engine, 40))
    line.drain(worker)

    assert [line.stage.balance(f"p{n}") for n in range(20)] == [10] * 20
    assert (line.left(), line.traces(), line.parked.listed(9)) == (0, 0, [])


def test_who_is_stopped_while_the_store_is_down_leaves_everything_for_others(line):
    line.append(*quizzes(line, people=3, each=2))
    line.free()
    worker = line.worker(engine=Down(line.stage.engine, 10**9))
    worker.start()
    threading.Event().wait(0.2)
    worker.close(5)

    line.drain()

    assert [line.stage.balance(f"p{n}") for n in range(3)] == [10] * 3
    assert (line.left(), line.traces()) == (0, 0)


class Forgetful(RedisReader):
    """A reader whose queue is away each time when it is told of what is committed, for a while."""

    times = 3

    def done(self, entries):
        self.times -= 1
        if self.times >= 0:
            raise Unavailable
        super().done(entries)


def test_what_was_committed_while_the_queue_was_away_died_of_nothing(line):
    events = quizzes(line, people=3, each=2)
    line.append(*events)
    line.free()
    with pytest.raises(Died):
        line.worker(_die_at("read")).step()

    line.free()
    line.drain(line.worker(reader=Forgetful(line.link)))

    assert line.parked.listed(9) == []
    assert [line.stage.balance(f"p{n}") for n in range(3)] == [10] * 3
    assert (line.left(), line.traces()) == (0, 0)


def _die_at(point):
    def reached(at):
        if at == point:
            raise Died

    return reached
