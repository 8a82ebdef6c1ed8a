"""What is read and written beside events: limits, keys, and what becomes of odd receipts."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.stub import ADMIN, LIVE, NOW, House, prepared

from laurels.core.change import (
    BadgeAwarded,
    ContestFrozen,
    FreezesGranted,
    Parked,
    PointsPosted,
    RewardGranted,
    ScoreMoved,
    TierChanged,
)
from laurels.core.section import TIER
from laurels.core.window import DAY_MS
from laurels.engine.answers import ClaimRow, ContestRow, LedgerLine, Placed, Snapshot
from laurels.engine.ports import Receipt

BASE = "/api/v1/gamify"
ONE = 1_000_000
EVENT = {"participant_id": "user_123", "event_name": "seen"}
AWARD = {"participant_id": "user_123", "amount": 5}
KEYED = {
    "/points/award": AWARD,
    "/points/grant": AWARD,
    "/points/deduct": AWARD,
    "/points/holds": AWARD,
    "/points/holds/01HQK7N5ABCDEFGHJKMNPQ0000/capture": {"participant_id": "user_123"},
    "/holds/01HQK7N5ABCDEFGHJKMNPQ0000/release": {"participant_id": "user_123"},
    "/tiers/assign": {"participant_id": "user_123", "tier_code": "gold"},
    "/streaks/freeze": {"participant_id": "user_123", "streak_code": "daily_login"},
    "/contests/spring_cup/review": {"participant_id": "user_123", "decision": "drop"},
    "/rewards/coffee/claim": {"participant_id": "user_123", "points_deduction": True},
    "/challenges/fitness/claim": {"participant_id": "user_123"},
}


class Told(House):
    """A house whose engine answers an event with these changes."""

    def __init__(self, *changes, **receipt):
        super().__init__(docs=False)
        told = Receipt(
            id="01KNVF21200000000000000000",
            name="seen",
            version=1,
            recorded_at=NOW,
            received_at=NOW,
            changes=changes,
        )
        self.receipt = replace(told, **receipt)
        self.stub.submit = self.submit

    async def submit(self, commands):
        return [self.receipt for _ in commands]


def send(house, path, body, *, method="POST", key: Any = ADMIN, headers=()) -> Any:
    return house.call(
        method, BASE + path, json.dumps(body).encode(), key=key, headers=list(headers)
    )


@pytest.mark.parametrize("path", KEYED)
def test_a_key_gets_the_first_answer_again(path):
    """From header and body alike. A grant alone tells that it came before."""
    house = prepared()

    first = send(house, path, KEYED[path], headers=[("idempotency-key", "k")])
    again = send(house, path, KEYED[path] | {"idempotency_key": "k"})

    assert first.status == again.status == 200, first.body
    expected = first.json | ({"duplicate": True} if path == "/points/grant" else {})
    assert again.json == expected
    assert len(house.stub.commands) == 1


@pytest.mark.parametrize("path", KEYED)
def test_a_key_for_other_content_is_told_by_a_header(path):
    house = prepared()
    send(house, path, KEYED[path] | {"idempotency_key": "k"})
    house.stub.receipts = {
        name: replace(receipt, mismatch=True) for name, receipt in house.stub.receipts.items()
    }

    again = send(house, path, KEYED[path] | {"idempotency_key": "k"})

    assert again.headers["idempotency-mismatch"] == "true"


@pytest.mark.parametrize("path", KEYED)
@pytest.mark.parametrize(
    ("header", "code"), [("", "IDEMPOTENCY_KEY_INVALID"), ("other", "IDEMPOTENCY_KEY_MISMATCH")]
)
def test_a_bad_key_is_refused(path, header, code):
    house = prepared()

    reply = send(
        house, path, KEYED[path] | {"idempotency_key": "k"}, headers=[("idempotency-key", header)]
    )

    assert (reply.status, reply.json["code"]) == (400, code)
    assert not house.stub.commands


def test_the_participant_cap_counts_every_write():
    house = prepared(participant_writes_per_minute=3)

    assert send(house, "/events", EVENT).status == 200
    assert send(house, "/points/award", AWARD).status == 200
    assert send(house, "/participants/user_123", {}, method="PATCH").status == 200
    for path, body in {**KEYED, "/events": EVENT}.items():
        refused = send(house, path, body)
        assert (refused.status, refused.headers["retry-after"]) == (429, "60"), path
        assert refused.json["code"] == "RATE_LIMIT_PARTICIPANT_EXCEEDED"
    assert send(house, "/participants/user_123", {}, method="GET").status == 200
    batch = send(house, "/points/award-batch", {"awards": [AWARD, AWARD | {"participant_id": "v"}]})
    assert [row["status"] for row in batch.json["results"]] == ["error", "processed"]
    assert batch.json["results"][0]["error"] == "RATE_LIMIT_PARTICIPANT_EXCEEDED"
    house.clock.at += 60_000
    assert send(house, "/points/award", AWARD).status == 200


def test_what_stops_at_a_limit_is_an_error_of_its_command():
    house = Told(Parked("AmountTooLarge", "A balance would pass the largest amount."))

    single = send(house, "/points/award", AWARD)
    batch = send(house, "/points/award-batch", {"awards": [AWARD]})

    assert (single.status, single.json["code"]) == (422, "unprocessable_entity")
    assert single.json["detail"] == "A balance would pass the largest amount."
    assert (batch.json["processed"], batch.json["failed"]) == (0, 1)
    assert batch.json["results"][0]["error"] == "AmountTooLarge"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("x-api-key", LIVE)], 400),
        ([("authorization", f"Bearer {LIVE}")], 422),
        ([("authorization", f"Bearer {LIVE}"), ("x-api-key", LIVE)], 400),
    ],
)
def test_too_few_points_have_the_status_that_the_caller_reads_of(headers, status):
    house = prepared()

    for path in ("/points/deduct", "/points/holds"):
        reply = send(house, path, AWARD | {"amount": 9_999}, key=None, headers=headers)
        assert (reply.status, reply.json["code"]) == (status, "insufficient_points")
        assert (reply.json["available"], reply.json["required"]) == (4_700, 9_999)


def test_credits_are_what_is_new():
    """Points that come back from a hold or from what was spent were earned before."""
    house = Told(
        PointsPosted("@mint", "p:u", "points", 40, "earn"),
        PointsPosted("@spent", "p:u", "points", 7, "coffee"),
        PointsPosted("h:u", "p:u", "points", 5, "@release"),
        PointsPosted("p:u", "@expired", "points", 2, "@expiry"),
        RewardGranted("c-1", "mug", "A mug", "physical", 1, "fitness", NOW),
        FreezesGranted("daily_login", 2, 20_000, NOW, "fitness"),
        BadgeAwarded("b", "Badge", "c", NOW),
    )

    sync = house.call("POST", "/api/v1/ingest/events/sync", json.dumps(EVENT).encode())

    assert sync.json["results"]["points_granted"] == 40
    assert send(house, "/events", EVENT).json["rewards_granted"] == [
        {"type": "points", "amount": 40, "currency": "points", "rule": "earn"},
        {
            "type": "reward",
            "reward_id": "mug",
            "quantity": 1,
            "claim_id": "c-1",
            "reward_name": "A mug",
        },
        {"type": "freeze", "streak_code": "daily_login", "quantity": 2},
        {"type": "badge", "badge_code": "b", "badge_name": "Badge"},
    ]


def test_sync_tells_the_whole_way_of_a_tier_and_of_each_contest():
    house = Told(
        TierChanged("silver", "Silver", 2, NOW, "bronze", 1),
        TierChanged(None, "", 0, NOW, "silver", 2),
        ScoreMoved("spring_cup", "", 10 * ONE, 40 * ONE, 0, NOW, is_contest=True),
        ScoreMoved("weekly_points", "2026-W15", 0, 5 * ONE, 0, NOW),
        ScoreMoved("spring_cup", "", 40 * ONE, 40 * ONE + 1, 0, NOW, is_contest=True),
        ScoreMoved("forgotten", "", 0, ONE, 0, NOW, is_contest=True),
        ContestFrozen("spring_cup", NOW),
    )
    house.stub.places = [Placed(7, "user_123", 0, 0)]

    body = json.dumps(EVENT).encode()
    results = house.call("POST", "/api/v1/ingest/events/sync", body).json["results"]

    assert results["tier_changed"] == {
        "from": "bronze",
        "to": None,
        "code": None,
        "name": None,
        "level": 0,
        "previous_code": "bronze",
        "previous_level": 1,
    }
    assert results["contest_score_delta"] == [
        {"contest_id": "spring_cup", "delta": 30.000001, "new_rank": 7},
        {"contest_id": "forgotten", "delta": 1, "new_rank": None},
    ]


def test_a_place_is_compared_with_the_snapshot():
    house = prepared()
    names = ("up", "down", "same", "new")
    house.stub.places = [Placed(rank, name, ONE, 0) for rank, name in enumerate(names, 1)]
    path = "/leaderboards/weekly_points"

    def changes():
        entries = send(house, path, None, method="GET").json["entries"]
        return [entry["change"] for entry in entries]

    assert changes() == ["new"] * 4
    house.stub.ranks = Snapshot({"up": 2, "down": 1, "same": 3}, has_more=False)
    assert changes() == list(names)
    house.stub.ranks = Snapshot({"up": 2, "down": 1, "same": 3}, has_more=True)
    assert changes() == ["up", "down", "same", "up"]


@pytest.mark.parametrize(
    ("query", "window", "segment"),
    [
        ("weekly_points", "2026-W15", None),
        ("weekly_points?period_key=2025-W01&period=weekly", "2025-W01", None),
        ("best_quiz", "", None),
        ("best_quiz?segment=P%20T", "", "P T"),
        ("spring_cup?period=contest", "", None),
    ],
)
def test_a_ranking_is_asked_for_by_board_window_and_segment(query, window, segment):
    house = prepared()

    assert send(house, f"/leaderboards/{query}", None, method="GET").status == 200

    named = house.stub.named
    assert (named.board, named.window, named.segment) == (query.partition("?")[0], window, segment)
    assert named.ties == ("shared" if named.board == "best_quiz" else "earliest")


@pytest.mark.parametrize(
    ("row", "status", "consistency"),
    [
        (None, "scoring", "realtime_estimated"),
        (ContestRow("old_cup", 1, NOW, 0, None), "scoring", "final_verified"),
        (ContestRow("old_cup", 1, NOW, 3, NOW), "completed", "final_verified"),
    ],
)
def test_a_contest_that_is_over_is_final_once_it_is_closed(row, status, consistency):
    house = prepared()
    house.stub.closed = {} if row is None else {"old_cup": row}

    contest = send(house, "/contests/old_cup", None, method="GET").json

    assert (contest["status"], contest["consistency"]) == (status, consistency)


def test_a_tier_that_was_lost_since_is_no_trouble_for_a_replay():
    house = prepared()
    assign = {"participant_id": "user_123", "tier_code": "gold", "idempotency_key": "k"}
    send(house, "/tiers/assign", assign | {"idempotency_key": "other"})
    send(house, "/tiers/assign", assign)
    state = house.stub.states["demo/live", "user_123"]
    state.put("tier/", replace(state.read(TIER, ""), tier=None, level=0))

    again = send(house, "/tiers/assign", assign)
    tier = send(house, "/participants/user_123/tier", None, method="GET").json

    assert (again.status, again.json["tier_code"]) == (200, "gold")
    assert again.json["already_assigned"] is True
    assert tier["current_tier"] is None
    assert tier["tier_history"][0]["code"] is None


def test_a_streak_in_danger_says_so_and_a_freeze_saves_it():
    house = prepared()
    house.clock.at = NOW + DAY_MS // 2  # Half past ten at night, nothing today.

    before = send(house, "/participants/user_123/streaks", None, method="GET").json["streaks"][0]
    used = send(
        house, "/streaks/freeze", {"participant_id": "user_123", "streak_code": "daily_login"}
    )

    assert (before["current_count"], before["is_at_risk"], before["freezes_available"]) == (
        1,
        True,
        1,
    )
    assert before["next_milestone"] == {"at": 3, "remaining": 2}
    assert (used.json["action"], used.json["quantity"]) == ("use", 1)
    house.clock.at += 2 * 60 * 60 * 1000
    in_grace = send(house, "/state/user_123?include=streaks", None, method="GET").json["streaks"][0]
    assert (in_grace["current_count"], in_grace["freezes_available"]) == (1, 1)


def test_a_posting_is_named_by_where_it_went():
    line = LedgerLine("e-0", "e", "event", 5, "points", "earn", "", "@mint", 5, NOW)
    house = House(docs=False)
    house.stub.lines = [
        line,
        replace(line, counterpart="@spent", amount=-5, operation="deduct", reason="Why not"),
        replace(line, counterpart="@spent", amount=-5, operation="reward:coffee"),
        replace(line, counterpart="@spent", amount=-5, operation="freeze:daily_login"),
        replace(line, counterpart="@spent", operation="settle:c"),
        replace(line, counterpart="@expired", amount=-5, operation="tick"),
        replace(line, counterpart="h:u", amount=-5, operation="hold"),
        replace(line, counterpart="h:u", operation="tick"),
    ]

    path = "/participants/u/points/transactions"
    rows = send(house, path, None, method="GET").json["transactions"]

    assert [row["type"] for row in rows] == [
        "award",
        "deduction",
        "redemption",
        "redemption",
        "refund",
        "expiry",
        "hold",
        "release",
    ]
    assert [row["event_id"] for row in rows[:2]] == ["e", None]
    assert [row["reason"] for row in rows[:2]] == ["earn", "Why not"]


def test_a_profile_counts_what_was_claimed():
    house = House(docs=False)
    statuses = ("granted", "claimed", "fulfilled", "void")
    house.stub.rows = [
        ClaimRow(status, "mug", "A mug", "physical", status, None, NOW) for status in statuses
    ]

    assert send(house, "/participants/u", None, method="GET").json["rewards_claimed"] == 2


def test_of_patches_at_the_same_time_none_is_lost():
    house = House(docs=False)
    path = f"{BASE}/participants/u"

    async def both() -> Any:
        return await asyncio.gather(
            *(
                house._call(
                    "PATCH",
                    path,
                    [(b"x-api-key", ADMIN.encode())],
                    [json.dumps({"attributes": {name: 1}}).encode()],
                )
                for name in "abcdefgh"
            )
        )

    replies = asyncio.run(both())

    assert [reply.status for reply in replies] == [200] * 8
    shown = send(house, "/participants/u", None, method="GET").json["attributes"]
    assert shown == dict.fromkeys("abcdefgh", 1)


def test_a_path_that_spells_a_parameter_is_a_path_like_any_other():
    house = House(docs=False)

    reply = send(house, "/participants/{participant_id}", None, method="GET")

    assert (reply.status, reply.json["participant_id"]) == (200, "{participant_id}")
