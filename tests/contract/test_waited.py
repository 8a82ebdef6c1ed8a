"""What waited in a queue is known by its id: decided once, whenever and how often it comes."""

from functools import partial

import pytest
from msgspec.structs import replace
from tests.cast import CAFE, DAY, HOUR, SHOP, a_stage
from tests.contract.together import at_once, several

from laurels.core.command import Reset

RULEBOOK = "earn: [{id: unit, event: buy, points: {of: amount, times: 1}}]"


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def take(stage, *commands):
    return stage.engine.submit(commands, waited=True)


def duplicates(stage):
    found = stage.rows("SELECT tenant, id, duplicate_of FROM duplicates ORDER BY tenant, id")
    return [tuple(row) for row in found]


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("later", [0, HOUR, 25 * HOUR, 400 * DAY])
def test_an_event_that_is_decided_is_recognised_by_its_id(stage, key, later):
    event = stage.event("buy", key=key, amount=3)
    (first,) = take(stage, event)
    stage.clock.move(by=later)
    stage.store.forget_receipts(stage.clock.at - DAY)
    stage.reopen()

    (again,) = take(stage, event)

    assert (again.id, again.changes, again.answered_by) == (event.id, first.changes, "store")
    assert (again.received_at, again.mismatch) == (event.received_at, False)
    assert stage.balance() == 3
    assert len(stage.journal()) == 1
    assert duplicates(stage) == []


@pytest.mark.parametrize("key", [None, "k"])
def test_an_event_that_comes_twice_within_a_batch_is_decided_once(stage, key):
    event = stage.event("buy", key=key, amount=3)

    outcomes = take(stage, event, stage.event("buy", "bob", amount=1), event)

    assert [one.id for one in outcomes][::2] == [event.id] * 2
    assert [one.answered_by for one in outcomes] == ["decision", "decision", "store"]
    assert (stage.balance(), len(stage.journal())) == (3, 2)


def test_another_id_on_the_same_key_is_kept_beside_the_one_that_was_decided(stage):
    one, twin, third = (stage.event("buy", key="k", amount=3) for _ in range(3))
    take(stage, one)

    outcomes = take(stage, twin, one, third, twin)

    assert {outcome.id for outcome in outcomes} == {one.id}
    assert stage.balance() == 3
    assert duplicates(stage) == [(SHOP, each.id, one.id) for each in (twin, third)]


def test_twins_within_a_batch_are_told_apart_too(stage):
    one, twin = (stage.event("buy", key="k", amount=3) for _ in range(2))

    take(stage, one, twin)
    take(stage, twin)

    assert stage.balance() == 3
    assert duplicates(stage) == [(SHOP, twin.id, one.id)]


@pytest.mark.parametrize("later", [0, 25 * HOUR])
def test_an_id_that_another_stands_for_is_decided_never(stage, later):
    """Its entry may come again when the receipt that stood for it has long been swept."""
    one, twin = (stage.event("buy", key="k", amount=3) for _ in range(2))
    take(stage, one, twin)
    stage.clock.move(by=later)
    stage.store.forget_receipts(stage.clock.at - DAY)

    (again,) = take(stage, twin)

    assert (again.id, again.answered_by) == (one.id, "store")
    assert stage.balance() == 3
    assert duplicates(stage) == [(SHOP, twin.id, one.id)]


def test_who_waited_and_who_did_not_share_their_keys(stage):
    direct, queued = (stage.event("buy", key="k", amount=3) for _ in range(2))
    stage.send(direct)
    (answer,) = take(stage, queued)

    assert (answer.id, answer.mismatch) == (direct.id, False)
    assert stage.balance() == 3
    stage.clock.move(by=DAY + 1)
    later = stage.event("buy", key="k", amount=4)
    (fresh,) = take(stage, later)
    assert (fresh.id, stage.balance()) == (later.id, 7)


def test_ids_are_of_one_world(stage):
    stage.store.registry.put_rulebook(CAFE, RULEBOOK, stage.clock.at)
    here = stage.event("buy", amount=3)
    there = replace(here, tenant=CAFE)

    take(stage, here, there)
    take(stage, there, here)

    assert (stage.balance(), stage.balance(world=CAFE)) == (3, 3)


def test_whoever_began_anew_stays_so_when_an_old_entry_comes_again(stage):
    event = stage.event("buy", key="k", amount=3)
    take(stage, event)
    received_at, (id_,) = stage.clock.accept(1)
    stage.send(Reset(tenant=SHOP, id=id_, participant="ann", received_at=received_at))

    (again,) = take(stage, event)

    assert again.id == event.id
    assert stage.balance() == 0


def test_an_entry_that_two_take_at_once_is_decided_once(quick_postgres_url, caplog):
    """A worker that slept holds the same entries as the one that took over."""
    with several(quick_postgres_url, 2, RULEBOOK) as stages:
        for n in range(25):
            who = f"p{n}"
            pair = [stages[0].event("buy", who, key, amount=3) for key in (None, "k", "k")]
            answers = at_once(*(partial(take, stage, *pair) for stage in stages))
            told = [[one.id for one in answer] for answer in answers]
            assert told == [[pair[0].id, pair[1].id, pair[1].id]] * 2
            assert stages[0].balance(who) == 6
        assert len(duplicates(stages[0])) == 25
        assert stages[0].findings() == []
    assert caplog.records == []
