"""Open streams, on a real engine and a real store: who hears what, when, and for how long."""

import asyncio
import threading
from contextlib import contextmanager
from typing import Any

import pytest
from tests.cast import DAY, SECOND, SHOP, SHOP_TEST, a_stage, as_json, out_of_order
from tests.delivery.ear import WAIT_S_MAX, begun, hub_of, listen, someone, until

from laurels.core import limits
from laurels.core.errors import RateLimited, Unavailable
from laurels.delivery import hub as hub_module
from laurels.delivery import tail as tail_module

RULEBOOK = as_json("""
challenges:
  - {id: walk, objectives: [{id: step, event: step, count: 1000000}]}
""")


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        stage.store.registry.put_rulebook(SHOP_TEST, RULEBOOK, 0)
        yield stage


@pytest.fixture
def hub(stage):
    return hub_of(stage)


def steps(stage, count, who="ann", **more):
    return stage.send(*(stage.event("step", who, **more) for _ in range(count)))


def test_a_stream_begins_now_and_is_woken_for_what_comes(stage, hub, monkeypatch):
    monkeypatch.setattr(tail_module, "POLL_S", 1_000)

    async def play():
        steps(stage, 3)
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(steps, stage, 2)
        await until(lambda: len(ann.ear.updates) == 2)
        return ann.ear

    ear = asyncio.run(play())

    greeting = ear.pieces[0].decode().split("\n")
    assert greeting[0] == ": connected"
    assert 1_500 <= int(greeting[1].removeprefix("retry: ")) <= 4_000
    assert greeting[2:] == ["id: 3", "", ""]
    assert ear.updates == ["4.1", "5.1"]


def test_everybody_hears_of_their_own_and_of_nobody_else(stage, hub):
    async def play():
        ann, again, bob = listen(hub, stage), listen(hub, stage), listen(hub, stage, "bob")
        test_ann = listen(hub, stage, tenant=SHOP_TEST)
        await begun(ann, again, bob, test_ann)
        await asyncio.to_thread(steps, stage, 1)
        await asyncio.to_thread(steps, stage, 1, "bob")
        await asyncio.to_thread(steps, stage, 1, "cid")
        await asyncio.to_thread(steps, stage, 1, world=SHOP_TEST)
        await until(lambda: ann.ear.updates and again.ear.updates and bob.ear.updates)
        await until(lambda: test_ann.ear.updates)
        return [one.ear.updates for one in (ann, again, bob, test_ann)]

    assert asyncio.run(play()) == [["1.1"], ["1.1"], ["2.1"], ["1.1"]]


def test_a_notification_that_is_lost_costs_time_and_nothing_else(stage, hub, monkeypatch):
    monkeypatch.setattr(tail_module, "POLL_S", 0.01)
    monkeypatch.setattr(hub, "moved", lambda who: None)

    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(steps, stage, 1)
        await until(lambda: ann.ear.updates)

    asyncio.run(play())


@pytest.mark.parametrize("tenants", [[SHOP_TEST, SHOP], None], ids=["named", "any"])
def test_what_another_process_committed_is_told_as_soon_as_it_is_heard_of(
    stage, hub, monkeypatch, tenants
):
    monkeypatch.setattr(tail_module, "POLL_S", 60)
    monkeypatch.setattr(hub, "moved", lambda who: None)

    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(steps, stage, 1)
        hub.hear([SHOP_TEST, "nobody/live"])
        await asyncio.sleep(3 * tail_module.BREATH_S)
        assert not ann.ear.updates
        await asyncio.to_thread(hub.hear, tenants)
        await until(lambda: ann.ear.updates)

    asyncio.run(play())
    hub.hear(None)  # The loop has ended; nobody minds.


def test_a_burst_is_read_in_pieces_and_arrives_in_order(stage, hub, monkeypatch):
    monkeypatch.setattr(limits, "FEED_ENTRIES_READ_MAX", 7)
    monkeypatch.setattr(limits, "FEED_NUMBERS_READ_MAX", 11)

    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(lambda: [steps(stage, 20), steps(stage, 30, "bob")])
        await asyncio.to_thread(steps, stage, 20)
        await until(lambda: len(ann.ear.updates) == 40)
        return ann.ear.updates

    assert asyncio.run(play()) == [f"{n}.1" for n in [*range(1, 21), *range(51, 71)]]


@contextmanager
def counted(monkeypatch, queries):
    """Count how often the journal is read."""
    reads, feed = [], queries.feed

    def read(*asked, **more):
        reads.append(more)
        return feed(*asked, **more)

    monkeypatch.setattr(queries, "feed", read)
    yield reads


def test_where_nobody_listens_nothing_is_read(stage, hub, monkeypatch):
    never: Any = None  # What would fail, if anybody looked at it.

    async def play():
        with counted(monkeypatch, stage.store.queries) as reads:
            steps(stage, 5)
            hub.moved(never)
            ann = listen(hub, stage)
            await begun(ann)
            hub.leave(ann.stream)
            seen = len(reads)
            steps(stage, 5)
            hub.moved(never)
            await asyncio.sleep(3 * tail_module.BREATH_S)
            assert len(reads) == seen
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(play())


def test_strangers_do_not_wake_anybody(stage, hub, monkeypatch):
    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.sleep(2 * tail_module.BREATH_S)
        with counted(monkeypatch, stage.store.queries) as reads:
            for _ in range(20):
                await asyncio.to_thread(steps, stage, 1, "bob")
            await asyncio.sleep(3 * tail_module.BREATH_S)
            return reads

    assert len(asyncio.run(play())) <= 1


def test_a_participant_has_so_many_streams(stage, hub, monkeypatch):
    monkeypatch.setattr(limits, "STREAMS_OF_PARTICIPANT_MAX", 2)

    async def play():
        first, _ = listen(hub, stage), listen(hub, stage)
        with pytest.raises(RateLimited):
            hub.open(someone(stage), None)
        listen(hub, stage, "bob")
        listen(hub, stage, tenant=SHOP_TEST)
        hub.leave(first.stream)
        await begun(listen(hub, stage))
        assert hub.count == 4

    asyncio.run(play())


def test_a_process_has_so_many_streams(stage, hub, monkeypatch):
    monkeypatch.setattr(limits, "STREAMS_MAX", 1)

    async def play():
        stream = hub.open(someone(stage), None)
        with pytest.raises(Unavailable):
            hub.open(someone(stage, "bob"), None)
        hub.leave(stream)
        hub.open(someone(stage, "bob"), None)

    asyncio.run(play())


def test_who_does_not_read_is_cut_off_and_disturbs_nobody(stage, hub):
    most = limits.STREAM_MESSAGES_MAX

    async def play():
        stuck, fine = listen(hub, stage), listen(hub, stage)
        await begun(stuck, fine)
        stuck.ear.is_clear = False
        ends = []
        for count in (most - 1, most):  # The greeting is the first that was not read.
            await asyncio.to_thread(steps, stage, count - len(fine.ear.updates))
            await until(lambda: len(fine.ear.updates) == count)  # noqa: B023 - it is called at once
            ends.append((stuck.ear.end, fine.ear.end))
        return ends

    assert asyncio.run(play()) == [("", ""), ("aborted", "")]


def test_what_waits_is_bounded_in_bytes_too(stage, hub):
    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        ann.ear.is_clear = False
        ann.stream.hand(b"x" * (limits.STREAM_BYTES_MAX - 1_000))
        assert not ann.ear.end
        ann.stream.hand(b"x" * 2_000)
        assert ann.ear.end == "aborted"
        ann.stream.hand(b"never written")

    asyncio.run(play())


def test_however_much_comes_at_once_nobody_has_been_slow_yet(stage, hub):
    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(steps, stage, limits.STREAM_MESSAGES_MAX * 2)
        await until(lambda: len(ann.ear.updates) == limits.STREAM_MESSAGES_MAX * 2)
        return ann.ear

    assert not asyncio.run(play()).end


def test_a_stream_ends_with_its_token(stage, hub):
    now_s = stage.clock.at // SECOND

    async def play():
        short = listen(hub, stage, expires_at_s=now_s + 60)
        long = listen(hub, stage, expires_at_s=now_s + 61)
        await begun(short, long)
        stage.clock.move(by=60 * SECOND - 1)
        hub.turn()
        assert not short.ear.end
        stage.clock.move(by=1)
        hub.turn()
        assert (short.ear.end, long.ear.end) == ("closed", "")

    asyncio.run(play())


def test_whoever_it_is_true_of_is_ended(stage, hub):
    async def play():
        ann, bob = listen(hub, stage), listen(hub, stage, "bob")
        await begun(ann, bob)
        waiting = hub.open(someone(stage, "bob"), None)
        hub.end(lambda one: one.participant == "bob")
        late = listen(hub, stage, "bob")
        hub.begin(waiting, late.ear)
        return ann.ear.end, bob.ear.end, late.ear.end

    assert asyncio.run(play()) == ("", "closed", "closed")


def test_a_stop_ends_everybody_and_lets_nobody_in(stage, hub):
    async def play():
        ann, stuck = listen(hub, stage), listen(hub, stage)
        await begun(ann, stuck)
        stuck.ear.is_clear = False
        hub.close()
        with pytest.raises(Unavailable):
            hub.open(someone(stage), None)
        return ann.ear.end, stuck.ear.end

    assert asyncio.run(play()) == ("closed", "aborted")


def test_everybody_gets_a_sign_of_life_in_turn(stage, hub):
    async def play():
        streams = [listen(hub, stage, f"p{n}") for n in range(120)]
        await begun(*streams)
        steps(stage, 4, "p0")
        await until(lambda: streams[0].ear.updates)
        for one in streams:
            one.ear.pieces.clear()
        signs = []
        for _ in range(60):
            stage.clock.move(by=SECOND // 4)
            hub.turn()
            signs.append(sum(len(one.ear.pieces) for one in streams))
        stage.clock.move(by=DAY)
        hub.turn()
        return signs, [one.ear.pieces for one in streams]

    signs, pieces = asyncio.run(play())

    assert signs == list(range(2, 122, 2))
    # Whoever comes back need not be told again what was none of their business.
    assert pieces == [[b":\nid: 4\n\n"] * 2] * 120


def test_a_turn_that_stumbles_is_not_the_last(stage, hub, monkeypatch, caplog):
    monkeypatch.setattr(hub_module, "TURN_MS", 1)
    turn, turns = hub.turn, []

    def stumble():
        turns.append(1)
        if len(turns) == 1:
            raise RuntimeError("once")
        turn()

    monkeypatch.setattr(hub, "turn", stumble)

    async def play():
        running = asyncio.create_task(hub.run())
        await until(lambda: len(turns) == 3)
        running.cancel()

    asyncio.run(play())
    assert "streams were not seen to" in caplog.text


def test_time_that_runs_backwards_harms_nobody(stage, hub):
    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        stage.clock.move(by=-DAY)
        hub.turn()
        stage.clock.move(by=15 * SECOND)
        hub.turn()
        return ann.ear

    assert asyncio.run(play()).pieces[1:] == [b":\nid: 0\n\n"]


def test_a_store_that_is_away_is_waited_for(stage, hub, monkeypatch, caplog):
    monkeypatch.setattr(tail_module, "POLL_S", 0.01)

    async def play():
        with out_of_order(stage.path, "heads"):
            ann = listen(hub, stage)
            await until(lambda: "streams have to wait" in caplog.text)
            gone = listen(hub, stage)
            hub.leave(gone.stream)
            stage.clock.move(by=15 * SECOND)
            hub.turn()
            assert ann.ear.pieces == [b":\n\n"], "it is not known yet where it begins"
        await begun(ann)
        return gone.stream

    assert not asyncio.run(play()).is_live


def test_an_entry_that_cannot_be_told_silences_nobody(stage, hub, monkeypatch, caplog):
    tell = hub._dialect.updates

    def stumble(entry):
        if entry.number == 1:
            raise RuntimeError("no words")
        return tell(entry)

    monkeypatch.setattr(hub._dialect, "updates", stumble)

    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        await asyncio.to_thread(steps, stage, 2)
        await until(lambda: ann.ear.updates)
        return ann.ear.updates

    assert asyncio.run(play()) == ["2.1"]
    assert "journal entry 1 of shop/live cannot be told" in caplog.text


def test_a_bug_in_a_pass_is_logged_and_the_next_pass_comes(stage, hub, monkeypatch, caplog):
    monkeypatch.setattr(tail_module, "POLL_S", 0.01)
    feed = stage.store.queries.feed

    def stumble(*asked, **more):
        monkeypatch.setattr(stage.store.queries, "feed", feed)
        raise RuntimeError("once")

    monkeypatch.setattr(stage.store.queries, "feed", stumble)

    async def play():
        await begun(listen(hub, stage))

    asyncio.run(play())
    assert "stumbled, and go on" in caplog.text


def test_who_commits_when_the_loop_is_gone_does_not_mind(stage, hub):
    async def play():
        await begun(listen(hub, stage))

    asyncio.run(play())

    assert steps(stage, 1)[0].changes


def test_a_store_that_hangs_keeps_nobody_alive_and_nobody_silent(stage, monkeypatch):
    monkeypatch.setattr(hub_module, "TURN_MS", 1)
    asked, goes_on = threading.Event(), threading.Event()

    def hang(_tenant):
        asked.set()
        return not goes_on.wait(2 * WAIT_S_MAX)

    hub = hub_of(stage, hang)
    now_s = stage.clock.at // SECOND

    async def play():
        short, long = listen(hub, stage, expires_at_s=now_s + 60), listen(hub, stage, "bob")
        await begun(short, long)
        running = asyncio.create_task(hub.run())
        await until(asked.is_set)
        said = len(long.ear.pieces)
        stage.clock.move(by=60 * SECOND)
        await until(lambda: short.ear.end == "closed" and len(long.ear.pieces) > said)
        assert not goes_on.is_set()
        goes_on.set()
        running.cancel()

    asyncio.run(play())


def test_whoever_cannot_be_asked_is_asked_again(stage, monkeypatch, caplog):
    monkeypatch.setattr(hub_module, "ASK_S", 0.001)
    asked = []

    def stumble(tenant):
        asked.append(tenant)
        if len(asked) == 1:
            raise RuntimeError("once")
        return True

    hub = hub_of(stage, stumble)

    async def play():
        ann = listen(hub, stage)
        await begun(ann)
        running = asyncio.create_task(hub.run())
        await until(lambda: ann.ear.end)
        running.cancel()

    asyncio.run(play())
    assert "which tenants are disabled" in caplog.text


def test_the_streams_of_a_tenant_that_is_disabled_end(stage, hub):
    registry = stage.store.registry
    registry.create_tenant("shop", 0)

    async def play():
        ann, bob = listen(hub, stage), listen(hub, stage, "bob", tenant="cafe/live")
        await begun(ann, bob)
        await hub.end_disabled()
        assert ann.stream.is_open
        registry.set_disabled("shop", disabled=True)
        await hub.end_disabled()
        return ann.stream.is_open, bob.stream.is_open

    assert asyncio.run(play()) == (False, True)
