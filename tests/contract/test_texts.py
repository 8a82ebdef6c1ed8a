"""Texts come back as they were sent, whichever way their rows were written."""

import pytest
from tests.cast import SHOP, a_stage
from tests.contract.hostile import ODD_TEXTS

from laurels.engine.answers import BoardName

RULEBOOK = """
earn: [{id: one, event: buy, points: 1}]
leaderboards: [{id: spend, event: buy, score: count, period: weekly}]
challenges: [{id: daily, window: daily, objectives: [{event: buy, count: 9}]}]
"""
TEXTS = [*sorted({text for text in ODD_TEXTS if text}), "\ud7ff", "\ue000", "\U00010000"]
IN_ORDER = sorted(TEXTS)


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


@pytest.mark.parametrize("at_once", [1, len(TEXTS)])
def test_they_come_back_as_they_were(stage, at_once):
    events = [
        stage.event("buy", text, key=text, properties={text: [text, {text: text}]})
        for text in TEXTS
    ]
    for start in range(0, len(events), at_once):
        stage.send(*events[start : start + at_once])
    stage.reopen()

    for event in events:
        (entry,) = stage.store.queries.latest_events(SHOP, event.participant, count=9)
        assert (entry.id, entry.properties_json) == (event.id, event.properties_json)
    again = stage.send(*events[::-1])
    assert [one.id for one in again] == [event.id for event in events[::-1]]
    assert not any(one.mismatch for one in again)
    assert [entry.participant for entry in stage.journal()] == TEXTS
    assert [stage.balance(text) for text in TEXTS] == [1] * len(TEXTS)


def test_names_of_events_do_too(stage):
    stage.send(*(stage.event(text) for text in TEXTS))

    entries = stage.store.queries.latest_events(SHOP, "ann", count=99)
    assert [entry.name for entry in entries] == TEXTS[::-1]


def test_their_order_is_that_of_their_bytes_everywhere(stage):
    stage.send(*(stage.event("buy", text) for text in TEXTS))
    week = BoardName("spend", "2024-W20")

    places = stage.store.queries.top(SHOP, week, 99).places
    found = stage.rows("SELECT id FROM participants ORDER BY id")

    assert [place.participant for place in places] == IN_ORDER
    assert [name for (name,) in found] == IN_ORDER


def test_a_large_text_is_kept_whole(stage):
    text = "\\N\t🦊\n'\"" * 9_000
    stage.send(*(stage.event("buy", f"p{n}", text=text) for n in range(20)))

    (entry,) = stage.store.queries.latest_events(SHOP, "p7", count=1)
    assert entry.properties_json == stage.event("buy", text=text).properties_json
