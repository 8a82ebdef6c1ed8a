"""Figures are exact: an accepted event is counted once, and nobody sees how they are added up."""

import asyncio
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import CAFE, DAY, HOUR, LONG, LOOP, NOON, SECOND, SHOP, Stage, a_stage, out_of_order

from laurels.core import limits
from laurels.core.command import Reset
from laurels.core.errors import Unavailable
from laurels.engine.answers import AnalyticsAsked, Figures
from laurels.engine.gather import Gather
from laurels.engine.scheduler import MERGE_INTERVAL_MS, Scheduler
from laurels.store import analytics

RULEBOOK = f"""
earn:
  - {{id: unit, event: buy, points: {{of: amount, times: 1}}}}
  - {{id: gem, event: buy, points: 1}}
{LOOP}
"""
HOURS = NOON // HOUR


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def ask(
    stage, by: Any = "name", world=SHOP, since=HOURS - 24 * 366, until=HOURS + 24 * 366, **more
):
    asked = AnalyticsAsked(since=since, until=until, by=by, **more)
    return stage.store.queries.analytics(world, asked)


def told(stage, by="name", **more):
    """Return the number of events of each row."""
    return {row.name or row.at: row.events for row in ask(stage, by, **more).rows}


def test_an_accepted_event_is_counted_with_its_lag_and_its_changes(stage):
    stage.tell("buy", at=NOON - 500, amount=3)
    stage.tell("buy", at=NOON - 1_000, amount=3)
    stage.tell("look", at=NOON)

    found = ask(stage)

    assert found.rows == [
        Figures("buy", None, 2, 750, 1_000, 4),
        Figures("look", None, 1, 0, 0, 0),
    ]
    assert found.total == Figures(None, None, 3, 500, 1_000, 4)
    assert not found.has_more


def test_where_nothing_happened_there_is_nothing(stage):
    found = ask(stage, unique=True)

    assert (found.rows, found.total) == ([], Figures(None, None, 0, 0, 0, 0, participants=0))


def test_replays_refusals_and_commands_are_no_events(stage):
    stage.tell("buy", key="k", amount=1)
    stage.tell("buy", key="k", amount=1)
    stage.send(*(stage.event("buy", key="twin", amount=1) for _ in range(2)))
    stage.send(stage.claim("nobody knows"))

    assert told(stage) == {"buy": 2}


def test_a_parked_event_is_counted_and_came_to_nothing(stage):
    stage.tell("loop")

    assert ask(stage).rows == [Figures("loop", None, 1, 0, 0, 0)]


@pytest.mark.parametrize(
    ("at", "lag_ms"),
    [
        (NOON + DAY, 0),
        (NOON, 0),
        (NOON - 1, 1),
        (NOON - limits.LAG_MS_MAX, limits.LAG_MS_MAX),
        (NOON - limits.LAG_MS_MAX - 1, limits.LAG_MS_MAX),
        (limits.INSTANT_MIN_MS, limits.LAG_MS_MAX),
    ],
)
def test_lag_is_never_negative_and_has_a_limit(stage, at, lag_ms):
    stage.tell("look", at=at)

    assert ask(stage).rows == [Figures("look", None, 1, lag_ms, lag_ms, 0)]


def test_events_count_in_the_hour_they_were_received_in(stage):
    for _ in range(30):
        stage.tell("look", at=NOON)
        stage.clock.move(by=HOUR)

    hours = told(stage, "hour")
    days = told(stage, "day")

    assert hours == {NOON + n * HOUR: 1 for n in range(30)}
    assert list(hours) == sorted(hours)
    midnight = NOON - 12 * HOUR
    assert days == {midnight: 12, midnight + DAY: 18}
    assert told(stage, "hour", since=HOURS + 2, until=HOURS + 4) == {
        NOON + 2 * HOUR: 1,
        NOON + 3 * HOUR: 1,
    }


def test_a_batch_over_the_full_hour_counts_in_both(stage):
    stage.clock.move(by=HOUR - 1)
    first = stage.event("look")
    stage.clock.move(by=1)
    stage.send(first, stage.event("look"), stage.event("buy", amount=1))

    assert told(stage, "hour") == {NOON: 1, NOON + HOUR: 2}
    assert told(stage, "hour", name="look") == {NOON: 1, NOON + HOUR: 1}
    assert len(stage.rows("SELECT * FROM analytics_batches")) == 3


def test_worlds_are_counted_apart(stage):
    stage.send(stage.event("look"), stage.event("look", world=CAFE), stage.event("look"))

    assert (told(stage), told(stage, world=CAFE)) == ({"look": 2}, {"look": 1})


def test_participants_are_counted_where_asked_for(stage):
    for hour in range(2):
        for who in ("ann", "bob", "ann")[hour:]:
            stage.tell("look", who)
        stage.tell("buy", "ann", amount=1)
        stage.clock.move(by=HOUR)

    found = ask(stage, unique=True)

    assert [(row.name, row.participants) for row in found.rows] == [("look", 2), ("buy", 1)]
    assert found.total.participants == 2
    assert found.is_unique
    assert [row.participants for row in ask(stage, "hour", unique=True).rows] == [2, 2]
    assert [row.participants for row in ask(stage, "hour", unique=True, name="buy").rows] == [1, 1]
    later = ask(stage, "day", unique=True, since=HOURS + 1)
    assert (later.rows[0].events, later.rows[0].participants) == (3, 2)
    assert ask(stage).total.participants is None


def test_too_many_events_are_not_searched_for_participants(stage, monkeypatch):
    monkeypatch.setattr(limits, "UNIQUE_EVENTS_MAX", 1)
    stage.tell("look")
    assert ask(stage, unique=True).is_unique

    stage.tell("look")

    found = ask(stage, unique=True)
    assert not found.is_unique
    assert found.total.participants is None


def test_there_are_so_many_rows_and_the_total_counts_the_others_too(stage, monkeypatch):
    monkeypatch.setattr(limits, "FIGURES_MAX", 2)
    for name in ("a", "b", "b", "c"):
        stage.tell(name)

    found = ask(stage, unique=True)

    assert [row.name for row in found.rows] == ["b", "a"]
    assert (found.has_more, found.total.events) == (True, 4)


def test_what_is_rolled_back_is_not_counted(stage):
    with out_of_order(stage.path), pytest.raises(Unavailable, match="cannot be written"):
        stage.tell("look")

    assert told(stage) == {}


def test_merging_takes_slices_and_every_world_has_its_turn(stage, monkeypatch):
    monkeypatch.setattr(analytics, "ROWS_PER_STEP", 10)
    for n in range(25):
        stage.tell(f"name {n % 5}", world=SHOP)
    for _ in range(5):
        stage.tell("look", world=CAFE)
    # The café comes first in the alphabet; the shop has what is left of the first slice.
    left = []
    while stage.store.merge_analytics():
        left.append(stage.rows("SELECT COUNT(*) FROM analytics_batches")[0][0])

    assert left == [20, 10, 0]
    assert told(stage) == {f"name {n}": 5 for n in range(5)}
    assert told(stage, world=CAFE) == {"look": 5}
    assert not stage.store.merge_analytics()


STEPS = st.one_of(
    st.tuples(
        st.just("send"),
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.sampled_from(["ann", "bob"]),
                st.sampled_from([0, 0, -SECOND, SECOND, 7]),
            ),
            min_size=1,
            max_size=6,
        ),
    ),
    st.tuples(st.just("wait"), st.sampled_from([1, 20 * 60 * SECOND, HOUR, 23 * HOUR])),
    st.tuples(st.just("merge"), st.integers(1, 4)),
    st.tuples(st.just("reopen"), st.none()),
)


@settings(max_examples=40 * LONG, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
def test_figures_never_wobble_however_batches_and_merges_fall(places, steps):
    with places() as place, a_stage(place) as stage:
        sent = []
        for step, value in steps:
            play(stage, step, value, sent)
            assert {by: by_hand(sent, by) for by in ("name", "hour", "day")} == {
                by: {(row.name or row.at): row for row in ask(stage, by, unique=True).rows}
                for by in ("name", "hour", "day")
            }
        assert stage.findings() == []


def play(stage: Stage, step, value, sent):
    if step == "send":
        events = [stage.event(name, who, at=stage.clock.at - lag_ms) for name, who, lag_ms in value]
        stage.send(*events)
        sent += events
    elif step == "wait":
        stage.clock.move(by=value)
    elif step == "merge":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(analytics, "ROWS_PER_STEP", value)
            stage.store.merge_analytics()
    else:
        stage.reopen()


def by_hand(sent, by):
    """Count the events themselves."""
    groups = defaultdict(list)
    for event in sent:
        hour = event.received_at // HOUR
        place = {"name": event.name, "hour": hour * HOUR, "day": hour // 24 * DAY}[by]
        groups[place].append(event)
    return {
        place: Figures(
            name=place if by == "name" else None,
            at=None if by == "name" else place,
            events=len(events),
            lag_ms_average=int(sum(map(lag_of, events)) / len(events) + 0.5),
            lag_ms_max=max(map(lag_of, events)),
            changes=0,
            participants=len({event.participant for event in events}),
        )
        for place, events in groups.items()
    }


def lag_of(event):
    return max(event.received_at - event.occurred_at, 0)


def test_a_read_beside_mergers_always_tells_the_same(place, monkeypatch):
    monkeypatch.setattr(analytics, "ROWS_PER_STEP", 3)
    with a_stage(place) as stage, a_stage(place) as other:
        for n in range(150):
            stage.send(*(stage.event(name) for name in "abcd"[: n % 4 + 1]))
        before = ask(stage)

        def merge(store):
            while store.merge_analytics():
                pass

        with ThreadPoolExecutor(2) as threads:
            merging = [threads.submit(merge, one.store) for one in (stage, other)]
            reads = [ask(stage)]
            while not all(one.done() for one in merging):
                reads.append(ask(stage))
            for one in merging:
                one.result()
        while stage.store.merge_analytics():
            pass

        assert Counter(read == before for read in [*reads, ask(stage)]) == {True: len(reads) + 1}
        assert stage.rows("SELECT COUNT(*) FROM analytics_batches") == [(0,)]
        assert stage.findings() == []


def test_the_scheduler_merges_now_and_then(stage):
    waiting = "SELECT COUNT(*) FROM analytics_batches"

    async def run():
        gather = Gather(stage.engine)
        gather.start()
        scheduler = Scheduler(gather, stage.store.queries, stage.store, stage.clock)
        for by in (0, 0, MERGE_INTERVAL_MS):
            stage.clock.move(by=by)
            stage.tell("look")
            assert not await scheduler.step()
            yield stage.rows(waiting)[0][0]
        await gather.close()

    async def gathered():
        return [count async for count in run()]

    assert asyncio.run(gathered()) == [0, 1, 0]


def test_the_scheduler_comes_back_at_once_when_more_wait(stage, monkeypatch):
    monkeypatch.setattr(analytics, "ROWS_PER_STEP", 1)
    stage.tell("look")

    async def run():
        idle = Gather(stage.engine)
        scheduler = Scheduler(idle, stage.store.queries, stage.store, stage.clock)
        return [await scheduler.step() for _ in range(3)]

    assert asyncio.run(run()) == [True, False, False]


FEWER = f"1 events 'look' in hour {HOURS}, but there are 2"
SUM = "{} events in all, but 2 were accepted"


@pytest.mark.parametrize(
    ("damage", "findings"),
    [
        ("DELETE FROM analytics_hours", [FEWER, SUM.format(1)]),
        ("DELETE FROM analytics_batches", [FEWER, SUM.format(1)]),
        ("UPDATE analytics_hours SET events = 7", [SUM.format(8)]),
        ("UPDATE analytics_batches SET hour = hour + 1", [FEWER]),
        ("UPDATE analytics_batches SET name = 'other'", [FEWER]),
    ],
)
def test_figures_that_are_not_those_of_the_events_are_found(place, damage, findings):
    with a_stage(place) as stage:
        stage.tell("look")
        stage.store.merge_analytics()
        stage.tell("look")
        assert stage.findings() == []

        stage.rows(damage)

        assert stage.findings() == [f"{SHOP}: the analytics tell of {each}." for each in findings]


def test_who_begins_anew_was_counted_all_the_same(stage):
    stage.send(*(stage.event("look", who) for who in ("ann", "ann", "bob")))
    received_at, (id_,) = stage.clock.accept(1)
    stage.send(
        Reset(tenant=SHOP, id=id_, participant="ann", received_at=received_at),
        stage.event("look", "ann"),
    )

    assert stage.rows("SELECT COUNT(*) FROM events") == [(2,)]
    assert told(stage) == {"look": 4}
    assert ask(stage, unique=True).total.participants == 2
    assert stage.findings() == []
    stage.rows("UPDATE analytics_batches SET events = events + 1 WHERE number = 1")
    assert stage.findings() == [
        f"{SHOP}: the analytics tell of 5 events in all, but 4 were accepted."
    ]
    stage.rows("UPDATE analytics_batches SET events = events - 1 WHERE number = 1")
