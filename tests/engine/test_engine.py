"""One batch after the other, on a real store: once each, whatever is sent again, and by whom."""

import pytest
from msgspec.structs import replace
from tests.cast import (
    CAFE,
    DAY,
    HOUR,
    LOOP,
    NOON,
    SHOP,
    SHOP_TEST,
    Stage,
    a_stage,
    as_json,
    out_of_order,
)

from laurels.core import limits
from laurels.core.change import Parked, PointsPosted
from laurels.core.errors import ClaimNotReady, NumberOutOfRange, Unavailable, UnknownChallenge
from laurels.engine.ports import Conflict

RULEBOOK = as_json(
    """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
LOOP
  - {id: cursed, event: curse, points: 13}
badges: [{id: regular}]
challenges:
  - {id: daily, window: daily, objectives: [{event: buy, count: 2}], rewards: [{points: 100}]}
  - id: month
    window: monthly
    claim: manual
    objectives: [{event: buy, sum: amount, target: 10}]
    rewards: [{badge: regular}]
  - {id: all, objectives: [{event: see, distinct: what, target: 100000}]}
""".replace("LOOP", LOOP)
)


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def plant_a_bug(stage: Stage) -> None:
    """Let a constraint fire when a certain rule posts, as a bug of ours would."""
    stage.rows(
        "ALTER TABLE postings ADD CONSTRAINT \"a planted constraint\" CHECK (rule <> 'cursed')"
        if isinstance(stage.path, str)
        else "CREATE TRIGGER planted BEFORE INSERT ON postings WHEN new.rule = 'cursed' "
        "BEGIN SELECT RAISE(ABORT, 'a planted constraint'); END"
    )


def test_a_first_answer_tells_all_that_followed(stage):
    receipt = stage.tell("buy", amount=12, key="k")

    assert (receipt.name, receipt.version, receipt.currency) == ("buy", 1, "points")
    assert (receipt.recorded_at, receipt.received_at) == (NOON, NOON)
    assert (receipt.answered_by, receipt.duplicate, receipt.known) == ("decision", False, True)
    assert [type(change).__name__ for change in receipt.changes] == [
        "PointsPosted",
        "ProgressMoved",
        "ProgressMoved",
        "ChallengeCompleted",
    ]
    assert stage.journal()[0].changes == receipt.changes


def test_a_name_that_no_rule_hears_is_welcome(stage):
    receipt = stage.tell("sneeze")

    assert (receipt.changes, receipt.known) == ((), False)
    assert [entry.command for entry in stage.journal()] == [receipt.id]


def test_without_a_rulebook_events_are_kept(stage):
    receipt = stage.tell("buy", amount=1, world=CAFE)

    assert (receipt.version, receipt.changes, receipt.known) == (0, (), False)


def test_without_a_key_every_event_is_a_new_one(stage):
    stage.tell("buy", amount=1)
    stage.tell("buy", amount=1)

    assert stage.balance() == 102


def test_twins_in_one_batch_hear_one_receipt(stage):
    first, again = stage.send(*(stage.event("buy", key="k", amount=5) for _ in range(2)))

    assert (again.id, again.changes) == (first.id, first.changes)
    assert (first.answered_by, again.answered_by) == ("decision", "store")
    assert stage.balance() == 5


def test_twins_in_two_batches_hear_one_receipt(stage):
    first, again = (stage.tell("buy", key="k", amount=5) for _ in range(2))

    assert (again.id, again.changes) == (first.id, first.changes)
    assert not again.mismatch
    assert stage.balance() == 5


def test_a_twin_is_known_by_the_next_process(stage):
    first = stage.tell("buy", key="k", amount=5)
    stage.reopen()
    again = stage.tell("buy", key="k", amount=5)

    assert again == replace(first, answered_by="store")


def test_the_same_key_of_another_participant_or_operation_is_another(stage):
    stage.tell("buy", "ann", key="k", amount=50)
    stage.tell("buy", "bob", key="k", amount=5)
    (paid,) = stage.send(stage.claim("month", key="k"))

    assert not paid.duplicate
    assert (stage.balance("ann"), stage.balance("bob")) == (50, 5)


@pytest.mark.parametrize(
    ("later", "is_replay"),
    [(0, True), (DAY - 1, True), (DAY, True), (DAY + 1, False), (25 * HOUR, False)],
)
@pytest.mark.parametrize("reopened", [False, True])
def test_a_key_is_free_again_after_a_day(stage, later, is_replay, reopened):
    first = stage.tell("buy", key="k", amount=5)
    if reopened:
        stage.reopen()
    stage.clock.move(by=later)
    event = stage.event("buy", key="k", amount=5)
    if not reopened:
        assert (stage.engine.recall(event) is not None) == is_replay
    (again,) = stage.send(event)

    assert (again.duplicate, again.id == first.id) == (is_replay, is_replay)
    assert stage.balance() == (5 if is_replay else 10)


def test_a_key_that_was_taken_anew_is_bound_to_the_newer_event(stage):
    stage.tell("buy", key="k", amount=1)
    stage.clock.move(by=DAY + 1)
    second = stage.tell("buy", key="k", amount=2)
    stage.clock.move(by=DAY)

    assert stage.tell("buy", key="k", amount=2).id == second.id
    stage.reopen()
    assert stage.tell("buy", key="k", amount=2).id == second.id


@pytest.mark.parametrize(
    ("first", "again", "mismatch"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {}, True),
        ({"name": "sell"}, {"name": "buy"}, True),
        ({"at": NOON - HOUR}, {"at": NOON - HOUR}, False),
        ({"at": NOON - HOUR}, {"at": NOON - 2 * HOUR}, True),
        # A time that was not given contradicts nothing.
        ({"at": NOON - HOUR}, {}, False),
        ({}, {"at": NOON - HOUR}, False),
        ({}, {}, False),
    ],
)
@pytest.mark.parametrize("answered_by", ["cache", "store", "twin"])
def test_a_retry_with_other_content_is_told_so(stage, first, again, mismatch, answered_by):
    one, other = ({"name": "buy", "key": "k", **content} for content in (first, again))
    event = stage.event(**one)
    if answered_by == "twin":
        _, replayed = stage.send(event, stage.event(**other))
    else:
        stage.send(event)
        stage.clock.move(by=HOUR)
        retry = stage.event(**other)
        replayed = stage.engine.recall(retry) if answered_by == "cache" else stage.send(retry)[0]

    assert replayed.duplicate
    assert replayed.mismatch == mismatch
    assert (replayed.id, replayed.name) == (event.id, event.name)


def test_only_what_is_committed_is_recalled(stage):
    event = stage.event("buy", key="k", amount=5)
    assert stage.engine.recall(event) is None
    with out_of_order(stage.path), pytest.raises(Unavailable):
        stage.send(event)
    assert stage.engine.recall(event) is None

    stage.send(event)
    recalled = stage.engine.recall(event)
    assert recalled is not None
    assert (recalled.id, recalled.answered_by) == (event.id, "cache")


def test_nothing_is_recalled_without_a_key(stage):
    event = stage.event("buy", amount=5)
    stage.send(event)

    assert stage.engine.recall(event) is None


def test_the_memory_of_receipts_is_bounded(stage, monkeypatch):
    monkeypatch.setattr(limits, "RECEIPTS_CACHED_MAX", 2)
    monkeypatch.setattr(limits, "RECEIPT_CACHED_BYTES_MAX", 50)
    stage.reopen()
    events = [stage.event("buy", key=key, amount=5) for key in "abc"]
    large = stage.event("buy", key="d", amount=5, note="x" * 50)
    stage.send(*events, large)

    assert [stage.engine.recall(event) is None for event in events] == [True, False, False]
    assert stage.engine.recall(large) is None
    assert stage.send(events[0], large)[1].id == large.id  # The store forgets neither.


def test_the_memory_of_states_is_bounded(stage, monkeypatch):
    monkeypatch.setattr(limits, "STATES_CACHED_MAX", 2)
    stage.reopen()
    for _ in range(2):
        stage.send(*(stage.event("buy", who, amount=1) for who in "abcd"))

    assert [stage.balance(who) for who in "abcd"] == [102] * 4


def test_tenants_and_their_worlds_share_a_batch_and_nothing_else(stage):
    stage.store.registry.put_rulebook(SHOP_TEST, RULEBOOK.replace("100}", "7}"), NOON)
    worlds = [SHOP_TEST, SHOP, CAFE, SHOP]
    outcomes = stage.send(
        *(
            stage.event("buy", key=f"k{n % 2}", world=world, amount=1)
            for n, world in enumerate(worlds)
        )
    )

    assert [outcome.duplicate for outcome in outcomes] == [False, False, False, True]
    assert [stage.balance(world=world) for world in (SHOP, SHOP_TEST, CAFE)] == [1, 1, 0]
    for world in (SHOP, SHOP_TEST, CAFE):
        assert [entry.number for entry in stage.journal(world)] == [1]


def test_a_refused_neighbour_harms_nobody(stage):
    before, refused, unready, after = stage.send(
        stage.event("buy", amount=1),
        stage.event("buy", key="k", amount=9_000_000_001),
        stage.claim("month"),
        stage.event("buy", amount=2),
    )

    assert isinstance(refused, NumberOutOfRange)
    assert isinstance(unready, ClaimNotReady)
    assert refused.problems[0].path == "amount"
    assert [entry.command for entry in stage.journal()] == [before.id, after.id]
    # Nothing of it was kept, so its key is free and it is judged afresh.
    assert not stage.tell("buy", key="k", amount=1).duplicate


def test_a_batch_of_refusals_writes_nothing(stage):
    (refused,) = stage.send(stage.claim("nowhere", key="k"))

    assert isinstance(refused, UnknownChallenge)
    assert stage.journal() == []


def test_a_parked_neighbour_harms_nobody_and_keeps_its_key(stage):
    before, parked, after = stage.send(
        stage.event("buy", amount=1),
        stage.event("loop", key="k"),
        stage.event("buy", amount=2),
    )

    assert [type(change) for change in parked.changes] == [Parked]
    assert parked.changes[0].reason == "ChainTooLong"
    assert [entry.command for entry in stage.journal()] == [before.id, parked.id, after.id]
    assert stage.rows("SELECT id FROM events WHERE status = 'parked'") == [(parked.id,)]
    assert stage.balance() == 103
    stage.reopen()
    assert stage.tell("loop", key="k") == replace(parked, answered_by="store")


def test_a_state_that_outgrows_its_limit_parks_the_event_that_did_it(stage):
    halves = [stage.event("see", what=letter * 40_000) for letter in "ab"]
    first, second, neighbour = stage.send(*halves, stage.event("buy", "bob", amount=3))

    assert [type(change).__name__ for change in first.changes] == ["ProgressMoved"]
    assert [change.reason for change in second.changes] == ["StateTooLarge"]
    assert isinstance(neighbour.changes[0], PointsPosted)
    assert [entry.number for entry in stage.journal()] == [1, 2, 3]
    assert [type(change).__name__ for change in stage.tell("see", what="c").changes] == [
        "ProgressMoved"
    ]


def test_a_constraint_that_fires_parks_the_culprit_alone(stage):
    plant_a_bug(stage)
    before, culprit, after, unheard = stage.send(
        stage.event("buy", amount=1),
        stage.event("curse", key="k"),
        stage.event("buy", "bob", amount=2),
        stage.claim("month"),
    )

    assert [change.reason for change in culprit.changes] == ["LimitMet"]
    assert "store" in culprit.changes[0].message
    assert "constraint" not in culprit.changes[0].message
    assert isinstance(unheard, ClaimNotReady)
    assert [entry.command for entry in stage.journal()] == [before.id, culprit.id, after.id]
    assert (stage.balance("ann"), stage.balance("bob")) == (1, 2)
    assert stage.tell("curse", key="k").id == culprit.id


def test_what_cannot_even_be_parked_is_refused_alone(stage):
    events = [stage.event("buy", who, key="k", amount=1) for who in ("ann", "bob", "cid")]
    taken = replace(events[1], participant="eve")
    stage.send(taken)
    before, refused, after = stage.send(*events)

    assert isinstance(refused, Unavailable)
    assert [entry.command for entry in stage.journal()] == [taken.id, before.id, after.id]
    # A retry comes with an id of its own.
    assert not stage.tell("buy", "bob", key="k", amount=1).duplicate


def test_a_store_that_cannot_be_written_is_unavailable_and_recovers(stage):
    stage.tell("buy", amount=1)
    event = stage.event("buy", amount=1)
    with out_of_order(stage.path), pytest.raises(Unavailable, match="cannot be written"):
        stage.send(event)
    stage.send(event)

    assert stage.balance() == 102


def test_a_conflict_names_the_constraint(stage):
    plant_a_bug(stage)
    with pytest.raises(Conflict, match="planted"), stage.store.transaction() as of_tenant:
        of_tenant(SHOP)._hand.connection.execute(
            "INSERT INTO postings "
            "VALUES ('shop/live', 1, 0, '@mint', 'p:ann', 'points', 1, 'cursed')"
        )


def test_claims_are_paid_once(stage):
    stage.tell("buy", amount=20)
    (paid,) = stage.send(stage.claim("month", key="k"))
    (replayed,) = stage.send(stage.claim("month", key="k"))
    (repeated,) = stage.send(stage.claim("month", key="other"))

    assert [type(change).__name__ for change in paid.changes] == [
        "ChallengeClaimed",
        "BadgeAwarded",
    ]
    assert (replayed.changes, replayed.duplicate, replayed.mismatch) == (paid.changes, True, False)
    assert [change.quiet for change in repeated.changes] == [True]
    assert repeated.duplicate is False
    assert [each.is_paid_now for each in (paid, replayed, repeated)] == [True, False, False]
    assert (paid.name, paid.known) == ("", True)
    assert stage.state().badges == {"regular": NOON}


def test_asking_again_for_what_was_claimed_leaves_no_row(stage):
    stage.tell("buy", amount=20)
    stage.send(stage.claim("month"))
    rows = len(stage.journal())

    again = [stage.send(stage.claim("month"))[0] for _ in range(3)]

    assert [each.changes[0].quiet for each in again] == [True] * 3
    assert len(stage.journal()) == rows


def test_a_claim_hears_what_came_before_it_in_its_batch(stage):
    _, paid = stage.send(stage.event("buy", amount=20), stage.claim("month", key="k"))

    assert stage.engine.recall(stage.claim("month", key="k")) == replace(paid, answered_by="cache")
    stage.reopen()
    assert stage.send(stage.claim("month", key="k"))[0] == replace(paid, answered_by="store")


def test_a_receipt_names_the_currency_of_the_rulebook_that_judged_it(stage):
    first = stage.tell("buy", key="k", amount=1)
    stage.store.registry.put_rulebook(SHOP, "currencies: [gem, points]", NOON)
    other = stage.tell("buy", amount=1)
    stage.reopen()

    assert (other.currency, other.version) == ("gem", 2)
    assert stage.tell("buy", key="k", amount=1) == replace(first, answered_by="store")


def test_nothing_sent_is_nothing_done(stage):
    assert stage.engine.submit([]) == []


def test_a_store_that_goes_away_in_between_refuses_only_the_rest(stage, monkeypatch):
    # The first run meets a conflict, so the batch is run one by one; then the disk is full.
    commits = iter([Conflict("planted"), None, Unavailable("full")])
    commit = stage.engine._commit

    def fail_in_turn(commands, *, waited, park=None):
        failure = next(commits)
        if failure is not None:
            raise failure
        return commit(commands, waited=waited, park=park)

    monkeypatch.setattr(stage.engine, "_commit", fail_in_turn)
    kept, refused = stage.engine.submit([stage.event("buy", amount=1), stage.event("buy")])

    assert kept.changes
    assert isinstance(refused, Unavailable)
