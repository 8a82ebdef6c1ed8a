"""`verify` finds every kind of damage. A check that cannot fail is none."""

import pytest
from tests.cast import CAFE, DAY, NOON, SHOP, Stage, other_hand

RULEBOOK = """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
  - {id: gem, event: buy, currency: gem, amount: 1}
badges: [{id: buyer, event: buy}]
challenges: [{id: daily, window: daily, objectives: [{event: buy, count: 2}], rewards: [{points: 5}]}]
"""
PEOPLE = ("ann", "bob", "cid")


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path / "laurels.db", RULEBOOK)
    stage.store.registry.put_rulebook(CAFE, RULEBOOK, NOON)
    for who in PEOPLE:
        for day in range(12):
            stage.tell("buy", who, key=f"k{day}", at=NOON + day * DAY, amount=day)
    stage.tell("buy", "ann", world=CAFE, amount=1)
    yield stage
    stage.store.close()


def test_a_sound_store_has_no_findings(stage):
    assert stage.findings() == []


def test_an_empty_store_has_no_findings(tmp_path):
    stage = Stage(tmp_path / "empty.db")

    assert stage.findings() == []
    stage.store.close()


JOURNAL = "the journal should end at {}; it has {} rows and ends at {}."
FOLD = "the state of bob is not the fold of its journal."
BOB = "WHERE tenant = 'shop/live' AND participant = 'bob'"


@pytest.mark.parametrize(
    ("damage", "findings"),
    [
        (
            "DELETE FROM journal WHERE tenant = 'shop/live' AND number = 15",
            [
                JOURNAL.format(36, 35, 36),
                "is in the journal 0 times",
                "points at journal row 15",
                FOLD,
            ],
        ),
        (
            "DELETE FROM journal WHERE tenant = 'shop/live' AND number = 36",
            [JOURNAL.format(36, 35, 35), "0 times", "journal row 36 in vain", "the state of cid"],
        ),
        ("UPDATE heads SET number = 40 WHERE tenant = 'shop/live'", [JOURNAL.format(40, 36, 36)]),
        (
            "UPDATE journal SET command = (SELECT command FROM journal WHERE tenant = 'shop/live' "
            "AND number = 1) WHERE tenant = 'shop/live' AND number = 2",
            ["is in the journal 2 times", "is in the journal 0 times"],
        ),
        (
            "DELETE FROM postings WHERE tenant = 'shop/live' AND number = 15 AND currency = 'gem'",
            [
                "bob holds Balance(amount=12, earned=12, spent=0), but the postings sum to "
                "Balance(amount=11, earned=11, spent=0)."
            ],
        ),
        (
            "UPDATE postings SET amount = amount + 1 WHERE tenant = 'shop/live' AND number = 15 "
            "AND currency = 'points'",
            [
                "bob holds Balance(amount=66, earned=66, spent=0), but the postings sum to "
                "Balance(amount=67"
            ],
        ),
        (
            "UPDATE postings SET currency = 'gem' WHERE tenant = 'shop/live' AND number = 15 "
            "AND currency = 'points'",
            ["bob holds", "bob holds"],
        ),
        (
            "UPDATE postings SET target = 'p:nobody' WHERE tenant = 'shop/live' AND number = 15 "
            "AND currency = 'points'",
            ["bob holds", "account p:nobody has postings but no participant."],
        ),
        (
            "UPDATE participants SET state = json_set(state, '$.balances.points[0]', 1000) "
            "WHERE tenant = 'shop/live' AND id = 'bob'",
            ["bob holds Balance(amount=1000", FOLD],
        ),
        (
            "UPDATE participants SET state = json_set(state, '$.badges.thief', 1) "
            "WHERE tenant = 'shop/live' AND id = 'bob'",
            [FOLD],
        ),
        (
            "UPDATE participants SET state = json_set(state, '$.items.boots', 1) "
            "WHERE tenant = 'shop/live' AND id = 'bob'",
            [FOLD],
        ),
        (
            "UPDATE participants SET state = json_remove(state, '$.challenges.daily.2024-05-26') "
            "WHERE tenant = 'shop/live' AND id = 'bob'",
            [FOLD],
        ),
        (f"DELETE FROM windows {BOB} AND window = '2024-05-16'", [FOLD]),
        (f"UPDATE windows SET progress = '{{}}' {BOB} AND window = '2024-05-16'", [FOLD]),
        (
            "UPDATE journal SET changes = '[]' WHERE tenant = 'shop/live' AND number = 15",
            [FOLD],
        ),
        (
            "UPDATE journal SET participant = 'ann' WHERE tenant = 'shop/live' AND number = 15",
            [
                "a receipt of bob (event) points at journal row 15 in vain.",
                "the state of ann",
                FOLD,
            ],
        ),
        (
            f"UPDATE receipts SET number = 99 {BOB} AND number = 15",
            ["a receipt of bob (event) points at"],
        ),
        (
            f"UPDATE receipts SET number = 1 {BOB} AND number = 15",
            ["a receipt of bob (event) points at"],
        ),
        (
            "INSERT INTO events SELECT tenant, 'X', participant, name, properties, occurred_at, "
            "received_at, key, source, status FROM events WHERE tenant = 'shop/live' LIMIT 1",
            ["event X is in the journal 0 times."],
        ),
        (
            "DELETE FROM participants WHERE tenant = 'shop/live' AND id = 'bob'",
            ["bob has a journal but no state.", "account p:bob has postings but no participant."],
        ),
        (
            "DELETE FROM participants WHERE tenant = 'shop/live' AND id = 'cid'",
            ["cid has a journal but no state.", "account p:cid has postings but no participant."],
        ),
        (
            "DELETE FROM participants WHERE tenant = 'shop/live'",
            [f"{who} has a journal but no state." for who in PEOPLE]
            + [f"account p:{who} has postings but no participant." for who in PEOPLE],
        ),
        (
            """INSERT INTO participants VALUES ('shop/live', 'bea', '{"schema": 1}')""",
            ["bea has a state but no journal."],
        ),
        (
            """INSERT INTO participants VALUES ('shop/live', 'zoe', '{"schema": 1}')""",
            ["zoe has a state but no journal."],
        ),
    ],
)
def test_damage_is_found_and_named(stage, damage, findings):
    stage.rows(damage)
    found = stage.findings()

    assert len(found) == len(findings)
    for sentence, finding in zip(found, findings, strict=True):
        assert sentence.startswith(f"{SHOP}: ")
        assert finding in sentence


def test_what_breaks_the_schema_is_found(stage):
    stage.store.registry.create_tenant("shop", NOON)
    with other_hand(stage.path) as hand:
        hand.execute("PRAGMA ignore_check_constraints = ON")
        hand.execute("UPDATE tenants SET disabled = 7")

    assert stage.findings() == ["The file is damaged: CHECK constraint failed in tenants."]


def test_each_world_is_looked_at(stage):
    stage.rows("UPDATE heads SET number = number + 1")

    assert [finding.split(":")[0] for finding in stage.findings()] == [CAFE, SHOP]
