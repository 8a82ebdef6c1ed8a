"""Coming back: from wherever a stream was cut, exactly the rest is heard."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cast import DAY, LONG, a_stage, as_json
from tests.delivery.ear import Listening, begun, hub_of, listen, until

from laurels.core import limits
from laurels.core.command import Reset
from laurels.delivery import tail as tail_module
from laurels.delivery.cursor import Cursor, read_cursor

RULEBOOK = as_json("""
currencies: [points, gem]
badges: [{id: walker, title: Walker}]
earn: [{id: point-a-step, event: step, points: 1}]
challenges:
  - id: tour
    window: daily
    objectives: [{id: step, event: step, count: 2}]
    rewards: [{points: 30}, {badge: walker}, {item: boots, quantity: 1}, {currency: gem, amount: 5}]
  - {id: more, objectives: [{id: step, event: step, count: 1000}]}
""")
PEOPLE = ("ann", "bob", "cid")
ANEW = "-"
"""Behind a name: they do not walk, but begin anew."""
WHO: st.SearchStrategy[str] = st.sampled_from([*PEOPLE, *PEOPLE, *(who + ANEW for who in PEOPLE)])


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage


def walk(stage, people):
    for who in people:
        if who.endswith(ANEW):
            begin_anew(stage, who.removesuffix(ANEW))
        else:
            stage.tell("step", who)


def begin_anew(stage, who):
    received_at, (id_,) = stage.clock.accept(1)
    stage.send(Reset(tenant=stage.world, id=id_, participant=who, received_at=received_at))


def ids_of(hub, stage):
    """Return the ids of all that was ever told, of each participant."""
    ids = {who: [] for who in PEOPLE}
    for entry in stage.journal():
        count = len(hub._dialect.updates(entry))
        ids[entry.participant] += [f"{entry.number}.{n}" for n in range(1, count + 1)]
    return ids


def rest(ids, since):
    """Return what lies behind a cursor."""
    cursor = read_cursor(since.encode())
    assert cursor
    return [each for each in ids if tuple(map(int, each.split("."))) > cursor]


@settings(
    max_examples=10 * LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.lists(WHO, min_size=1, max_size=8),
    after=st.lists(WHO, max_size=4),
    entries=st.integers(1, 4),
    numbers=st.integers(1, 4),
)
def test_from_every_cut_exactly_the_rest_is_heard(before, after, entries, numbers):
    """Wherever it is cut, also within a command, and while others write and the rest is read."""
    with (
        tempfile.TemporaryDirectory() as folder,
        a_stage(Path(folder), RULEBOOK) as stage,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(limits, "FEED_ENTRIES_READ_MAX", entries)
        patch.setattr(limits, "FEED_NUMBERS_READ_MAX", numbers)
        patch.setattr(limits, "STREAMS_OF_PARTICIPANT_MAX", 10_000)
        patch.setattr(tail_module, "BREATH_S", 0.0)
        hub = hub_of(stage)
        walk(stage, before)
        cuts = [
            *map(str, range(len(before) + 1)),
            *(c for ids in ids_of(hub, stage).values() for c in ids),
        ]

        async def play() -> dict[tuple[str, str], Listening]:
            opened = {(who, cut): listen(hub, stage, who, cut) for who in PEOPLE for cut in cuts}
            await asyncio.to_thread(walk, stage, after)
            await begun(*opened.values())
            ids = ids_of(hub, stage)
            for (who, cut), one in opened.items():
                await until(lambda: len(one.ear.told) >= len(rest(ids[who], cut)))  # noqa: B023 - awaited at once
            return opened

        for (who, cut), one in asyncio.run(play()).items():
            assert one.ear.told == rest(ids_of(hub, stage)[who], cut), (who, cut)
            assert f"\nid: {cut}\n\n".encode() in one.ear.pieces[0]


def test_those_who_come_back_together_share_each_read(stage, monkeypatch):
    hub = hub_of(stage)
    walk(stage, PEOPLE * 20)
    reads, feed = [], stage.store.queries.feed

    def read(*asked, **more):
        reads.append(more)
        return feed(*asked, **more)

    monkeypatch.setattr(stage.store.queries, "feed", read)

    async def play():
        back = [listen(hub, stage, who, "0") for who in PEOPLE for _ in range(20)]
        await begun(*back)
        assert len({len(one.ear.updates) for one in back}) == 1

    asyncio.run(play())

    assert len(reads) == 2, "one for the head, one for all that was missed"


def test_who_has_not_taken_in_a_piece_does_not_get_the_next(stage, monkeypatch):
    monkeypatch.setattr(limits, "FEED_ENTRIES_READ_MAX", 2)
    monkeypatch.setattr(tail_module, "CATCH_UP_S", 0.001)
    hub = hub_of(stage)
    walk(stage, ["ann"] * 10)

    async def play():
        slow, quick = listen(hub, stage, since="0"), listen(hub, stage, since="0")
        slow.ear.is_clear = False
        await begun(quick)
        assert not slow.ear.updates
        seen = [0]
        while not slow.stream.is_live:
            slow.ear.is_clear = True
            await until(lambda: len(slow.ear.updates) > seen[-1] or slow.stream.is_live)
            slow.ear.is_clear = False
            seen.append(len(slow.ear.updates))
            await asyncio.sleep(0.005)
        return slow, quick

    slow, quick = asyncio.run(play())

    assert slow.ear.updates == quick.ear.updates
    assert not slow.ear.end


@pytest.mark.parametrize(
    ("since", "reason"),
    [("unreadable", "unreadable"), (Cursor(4), "unknown"), (Cursor(4, 1), "unknown")],
)
def test_who_cannot_go_on_is_told_to_begin_anew(stage, since, reason):
    hub = hub_of(stage)
    walk(stage, PEOPLE)

    async def play():
        ann = listen(hub, stage, since=since)
        await begun(ann)
        await asyncio.to_thread(walk, stage, ["ann"])
        await until(lambda: ann.ear.updates)
        return ann.ear

    first, *others = asyncio.run(play()).messages

    assert first == ("3", "reset", {"reason": reason})
    assert [message.id.split(".")[0] for message in others] == ["4"] * len(others)


def test_whoever_listens_or_comes_back_hears_of_a_reset(stage):
    hub = hub_of(stage)
    walk(stage, ["ann", "ann"])

    async def play():
        ann, bob = listen(hub, stage), listen(hub, stage, "bob")
        await begun(ann, bob)
        await asyncio.to_thread(walk, stage, ["ann" + ANEW])
        await until(lambda: ann.ear.messages)
        back, behind = listen(hub, stage, since="1"), listen(hub, stage, since="3.1")
        await begun(back, behind)
        assert not bob.ear.messages
        return ann.ear.messages, back.ear.messages[-1:], behind.ear.messages

    live, last, behind = asyncio.run(play())

    assert live == last == [("3.1", "reset", {"reason": "began_anew"})]
    assert behind == [], "what lies before it is known"


def heard_since(stage, hub, since):
    async def play():
        ann = listen(hub, stage, since=since)
        await begun(ann)
        hub.leave(ann.stream)
        return [message.data for message in ann.ear.messages if message.event == "reset"]

    return asyncio.run(play())


def test_a_gap_may_be_a_week_old_and_no_older(stage):
    hub = hub_of(stage)
    walk(stage, ["ann"])
    stage.clock.move(by=1)
    walk(stage, ["ann"])
    stage.clock.move(by=7 * DAY - 1)

    assert heard_since(stage, hub, "0") == []
    stage.clock.move(by=1)
    assert heard_since(stage, hub, "0") == [{"reason": "too_old"}]
    assert heard_since(stage, hub, "1.1") == [{"reason": "too_old"}]
    assert heard_since(stage, hub, "1") == []
    stage.clock.move(by=1)
    assert heard_since(stage, hub, "1") == [{"reason": "too_old"}]
    stage.clock.move(by=DAY)
    assert heard_since(stage, hub, "2") == [], "nothing was missed, however long ago"


def test_a_gap_may_be_so_many_numbers_wide_and_no_wider(stage, monkeypatch):
    monkeypatch.setattr(limits, "FEED_NUMBERS_MAX", 3)
    hub = hub_of(stage)
    walk(stage, ["ann"] * 5)

    assert heard_since(stage, hub, "2") == []
    assert heard_since(stage, hub, "1") == [{"reason": "too_old"}]
    assert heard_since(stage, hub, "2.1") == [{"reason": "too_old"}], "the second is not whole"


def test_who_leaves_while_catching_up_is_forgotten(stage, monkeypatch):
    monkeypatch.setattr(limits, "FEED_NUMBERS_READ_MAX", 1)
    hub = hub_of(stage)
    walk(stage, ["ann"] * 5)

    async def play():
        gone, stays = listen(hub, stage, since="0"), listen(hub, stage, since="0")
        await until(lambda: gone.ear.updates)
        hub.leave(gone.stream)
        heard = len(gone.ear.updates)
        await begun(stays)
        assert len(gone.ear.updates) == heard
        assert not gone.stream.is_live
        hub.leave(stays.stream)

    asyncio.run(play())
    assert hub.count == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "-1",
        "1.",
        ".1",
        "1.2.3",
        "1e3",
        "\uff19",
        "1" * 16,
        "1." + "1" * 10,
        "1 ",
        "1\n",
    ],
)
def test_only_what_we_spelled_is_a_cursor(text):
    assert read_cursor(text.encode()) is None


def test_a_cursor_is_read_as_it_was_spelled():
    for cursor in (Cursor(0), Cursor(17), Cursor(17, 2), Cursor(10**15 - 1, 10**9 - 1)):
        assert read_cursor(str(cursor).encode()) == cursor
