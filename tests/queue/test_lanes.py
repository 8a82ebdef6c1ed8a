"""Accepting into Redis: an event is kept once, in the lane of its participant, in order."""

import time
from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.core.errors import Unavailable
from laurels.core.event import Event
from laurels.engine.queue import CLAIM_LIFETIME_MS, LANES, answer_to_twin, content_of
from laurels.queue.names import STREAMS, claim_of, lane_of
from laurels.queue.script import Script
from laurels.queue.text import decode, encode

EVENT = Event(
    tenant="shop/live",
    id="01HQK7N5ABCDEFGHJKMNPQ0000",
    participant="ann",
    name="quiz",
    properties={},
    properties_json="{}",
    occurred_at=-5,
    received_at=1_700_000_000_000,
)
SCRIPTS = [
    "accept",
    "look",
    "original",
    "lengths",
    "read",
    "done",
    "begin",
    "tried",
    "park",
    "requeue",
    "take",
    "renew",
    "release",
    "beat",
]


def test_the_events_of_a_participant_wait_in_one_lane_in_the_order_they_came(line):
    events = [line.stage.event("quiz", f"p{n % 7}", f"k{n}", n=n) for n in range(200)]

    assert line.append(*events) == [None] * 200

    reader = line.reader()
    reader.beat()
    reader.share()
    seen = {}
    while entries := reader.read(reader.held, 50):
        for entry in entries:
            seen.setdefault(entry.event.participant, []).append(entry.event)
        reader.done(entries)
    assert sum(map(len, seen.values())) == 200
    for own in seen.values():
        assert all(one.id < other.id for one, other in pairwise(own))
        assert len({lane_of(event) for event in own}) == 1
    assert seen["p3"][0] == events[3]


def test_lanes_share_participants_evenly():
    counts = Counter(lane_of(replace(EVENT, participant=f"user-{n}")) for n in range(6400))

    assert len(counts) == LANES
    assert 50 < min(counts.values()) <= max(counts.values()) < 170


def test_a_key_that_waits_is_answered_with_its_first_name(line):
    first = line.stage.event("quiz", key="k", score=1)
    second = line.stage.event("quiz", key="k", score=1)

    assert line.append(first) == [None]
    (waiting,) = line.append(second)

    assert (waiting.id, waiting.received_at) == (first.id, first.received_at)
    assert waiting.content == content_of(second)
    assert line.left() == 1


def test_twins_in_one_call_are_one_entry(line):
    twins = [line.stage.event("quiz", key="k") for _ in range(5)]

    first, *others = line.append(*twins)

    assert first is None
    assert {waiting.id for waiting in others} == {twins[0].id}
    assert line.left() == 1


def test_events_without_keys_are_all_kept(line):
    assert line.append(*(line.stage.event("quiz") for _ in range(5))) == [None] * 5
    assert line.left() == 5


def test_the_same_key_of_another_or_in_another_world_is_another_key(line):
    stage = line.stage
    events = [
        stage.event("quiz", "ann", "k"),
        stage.event("quiz", "bob", "k"),
        stage.event("quiz", "ann", "k", world="shop/test"),
    ]

    assert line.append(*events) == [None] * 3


def test_of_racing_twins_one_is_kept_and_all_hear_its_name(line):
    for race in range(20):
        twins = [line.stage.event("quiz", f"p{race}", "k") for _ in range(4)]

        answers = line.ask(*(lambda lanes, twin=twin: lanes.append([twin]) for twin in twins))

        kept = [twin.id for twin, (answer,) in zip(twins, answers, strict=True) if answer is None]
        told = {answer.id for (answer,) in answers if answer is not None}
        assert len(kept) == 1
        assert told == set(kept)
    assert line.left() == 20


def test_an_event_sent_twice_since_the_answer_was_lost_is_kept_and_no_twin(line):
    event = line.stage.event("quiz", key="k")

    assert line.append(event) == [None]
    assert line.append(event) == [None]
    assert line.left() == 1


def test_a_claim_holds_for_an_hour(line):
    event = line.stage.event("quiz", key="k")
    line.append(event)

    left_ms = line.link.pttl(claim_of(event, lane_of(event)))

    assert CLAIM_LIFETIME_MS - 5_000 < left_ms <= CLAIM_LIFETIME_MS


def test_what_was_half_run_leaves_a_second_entry_and_is_counted_once(line):
    """Cut off between the entry and its claim, as a crash would."""
    first = line.stage.event("quiz", key="k")
    line.link.xadd(STREAMS[lane_of(first)], {"e": encode(first)})
    second = line.stage.event("quiz", key="k")

    assert line.append(second) == [None]
    assert line.left() == 2
    line.drain()

    assert line.stage.balance() == 5
    assert [entry.command for entry in line.stage.journal()] == [first.id]
    assert line.left() == 0


def test_whether_a_key_waits_can_be_asked_many_at_once(line):
    waits, free = line.stage.event("quiz", key="k"), line.stage.event("quiz", key="free")
    line.append(waits)

    ((told, nothing),) = line.ask(lambda lanes: lanes.waiting([waits, free]))

    assert told.id == waits.id
    assert nothing is None


def test_what_was_sent_first_is_told_until_it_is_decided(line):
    first = line.stage.event("quiz", key="k", score=1)
    other = line.stage.event("quiz", key="k", score=2)
    line.append(first)
    (waiting,) = line.append(other)

    (original,) = line.ask(lambda lanes: lanes.original(other))
    assert original == (first, False)
    assert waiting.content != content_of(other)
    assert answer_to_twin(original.event, other).mismatch

    line.drain()
    assert line.ask(lambda lanes: lanes.original(other)) == [None]


def test_the_backlog_tells_how_much_waits_and_since_when(line):
    line.append(*(line.stage.event("quiz", f"p{n}") for n in range(30)))
    (backlog,) = line.ask(lambda lanes: lanes.backlog())
    assert backlog.entries == 30
    assert backlog.oldest_ms < 10_000

    two_hours_ago = int(time.time() * 1000) - 2 * 60 * 60 * 1000
    line.link.xadd("{lane-63}:other", {"e": b""})
    empty = next(lane for lane in range(LANES) if not line.link.exists(STREAMS[lane]))
    line.link.xadd(STREAMS[empty], {"e": b""}, id=f"{two_hours_ago}-1")
    (backlog,) = line.ask(lambda lanes: lanes.backlog())
    assert backlog.entries == 31
    assert 0 <= backlog.oldest_ms - 2 * 60 * 60 * 1000 < 60_000


def test_scripts_that_redis_has_forgotten_are_sent_again(line):
    line.append(line.stage.event("quiz", "ann"))
    line.link.script_flush()

    assert line.append(*(line.stage.event("quiz", f"p{n}") for n in range(100))) == [None] * 100
    line.drain()
    assert line.left() == 0


def test_a_server_that_refuses_a_lane_makes_its_events_unavailable(line):
    one, other = line.stage.event("quiz", "ann"), line.stage.event("quiz", "bob")
    assert lane_of(one) != lane_of(other)
    line.link.set(STREAMS[lane_of(one)], "not a stream")

    (broken,) = line.append(one)
    (kept,) = line.append(other)

    assert isinstance(broken, Unavailable)
    assert kept is None


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_there(name):
    assert Script(name).text.startswith("--")


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(
    texts, texts, texts | st.none(), st.dictionaries(texts, st.integers() | texts), st.booleans()
)
def test_an_event_reads_as_it_was_spelled(participant, name, key, properties, dated):
    text = msgspec.json.encode(properties).decode()
    event = replace(
        EVENT,
        participant=participant,
        name=name,
        properties=msgspec.json.decode(text),
        properties_json=text,
        key=key,
        source=name,
        dated=dated,
    )

    assert decode(encode(event)) == event
    assert content_of(event) != content_of(replace(event, name=name + "x"))
