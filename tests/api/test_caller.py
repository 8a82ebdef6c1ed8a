"""Who is asking: keys, tenants, apps, and how soon a change of mind is felt."""

import asyncio
import json
from hashlib import sha256

import pytest
from msgspec.structs import replace
from tests.api.stub import APP_SECRET, LIVE, NOW, TEST, House

from laurels.api.caller import LOOKUP_LIFETIME_MS, Lookups
from laurels.engine.registry import ApiKey

EVENT = b'{"participant_id":"u","event_name":"x"}'
PATHS = ["/api/v1/ingest/events", "/api/v1/gamify/events"]


def post(house, headers=(), key=None, path=PATHS[0]):
    return house.call("POST", path, EVENT, headers=headers, key=key)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        [("x-api-key", LIVE)],
        [("authorization", f"Bearer {LIVE}")],
        [("authorization", f"bearer  {LIVE} ")],
        [("authorization", f"Bearer {LIVE}"), ("x-bricqs-tenant", "demo")],
        [("authorization", f"Bearer {LIVE}"), ("x-bricqs-tenant", "demo/live")],
        [("x-api-key", LIVE), ("authorization", f"Bearer {LIVE}")],
        [("x-api-key", LIVE), ("authorization", "Basic dXNlcjpwYXNz")],
    ],
)
def test_a_key_may_come_in_either_header(path, headers):
    assert post(House(), headers, path=path).status in (200, 202)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-api-key", "")],
        [("x-api-key", "bq_live_" + "f" * 32)],
        [("x-api-key", LIVE[:-1])],
        [("x-api-key", LIVE + "a")],
        [("x-api-key", LIVE.upper())],
        [("x-api-key", "sk_live_" + "a" * 32)],
        [("x-api-key", "bq_live_" + "a" * 60_000)],
        [("x-api-key", LIVE), ("x-api-key", TEST)],
        [("x-api-key", LIVE), ("authorization", f"Bearer {TEST}")],
        [("authorization", f"Bearer {LIVE}"), ("authorization", f"Bearer {LIVE}")],
        [("authorization", LIVE)],
        [("authorization", f"Basic {LIVE}")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x")],
    ],
)
def test_anything_else_is_nobody(path, headers):
    house = House()

    reply = post(house, headers, path=path)

    assert (reply.status, reply.json["code"]) == (401, "unauthorized")
    assert not house.stub.events


@pytest.mark.parametrize("named", ["other", "demo/test", "", "DEMO", "demo/", "demo/live/x"])
def test_another_tenants_name_is_refused(named):
    reply = post(House(), [("x-bricqs-tenant", named)], key=LIVE)

    assert (reply.status, reply.json["code"]) == (403, "forbidden")


def test_a_key_fixes_the_world():
    house = House()

    post(house, key=LIVE)
    post(house, key=TEST)

    assert [event.tenant for event in house.stub.events] == ["demo/live", "demo/test"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"revoked": True}, 401),
        ({"expires_at": NOW}, 401),
        ({"expires_at": NOW + 10 * LOOKUP_LIFETIME_MS}, 202),
        ({"tenant_disabled": True}, 403),
    ],
)
def test_a_change_of_mind_is_felt_within_a_second(change, status):
    house = House()
    assert post(house, key=LIVE).status == 202
    house.stub.known_keys[LIVE] = replace(house.stub.known_keys[LIVE], **change)

    house.clock.at += LOOKUP_LIFETIME_MS

    assert post(house, key=LIVE).status == status


def test_a_key_expires_on_the_millisecond_though_it_is_cached():
    house = House()
    house.stub.known_keys[LIVE] = replace(house.stub.known_keys[LIVE], expires_at=NOW + 5)
    assert post(house, key=LIVE).status == 202

    house.clock.at = NOW + 5

    assert post(house, key=LIVE).status == 401


def test_found_and_not_found_are_remembered_for_a_second():
    house = House()
    for key in (LIVE, LIVE, "bq_live_" + "f" * 32, "bq_live_" + "f" * 32):
        post(house, key=key)
    assert house.stub.asked == 2

    house.clock.at += LOOKUP_LIFETIME_MS
    post(house, key=LIVE)
    assert house.stub.asked == 3


def test_a_clock_set_back_does_not_prolong_a_memory():
    house = House()
    post(house, key=LIVE)
    house.clock.at -= 3_600_000

    post(house, key=LIVE)

    assert house.stub.asked == 2


def test_wrong_keys_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr("laurels.api.caller.CALLERS_CACHED_MAX", 3)
    lookups = Lookups(lambda key: key)

    async def ask_all():
        return [await lookups.get(key, 0) for key in range(10)]

    assert asyncio.run(ask_all()) == list(range(10))
    assert len(lookups._known) == 3


def test_those_who_ask_the_same_ask_once():
    asked = []
    lookups = Lookups(asked.append)

    async def ask_all():
        await asyncio.gather(*(lookups.get("key", 0) for _ in range(20)))

    asyncio.run(ask_all())

    assert asked == ["key"]


def test_a_store_that_fails_is_asked_again():
    answers = [RuntimeError("no store"), "found"]

    def ask(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lookups = Lookups(ask)

    async def ask_twice():
        with pytest.raises(RuntimeError):
            await lookups.get("key", 0)
        return await lookups.get("key", 0)

    assert asyncio.run(ask_twice()) == "found"


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"rate_limit_key": 2}, {LIVE}),
        ({"rate_limit_tenant": 2}, {LIVE, "second"}),
        ({"rate_limit_address": 2}, {LIVE, "second", TEST}),
        ({}, set()),
    ],
)
def test_rates_are_limited_where_the_operator_says_so(config, refused):
    house = House(**config)
    second = "bq_live_" + "c" * 32
    house.stub.known_keys[second] = ApiKey(id="key_2", tenant="demo/live", scopes=frozenset())
    for _ in range(2):
        assert post(house, key=LIVE).status == 202

    for name, key in ((LIVE, LIVE), ("second", second), (TEST, TEST)):
        reply = post(house, key=key)
        assert (reply.status == 429) == (name in refused)
        if reply.status == 429:
            assert reply.json["code"] == "rate_limited"
            assert reply.headers["retry-after"] == "60"


def mint(house, **fields):
    body = {"appId": "demo", "appSecret": APP_SECRET, "userId": "usr_demo_123"} | fields
    return house.call("POST", "/v1/auth/token", json.dumps(body).encode(), key=None)


def test_an_unknown_app_and_a_wrong_secret_answer_alike():
    unknown = mint(House(), appId="other")
    wrong = mint(House(), appSecret="wrong")

    assert unknown.status == wrong.status == 401
    assert unknown.body == wrong.body
    assert unknown.json["error"] == "invalid_credentials"


def test_an_app_whose_stored_digest_is_zero_has_no_secret_that_fits():
    house = House()
    house.stub.app = replace(house.stub.app, secret_digest=sha256(b"").digest())

    assert mint(house, appId="nobody", appSecret="x").status == 401


def test_a_disabled_tenant_mints_nothing_and_its_tokens_are_dead_within_a_second():
    house = House()
    bearer = house.token()
    house.stub.app = replace(house.stub.app, tenant_disabled=True)
    house.stub.disabled.add("demo/live")

    assert mint(house).status == 403
    assert mint(house, appSecret="wrong").status == 401, "only the app itself learns of it"
    body = b'{"userId":"usr_demo_123","name":"x","payload":{},"timestamp":1}'
    reply = house.call("POST", "/v1/events", body, headers=bearer, key=None)
    assert (reply.status, reply.json["error"]) == (403, "tenant_disabled")


@pytest.mark.parametrize(
    "fields",
    [
        {"userId": ""},
        {"userId": "u" * 256},
        {"userId": None},
        {"userId": 5},
        {"userId": "a\0b"},
        {"appId": ""},
        {"appSecret": ""},
        {"appSecret": None},
    ],
)
def test_a_token_is_asked_for_in_the_right_shape(fields):
    reply = mint(House(), **fields)

    assert (reply.status, reply.json["error"]) == (400, "validation_error")
