"""Windows of long ago: they leave the state, and come back when something late is about them."""

import pytest
from tests.cast import DAY, NOON, Stage, a_stage

from laurels.core import limits
from laurels.core.change import ProgressMoved
from laurels.core.errors import ClaimNotReady
from laurels.core.state import State

DAYS = 40
RULEBOOK = """
badges: [{id: buyer, event: badge}]
challenges:
  - {id: daily, window: daily, objectives: [{event: buy, count: 3}], rewards: [{points: 5}]}
  - {id: chained, window: daily, objectives: [{fact: badge.awarded, count: 1}]}
  - id: claimed
    window: daily
    claim: manual
    objectives: [{event: work, count: 1}]
    rewards: [{points: 1}]
  - {id: claims, window: daily, objectives: [{fact: points.posted, count: 1000}]}
"""


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def live_windows(stage: Stage, challenge: str = "daily") -> list[str]:
    ((text,),) = stage.rows("SELECT state FROM participants")
    return sorted(State(text).windows(challenge))


def moved(receipt) -> list[tuple[str, int, int]]:
    return [
        (change.window, change.before // 10**6, change.after // 10**6)
        for change in receipt.changes
        if isinstance(change, ProgressMoved)
    ]


def play_every_day(stage: Stage, name: str = "buy") -> None:
    for day in range(DAYS):
        stage.tell(name, at=NOON + day * DAY)


def test_a_state_holds_only_the_newest_windows(stage):
    play_every_day(stage)

    assert live_windows(stage) == [f"2024-06-{day}" for day in range(16, 24)]
    assert len(stage.state().windows("daily")) == DAYS
    ((size,),) = stage.rows("SELECT length(state) FROM participants")
    assert size < 1000


@pytest.mark.parametrize("reopened", [False, True])
def test_a_late_event_goes_on_where_its_window_was(stage, reopened):
    play_every_day(stage)
    if reopened:
        stage.reopen()
    second, third = stage.tell("buy", at=NOON), stage.tell("buy", at=NOON)

    assert moved(second) == [("2024-05-15", 1, 2)]
    assert moved(third)[0] == ("2024-05-15", 2, 3)
    assert stage.balance() == 5
    assert len(live_windows(stage)) == limits.WINDOWS_LIVE_MAX


def test_a_late_event_may_open_a_window_that_never_was(stage):
    play_every_day(stage)

    assert moved(stage.tell("buy", at=NOON - DAY)) == [("2024-05-14", 0, 1)]
    assert moved(stage.tell("buy", at=NOON - DAY)) == [("2024-05-14", 1, 2)]


def test_late_events_of_one_batch_go_on_from_each_other(stage):
    play_every_day(stage)
    late = [NOON, NOON + 3 * DAY, NOON, NOON + 39 * DAY, NOON + 3 * DAY]
    outcomes = stage.send(*(stage.event("buy", at=at) for at in late))

    assert [moved(outcome)[0][1:] for outcome in outcomes] == [
        (1, 2),
        (1, 2),
        (2, 3),
        (1, 2),
        (2, 3),
    ]
    assert stage.balance() == 10


def test_a_completed_window_that_was_folded_away_is_not_completed_again(stage):
    for _ in range(3):
        stage.tell("buy", at=NOON - DAY)
    play_every_day(stage)
    again = stage.tell("buy", at=NOON - DAY)

    assert [move.quiet for move in again.changes] == [True]
    assert stage.balance() == 5


def test_a_chain_reaches_the_windows_of_its_own_time(stage):
    for day in range(DAYS):
        stage.tell("badge", f"p{day}", at=NOON)
    play_every_day(stage, "buy")
    stage.tell("badge", at=NOON)

    assert [window for window, _ in stage.state().windows("chained").items()] == ["2024-05-15"]


def test_what_is_owed_does_not_fold_away(stage):
    stage.tell("work", at=NOON)
    for day in range(1, DAYS):
        stage.tell("work", at=NOON + day * DAY)
        if day > 1:
            stage.send(stage.claim("claimed"))
    stage.reopen()
    paid = [stage.send(stage.claim("claimed"))[0] for _ in range(2)]

    assert all(receipt.changes for receipt in paid)
    assert stage.balance() == DAYS


def test_a_claim_finds_that_today_was_claimed_though_days_to_come_pushed_it_out(stage):
    stage.tell("work")
    stage.send(stage.claim("claimed"))
    for day in range(1, DAYS):
        stage.tell("work", at=NOON + day * DAY)
        stage.send(stage.claim("claimed"))
    assert "2024-05-15" not in live_windows(stage, "claimed")
    (again,) = stage.send(stage.claim("claimed"))

    assert not isinstance(again, ClaimNotReady)
    assert [change.quiet for change in again.changes] == [True]


def test_what_a_claim_leads_to_goes_on_where_its_window_was(stage):
    stage.tell("work")
    stage.send(stage.claim("claimed"))
    for _ in range(1, DAYS):
        stage.clock.move(by=DAY)
        stage.tell("work")
        stage.send(stage.claim("claimed"))
    stage.clock.at = NOON
    stage.tell("work", at=NOON + 100 * DAY)
    (paid,) = stage.send(stage.claim("claimed"))

    assert moved(paid) == [("2024-05-15", 1, 2)]


def test_a_fact_without_a_state_misses_nothing(stage):
    assert not State().misses("daily", "2024-05-15")
