"""`verify` finds every kind of damage. A check that cannot fail is none."""

import json

import pytest
from tests.cast import CAFE, DAY, NOON, SHOP, Stage

RULEBOOK = """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
  - {id: gem, event: buy, currency: gem, amount: 1}
badges: [{id: buyer, event: buy}]
challenges: [{id: daily, window: daily, objectives: [{event: buy, count: 2}]}]
"""
PEOPLE = ("ann", "bob", "cid")


@pytest.fixture
def stage(place):
    stage = Stage(place, RULEBOOK)
    stage.store.registry.put_rulebook(CAFE, RULEBOOK, NOON)
    for who in PEOPLE:
        for day in range(12):
            stage.tell("buy", who, key=f"k{day}", at=NOON + day * DAY, amount=day)
    stage.tell("buy", "ann", world=CAFE, amount=1)
    yield stage
    stage.store.close()


def test_a_sound_store_has_no_findings(stage):
    assert stage.findings() == []


def test_an_empty_store_has_no_findings(place):
    stage = Stage(place)

    assert stage.findings() == []
    stage.store.close()


JOURNAL = "the journal should end at {}; it has {} rows and ends at {}."
FOLD = "the state of {} is not the fold of its journal."
VAIN = "a receipt of bob (event) points at journal row {}, which is not there, or"
SUM = "Balance(amount={0}, earned={0}, spent=0, held=0)."
GEMS = f"bob holds {SUM.format(12)[:-1]} of gem, but the postings sum to {{}}"
POINTS = f"bob holds {SUM.format(66)[:-1]} of points, but the postings sum to {{}}"
STATELESS = "{} has a journal but no state."
ORPHANED = "{} has postings but no state."
WALK = "the ledger of {} cannot be walked back to its beginning."

LIVE = "WHERE tenant = 'shop/live'"
ROW = f"{LIVE} AND number = 15"  # The third event of bob.
STATE = f"{LIVE} AND id = 'bob'"
WINDOW = f"{LIVE} AND participant = 'bob' AND \"window\" = '2024-05-16'"


@pytest.mark.parametrize(
    ("damage", "findings"),
    [
        # A journal with a gap, or with another end than its head says.
        (
            f"DELETE FROM journal {ROW}",
            [
                JOURNAL.format(36, 35, 36),
                "is in the journal 0 times",
                VAIN.format(15),
                FOLD.format("bob"),
                WALK.format("bob"),
            ],
        ),
        (
            f"DELETE FROM journal {LIVE} AND number = 36",
            [
                JOURNAL.format(36, 35, 35),
                "0 times",
                "at journal row 36, which is not there",
                FOLD.format("cid"),
                WALK.format("cid"),
            ],
        ),
        (f"UPDATE heads SET number = 40 {LIVE}", [JOURNAL.format(40, 36, 36)]),
        # Events that are never in the journal, or twice.
        (
            f"UPDATE journal SET command = 'X' {ROW}",
            ["is in the journal 0 times", "which is not there", WALK.format("bob")],
        ),
        (
            f"UPDATE events SET id = 'X' {LIVE} AND id LIKE '%14____'",
            ["event X is in the journal 0", "which is not there"],
        ),
        # Postings that are not what the states hold.
        (f"DELETE FROM postings {ROW} AND currency = 'gem'", [GEMS.format(SUM.format(11))]),
        (
            f"UPDATE postings SET amount = amount + 1 {ROW} AND currency = 'points'",
            [POINTS.format(SUM.format(67))],
        ),
        (
            f"UPDATE postings SET currency = 'gem' {ROW} AND currency = 'points'",
            [GEMS.format(SUM.format(14)), POINTS.format(SUM.format(64))],
        ),
        (
            f"UPDATE postings SET target = 'p:nobody' {ROW} AND currency = 'points'",
            [POINTS.format(SUM.format(64)), ORPHANED.format("nobody")],
        ),
        (
            f"UPDATE postings SET source = target, target = source {ROW} AND currency = 'gem'",
            [GEMS.format("Balance(amount=10, earned=11, spent=1, held=0).")],
        ),
        (f"DELETE FROM windows {WINDOW}", [FOLD.format("bob")]),
        (f"UPDATE windows SET progress = '{{}}' {WINDOW}", [FOLD.format("bob")]),
        (f"UPDATE journal SET changes = '[]' {ROW}", [FOLD.format("bob"), WALK.format("bob")]),
        (f"UPDATE journal SET before = NULL {ROW}", [WALK.format("bob")]),
        (
            f"UPDATE journal SET participant = 'ann' {ROW}",
            [
                VAIN.format(15),
                *(say.format(who) for who in ("ann", "bob") for say in (FOLD, WALK)),
            ],
        ),
        # Receipts that point at nothing, or at somebody else's row.
        (f"UPDATE receipts SET number = 99 {ROW}", [VAIN.format(99)]),
        (f"UPDATE receipts SET number = 1 {ROW}", [VAIN.format(1)]),
        # States without a journal, and journals without a state.
        *(
            (
                f"DELETE FROM participants {LIVE} AND id = '{who}'",
                [STATELESS.format(who), ORPHANED.format(who)],
            )
            for who in PEOPLE
        ),
        (
            f"DELETE FROM participants {LIVE}",
            [*map(STATELESS.format, PEOPLE), *map(ORPHANED.format, PEOPLE)],
        ),
        *(
            (
                f"""INSERT INTO participants (tenant, id, state)
                    VALUES ('shop/live', '{who}', '{{"schema": 1}}')""",
                [f"{who} has a state but no journal."],
            )
            for who in ("abe", "bea", "zoe")
        ),
    ],
)
def test_damage_is_found_and_named(stage, damage, findings):
    stage.rows(damage)

    assert_found(stage, findings)


def assert_found(stage, findings):
    found = stage.findings()
    assert len(found) == len(findings)
    for sentence, finding in zip(found, findings, strict=True):
        assert sentence.startswith(f"{SHOP}: ")
        assert finding in sentence


BALANCE = "bob holds Balance(amount=99, earned=66"


@pytest.mark.parametrize(
    ("place_in_it", "value", "findings"),
    [
        (("balances", "points", 0), 99, [BALANCE, FOLD.format("bob")]),
        (("badges", "thief"), 1, [FOLD.format("bob")]),
        (("items", "boots"), 1, [FOLD.format("bob")]),
        (("challenges", "daily", "2024-05-26"), None, [FOLD.format("bob")]),
        (("challenges", "daily", "2024-05-26", "m", "daily"), 1, [FOLD.format("bob")]),
        (("folded",), None, [FOLD.format("bob")]),
    ],
)
def test_a_state_that_nothing_explains_is_found(stage, place_in_it, value, findings):
    ((text,),) = stage.rows(f"SELECT state FROM participants {STATE}")
    state = json.loads(text)
    inner, last = state, place_in_it[-1]
    for name in place_in_it[:-1]:
        inner = inner.setdefault(name, {}) if isinstance(inner, dict) else inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    stage.rows(f"UPDATE participants SET state = ? {STATE}", json.dumps(state))

    assert_found(stage, findings)


def test_each_world_is_looked_at(stage):
    stage.rows("UPDATE heads SET number = number + 1")

    assert [finding.split(":")[0] for finding in stage.findings()] == [CAFE, SHOP]
