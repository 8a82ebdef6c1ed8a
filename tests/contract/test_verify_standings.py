"""Rankings that are not what the journal says: each kind of damage is found and named."""

import msgspec
import pytest
from tests.cast import CAFE, NOON, SHOP, open_at, other_hand

from laurels.core.change import BadgeAwarded, ScoreMoved
from laurels.store.verify_standings import verify_standings

ONE = 1_000_000
LATER = NOON + 2
RED = f"has 2 in red since {NOON}"


def scored(board, after, window="w", segment=None, at=NOON):
    return ScoreMoved(board, window, 0, after, after, at, segment=segment)


JOURNAL = [
    ("bob", [scored("a", ONE), scored("b", ONE)]),
    ("ann", [scored("a", 2 * ONE, segment="red")]),
    ("ann", [BadgeAwarded("b", "B", "r", NOON)]),
    ("bob", [scored("a", 2 * ONE, at=NOON + 1), scored("a", 3 * ONE, at=NOON + 2)]),
    ("cid", [scored("race", -ONE // 2, window="")]),
]
STANDINGS = [
    (SHOP, "a", "w", "ann", "red", 2 * ONE, NOON),
    (SHOP, "a", "w", "bob", None, 3 * ONE, NOON + 2),
    (SHOP, "b", "w", "bob", None, ONE, NOON),
    (SHOP, "race", "", "cid", None, -ONE // 2, NOON),
]


@pytest.fixture
def connections(place):
    store = open_at(place)
    with store._connections.writing() as writer:
        rows = [
            (SHOP, number, f"e{number}", "event", who, 1, NOON, text(changes), None, None)
            for number, (who, changes) in enumerate(JOURNAL, 1)
        ]
        writer.many("insert_journal", rows)
        writer.many("put_standings", STANDINGS)
    yield store._connections
    store.close()


def text(changes):
    return msgspec.json.encode(changes).decode()


def findings_of(connections, world):
    with connections.reading() as reader:
        return list(verify_standings(reader, world))


def test_sound_rankings_have_no_findings(connections):
    assert findings_of(connections, SHOP) == []
    assert findings_of(connections, CAFE) == []


@pytest.mark.parametrize(
    ("damage", "findings"),
    [
        (
            "UPDATE standings SET score = score + 1 WHERE participant = 'bob' AND board = 'a'",
            [f"bob has 3.000001 since {LATER} on a w, but by the journal has 3 since {LATER}."],
        ),
        (
            "UPDATE standings SET reached_at = 0 WHERE participant = 'cid'",
            [f"cid has -0.5 since 0 on race, but by the journal has -0.5 since {NOON}."],
        ),
        (
            "UPDATE standings SET segment = 'blue' WHERE participant = 'ann'",
            [f"ann has 2 in blue since {NOON} on a w, but by the journal {RED}."],
        ),
        (
            "DELETE FROM standings WHERE participant IN ('ann', 'cid')",
            [
                f"ann has no score on a w, but by the journal has 2 in red since {NOON}.",
                f"cid has no score on race, but by the journal has -0.5 since {NOON}.",
            ],
        ),
        (
            "INSERT INTO standings VALUES ('shop/live', 'a', 'w', 'abe', NULL, 7000000, 1)",
            ["abe has 7 since 1 on a w, but by the journal has no score."],
        ),
        (
            "UPDATE standings SET \"window\" = 'v' WHERE board = 'b'",
            [
                f"bob has 1 since {NOON} on b v, but by the journal has no score.",
                f"bob has no score on b w, but by the journal has 1 since {NOON}.",
            ],
        ),
        (
            "DELETE FROM journal WHERE participant = 'cid'",
            [f"cid has -0.5 since {NOON} on race, but by the journal has no score."],
        ),
    ],
)
def test_damage_is_found_and_named(connections, place, damage, findings):
    with other_hand(place) as hand:
        hand.execute(damage)

    assert findings_of(connections, SHOP) == findings
