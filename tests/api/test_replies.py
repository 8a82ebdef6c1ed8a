"""What the replies of each API make of a receipt, and of what is no receipt."""

import json

import pytest
from msgspec.structs import replace
from tests.api.stub import NOW, House, entry

from laurels.core.change import (
    BadgeAwarded,
    ChallengeCompleted,
    ItemGranted,
    Parked,
    PointsPosted,
    ProgressMoved,
)
from laurels.core.errors import NumberOutOfRange, Unavailable
from laurels.engine.ports import Receipt

INGEST = "/api/v1/ingest/events"
GAMIFY = "/api/v1/gamify/events"
SINGLE = {"participant_id": "u", "event_name": "seen"}
KEYED = SINGLE | {"idempotency_key": "k"}
QUEST = {"userId": "usr_demo_123", "name": "seen", "payload": {}, "timestamp": NOW}
ID = "01KNVF21200000000000000000"
ONE = 1_000_000

PARKED = (Parked("ChainTooLong", "One event led to more facts than are allowed."),)
CHAIN = (
    PointsPosted("@mint", "p:u", "coin", 40, "earn"),
    PointsPosted("@mint", "p:u", "gem", 3, "earn-gems"),
    PointsPosted("p:u", "@shop", "coin", 5, "spend"),
    ProgressMoved("c", "o", "all", 4 * ONE, 6 * ONE, 5 * ONE),
    ProgressMoved("c", "quiet", "all", 6 * ONE, 7 * ONE, 5 * ONE, quiet=True),
    ChallengeCompleted("c", "all", NOW),
    ProgressMoved("d", "o", "all", 0, ONE // 2, 2 * ONE),
    BadgeAwarded("b", "Badge", "c", NOW + 5),
    ItemGranted("boots", 2, "c"),
    PointsPosted("@mint", "p:u", "coin", 2, "bonus", because=5),
)


class Told(House):
    """A house whose engine answers with this receipt."""

    def __init__(self, changes=CHAIN, **receipt):
        super().__init__()
        self.receipt = Receipt(
            id=ID,
            name="seen",
            version=1,
            currency="coin",
            recorded_at=NOW + 1,
            received_at=NOW,
            changes=changes,
        )
        self.receipt = replace(self.receipt, **receipt)
        self.stub.submit = self.submit

    async def submit(self, commands):
        return [self.receipt for _ in commands]


def test_sync_tells_what_the_whole_chain_came_to():
    results = Told().post(f"{INGEST}/sync", SINGLE).json["results"]

    assert results == {
        "points_granted": 42,
        "tier_changed": None,
        "challenge_progress": [
            {"challenge_id": "c", "objective_id": "o", "from": 4, "to": 5, "completed": True},
            {"challenge_id": "d", "objective_id": "o", "from": 0, "to": 0.5, "completed": False},
        ],
        "badges_earned": [
            {"badge_code": "b", "badge_name": "Badge", "earned_at": "2026-04-10T10:30:00.005Z"}
        ],
        "contest_score_delta": [],
    }


def test_gamify_tells_each_credit_badge_and_item_in_order():
    assert Told().post(GAMIFY, SINGLE).json["rewards_granted"] == [
        {"type": "points", "amount": 40, "currency": "coin", "rule": "earn"},
        {"type": "points", "amount": 3, "currency": "gem", "rule": "earn-gems"},
        {"type": "badge", "badge_code": "b", "badge_name": "Badge"},
        {"type": "reward", "reward_id": "boots", "quantity": 2},
        {"type": "points", "amount": 2, "currency": "coin", "rule": "bonus"},
    ]


def test_questkit_names_each_challenge_once():
    assert Told().post("/v1/events", QUEST).json["missionsUpdated"] == ["c", "d"]


def test_a_parked_event_is_kept_without_effect_in_every_api():
    house = Told(PARKED)

    assert house.post(INGEST, SINGLE).status == 202
    assert house.post("/v1/events", QUEST).json["missionsUpdated"] == []
    emitted = house.post(GAMIFY, SINGLE)
    assert (emitted.status, emitted.json) == (
        200,
        {
            "event_id": None,
            "fact_id": None,
            "status": "error",
            "rewards_granted": [],
            "error": "ChainTooLong",
        },
    )
    batch = house.post(f"{GAMIFY}/batch", {"events": [SINGLE]}).json
    assert (batch["processed"], batch["failed"], batch["results"]) == (0, 1, [emitted.json])
    sync = house.post(f"{INGEST}/sync", SINGLE)
    assert sync.status == 200
    assert sync.json["results"]["challenge_progress"] == []
    assert sync.json["warnings"] == ["parked: ChainTooLong"]


def test_a_claim_that_is_parked_is_no_claim():
    house = Told(PARKED)
    reply = house.call("POST", "/v1/missions/first_steps/claim", headers=house.token())

    assert (reply.status, reply.json["error"]) == (400, "validation_error")
    assert reply.json["message"] == PARKED[0].message


@pytest.mark.parametrize(
    ("answered_by", "told"), [("decision", None), ("cache", "hit"), ("store", "db-hit")]
)
def test_questkit_tells_which_memory_answered(answered_by, told):
    reply = Told(answered_by=answered_by).post("/v1/events", QUEST)

    assert reply.headers.get("x-idempotent-replay") == told


@pytest.mark.parametrize("path", [INGEST, f"{INGEST}/sync", GAMIFY, "/v1/events"])
def test_a_key_with_other_content_is_told_by_a_header(path):
    body = QUEST if path == "/v1/events" else SINGLE

    same = Told(answered_by="store").post(path, body)
    other = Told(answered_by="store", mismatch=True).post(path, body)

    assert "idempotency-mismatch" not in same.headers
    assert other.headers["idempotency-mismatch"] == "true"
    if path.startswith(INGEST):
        assert other.json["warnings"] == ["idempotency_mismatch"]


@pytest.mark.parametrize("answered_by", ["cache", "store"])
def test_a_gamify_replay_is_the_first_reply_byte_for_byte(answered_by):
    first = Told(known=False).post(GAMIFY, SINGLE)
    replayed = Told(answered_by=answered_by).post(GAMIFY, SINGLE)

    assert replayed.body == first.body
    assert replayed.status == first.status


def test_a_replay_does_not_reach_the_engine():
    house = House()
    house.post(INGEST, KEYED)
    house.stub.submit = None

    assert house.post(INGEST, KEYED).json["duplicate"] is True
    assert house.post(GAMIFY, KEYED).status == 200


def test_an_event_is_handed_over_as_it_was_sent():
    house = House()
    body = KEYED | {"properties": {"n": 1}, "timestamp": "2026-04-01T00:00:00Z", "source": "s"}

    house.post(INGEST, body)
    house.post(INGEST, SINGLE)

    first, second = house.stub.events
    assert (first.tenant, first.participant, first.name) == ("demo/live", "u", "seen")
    assert (first.properties, first.properties_json) == ({"n": 1}, '{"n": 1}')
    assert (first.occurred_at, first.received_at, first.dated) == (1_775_001_600_000, NOW, True)
    assert (first.key, first.source) == ("k", "s")
    assert (second.properties, second.properties_json) == ({}, "{}")
    assert (second.occurred_at, second.dated, second.key) == (NOW, False, None)


@pytest.mark.parametrize("path", [INGEST, GAMIFY])
def test_a_batch_takes_as_many_as_it_says(path):
    most = 500 if path == INGEST else 100
    house = House()

    full = house.call("POST", f"{path}/batch", json.dumps({"events": [SINGLE] * most}).encode())
    over = house.call(
        "POST", f"{path}/batch", json.dumps({"events": [SINGLE] * (most + 1)}).encode()
    )

    assert full.status == (202 if path == INGEST else 200)
    assert len(full.json["results"]) == most
    assert over.status == (400 if path == INGEST else 422)
    assert len(house.stub.events) == most


def test_message_ids_rise_within_a_batch_without_gaps():
    house = House()
    events = [SINGLE, {}, SINGLE | {"timestamp": "never"}, SINGLE]

    reply = house.call("POST", f"{INGEST}/batch", json.dumps({"events": events}).encode())

    assert reply.json["message_ids"] == [f"{NOW}-0", f"{NOW}-1"]
    assert [row["status"] for row in reply.json["results"]] == [
        "accepted",
        "rejected",
        "rejected",
        "accepted",
    ]


def test_what_is_refused_in_deciding_fails_its_item_alone():
    house = House()
    body = json.dumps({"events": [KEYED, SINGLE]}).encode()

    house.stub.refusals = [NumberOutOfRange()]
    ingest = house.call("POST", f"{INGEST}/batch", body).json
    house.stub.refusals = [NumberOutOfRange()]
    gamify = house.call("POST", f"{GAMIFY}/batch", body).json

    assert (ingest["accepted"], ingest["rejected"]) == (1, 1)
    assert ingest["results"][0]["idempotency_key"] == "k"
    assert (gamify["processed"], gamify["failed"]) == (1, 1)
    assert gamify["results"][0]["error"] == "number_out_of_range"


@pytest.mark.parametrize("path", [INGEST, GAMIFY])
def test_a_batch_of_which_nothing_could_be_taken_is_sent_again_whole(path):
    house = House()
    house.stub.refusals = [Unavailable(), Unavailable()]

    body = json.dumps({"events": [SINGLE, SINGLE]}).encode()
    reply = house.call("POST", f"{path}/batch", body)

    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert reply.headers["retry-after"] == "1"


def test_the_participant_cap_is_per_participant_and_world():
    house = House(participant_writes_per_minute=2)
    batch = json.dumps({"events": [SINGLE] * 3 + [SINGLE | {"participant_id": "v"}]}).encode()

    reply = house.call("POST", f"{GAMIFY}/batch", batch)
    alone = house.post(GAMIFY, SINGLE)
    unbounded = house.post(INGEST, SINGLE)

    assert [result["status"] for result in reply.json["results"]] == [
        "processed",
        "processed",
        "error",
        "processed",
    ]
    assert (alone.status, alone.headers["retry-after"]) == (429, "60")
    assert unbounded.status == 202
    house.clock.at += 60_000
    assert house.post(GAMIFY, SINGLE).status == 200


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("", (None, None, None, 1, 50)),
        ("?event_name=a%20b&page=3&page_size=100", ("a b", None, None, 3, 100)),
        ("?event_name=", ("", None, None, 1, 50)),
        ("?from_date=1970-01-01&to_date=1970-01-01", (None, 0, 86_400_000, 1, 50)),
        ("?to_date=9999-12-31&page=2147483647", (None, None, 253_402_300_800_000, 2**31 - 1, 50)),
        ("?unknown=1", (None, None, None, 1, 50)),
    ],
)
def test_history_is_asked_for_what_the_query_says(query, filters):
    house = House()

    assert house.call("GET", f"/api/v1/gamify/participants/u/events{query}").status == 200

    tenant, participant, asked = house.stub.histories[0]
    assert (tenant, participant) == ("demo/live", "u")
    names = ("name", "since", "until", "page", "page_size")
    assert tuple(asked[name] for name in names) == filters


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=+1",
        "page=%D9%A1",
        "page=",
        "page=x",
        "page=2147483648",
        "page=1&page=2",
        "page_size=0",
        "page_size=101",
        "from_date=2026-2-1",
        "from_date=2026-02-29",
        "from_date=2026-02-01T00:00:00Z",
        "to_date=tomorrow",
        "from_date=2026-02-02&to_date=2026-02-01",
        "event_name=%00",
        "event_name=%FF",
        "&".join(f"a{n}=1" for n in range(200)),
    ],
)
def test_nothing_in_a_query_is_clamped(query):
    house = House()

    reply = house.call("GET", f"/api/v1/gamify/participants/u/events?{query}")

    assert (reply.status, reply.json["code"]) == (422, "unprocessable_entity")
    assert not house.stub.histories


@pytest.mark.parametrize(
    ("segment", "participant"),
    [
        ("u", "u"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("%2e%2e", ".."),
        ("a+b", "a+b"),
        ("%C3%BC", "ü"),
        ("100%", "100%"),
        ("x" * 255, "x" * 255),
        ("%C3", None),
        ("%00", None),
        ("x" * 256, None),
    ],
)
def test_a_participant_in_a_path_is_decoded_once(segment, participant):
    house = House()

    reply = house.call("GET", f"/api/v1/gamify/participants/{segment}/events")

    if participant is None:
        assert reply.status == 422
    else:
        assert reply.json["participant_id"] == participant


def test_history_rows_show_properties_as_they_were_sent():
    house = House()
    house.stub.entries = [
        replace_json(entry(2), '{"n": 1.10, "huge": 18446744073709551616}'),
        entry(0, NOW + 7),
    ]

    reply = house.call("GET", "/api/v1/gamify/participants/u/events")

    assert b'"properties":{"n": 1.10, "huge": 18446744073709551616}' in reply.body
    assert [row["occurred_at"] for row in reply.json["events"]] == [
        "2026-04-10T10:30:00Z",
        "2026-04-10T10:30:00.007Z",
    ]
    assert reply.json["total"] == 2


def replace_json(row, text):
    return replace(row, properties_json=text)


@pytest.mark.parametrize(
    ("timestamp", "occurred_at"),
    [
        (0, 0),
        (-1, -1),
        (-0.5, -1),
        (1_716_100_000_000.999, 1_716_100_000_000),
        (-2_208_988_800_000, -2_208_988_800_000),
        (253_370_764_799_999.9, 253_370_764_799_999),
        (1e12, 1_000_000_000_000),
        (-2_208_988_800_000.5, None),
        (253_370_764_800_000, None),
        (2**64, None),
        (1e300, None),
        (True, None),
        ("1", None),
        (None, None),
    ],
)
def test_a_questkit_time_is_floored_and_bounded(timestamp, occurred_at):
    house = House()

    body = json.dumps(QUEST | {"timestamp": timestamp}).encode()
    reply = house.call("POST", "/v1/events", body, headers=house.token())

    if occurred_at is None:
        assert (reply.status, reply.json["error"]) == (400, "invalid_event")
    else:
        assert house.stub.events[0].occurred_at == occurred_at


@pytest.mark.parametrize(
    ("header", "body", "key"),
    [
        (None, None, None),
        (None, "b", "b"),
        ("h", "b", "h"),
        ("", "b", "b"),
        ("", "", None),
        ("h" * 255, None, "h" * 255),
        ("any thing;", None, "any thing;"),
    ],
)
def test_a_questkit_key_comes_from_the_header_first(header, body, key):
    house = House()
    headers = house.token() + ([("idempotency-key", header)] if header is not None else [])
    fields = QUEST | ({"idempotencyKey": body} if body is not None else {})

    house.call("POST", "/v1/events", json.dumps(fields).encode(), headers=headers)

    assert house.stub.events[0].key == key


def test_questkit_checks_in_the_order_of_its_contract():
    """Who, how often, how long, JSON, shape, whose: and whatever fails spends the budget."""
    house = House(questkit_events_per_minute=6)
    bearer = house.token()
    other = QUEST | {"userId": "somebody"}
    sent = [b" " * 70_000, b"junk", b"{}", json.dumps(other).encode(), json.dumps(QUEST).encode()]

    statuses = [house.call("POST", "/v1/events", body, headers=bearer).status for body in sent]
    assert statuses == [413, 400, 400, 403, 200]
    assert house.call("POST", "/v1/events", b"", headers=bearer).status == 400
    late = house.call("POST", "/v1/events", b" " * 70_000, headers=bearer)
    assert (late.status, late.json) == (429, {"error": "rate_limited", "retryAfterMs": 60_000})
    assert late.headers["retry-after"] == "60"
    assert house.call("POST", "/v1/events", b"", headers=[]).status == 401
