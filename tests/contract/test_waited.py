"""What waited in a queue is known by its id: decided once, whenever and how often it comes."""

from functools import partial

import pytest
from msgspec.structs import replace
from tests.cast import CAFE, DAY, HOUR, SHOP, a_stage
from tests.contract.together import at_once, several

from laurels.core import limits
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


@pytest.mark.parametrize(("gap", "wait"), [(1, 25 * HOUR), (20 * HOUR, 10 * HOUR), (0, 400 * DAY)])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_key_that_was_used_under_another_id_is_known_when_no_receipt_tells(
    stage, gap, wait, is_first
):
    """It waited for as long as nobody could decide it, or lay parked."""
    sent = []
    for _ in range(2):
        sent.append(stage.event("buy", key="k", amount=5))
        stage.clock.move(by=gap)
    decided, waited = sent if is_first else sent[::-1]
    stage.tell("buy", key="other", amount=1)
    stage.tell("buy", "bob", key="k", amount=1)
    stage.send(decided)
    stage.clock.move(by=wait)
    swept(stage)

    (answer,) = take(stage, waited)
    (again,) = take(stage, waited)

    assert (answer.id, answer.answered_by) == (decided.id, "store")
    assert again == answer
    assert stage.balance() == 6
    assert duplicates(stage) == [(SHOP, waited.id, decided.id)]


def swept(stage):
    """Look through the receipts as the scheduler does, and begin anew."""
    stage.store.forget_receipts(stage.clock.at - limits.RECEIPT_KEPT_MS)
    stage.reopen()


@pytest.mark.parametrize("is_swept", [True, False])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_key_that_was_free_again_counts_however_late_it_is_decided(stage, is_first, is_swept):
    sent = []
    for _ in range(2):
        sent.append(stage.event("buy", key="k", amount=5))
        stage.clock.move(by=DAY + 1)
    decided, waited = sent if is_first else sent[::-1]
    stage.send(decided)
    stage.clock.move(by=DAY)
    if is_swept:
        swept(stage)

    (answer,) = take(stage, waited)

    assert (answer.id, answer.answered_by) == (waited.id, "decision")
    assert stage.balance() == 10


def test_a_key_stands_for_the_later_of_two_that_it_was_free_in_between(stage):
    waited = stage.event("buy", key="k", amount=5)
    stage.clock.move(by=DAY + 1)
    stage.send(stage.event("buy", key="k", amount=7))
    take(stage, waited)

    (again,) = stage.send(stage.event("buy", key="k", amount=7))
    (late,) = take(stage, waited)

    assert (again.duplicate, again.mismatch) == (True, False)
    assert (late.id, late.duplicate) == (waited.id, True)
    assert stage.balance() == 12


def test_of_several_with_a_key_the_first_within_its_time_stands(stage):
    sent = []
    for gap in (23 * HOUR, 20 * HOUR, 23 * HOUR, 0):
        sent.append(stage.event("buy", key="k", amount=5))
        stage.clock.move(by=gap)
    first, waited, second, other = sent
    stage.send(first)
    stage.send(second)
    stage.clock.move(by=2 * DAY)
    swept(stage)

    answers = take(stage, waited, other)

    assert [answer.id for answer in answers] == [first.id, second.id]
    assert stage.balance() == 10


def test_an_older_receipt_does_not_hide_who_used_the_key_since(stage):
    """Two that waited for long meet, after the one that was decided at once is forgotten."""
    sent = []
    for gap in (30 * HOUR, 1, 30 * HOUR):
        sent.append(stage.event("buy", key="k", amount=5))
        stage.clock.move(by=gap)
    oldest, waited, decided = sent
    stage.send(decided)
    swept(stage)
    take(stage, oldest)

    (answer,) = take(stage, waited)

    assert answer.id == decided.id
    assert stage.balance() == 10


def test_what_waited_for_days_is_told_apart_participant_by_participant(stage):
    people = [f"p{n}" for n in range(20)]
    waited = [stage.event("buy", who, key=f"k{n}", amount=1) for n, who in enumerate(people)]
    stage.send(*(stage.event("buy", who, key="k3", amount=1) for who in people[:10]))
    stage.clock.move(by=2 * DAY)
    swept(stage)

    answers = take(stage, *waited)

    assert [answer.duplicate for answer in answers] == [n == 3 for n in range(20)]
    assert [stage.balance(who) for who in people] == [1 + (n < 10 and n != 3) for n in range(20)]
