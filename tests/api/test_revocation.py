"""Revoked tokens: dead at once here, within one look in other processes, and nobody else's."""

import asyncio
import json
import threading
from typing import Any

import jwt
import pytest
from msgspec.structs import replace
from tests.api.stub import ADMIN, APP_SECRET, LIVE, NOW, House

from laurels.api import revocations as watching
from laurels.api.revocations import OVERLAP_MS, Revocations
from laurels.api.token import Claims, Tokens
from laurels.api.verified import Verified
from laurels.core.errors import Unavailable
from laurels.core.limits import CUTOFF_AHEAD_S_MAX
from laurels.store.sqlite.store import SqliteStore

REVOKE = "/v1/auth/revoke"
BY_ADMIN = "/api/v1/admin/tokens/revoke"
OTHER = "bq_live_admin_" + "d" * 32


class Watched(House):
    """A house whose revocations are kept in a file that others have open as well."""

    def __init__(self, file):
        self.mine, self.theirs = SqliteStore(file), SqliteStore(file)
        super().__init__(denylist=self.mine.denylist)
        admin = replace(self.stub.known_keys[ADMIN], id="key_other", tenant="other/live")
        self.stub.known_keys[OTHER] = admin
        self.told = []
        self.edge.revocations.subscribe(lambda *told: self.told.append(told))

    def close(self):
        self.mine.close()
        self.theirs.close()

    def mint(self, user="ann"):
        body = {"appId": "demo", "appSecret": APP_SECRET, "userId": user}
        return self.call("POST", "/v1/auth/token", json.dumps(body).encode(), key=None).json[
            "token"
        ]

    def use(self, token, user="ann"):
        body = json.dumps({"userId": user, "name": "x", "payload": {}, "timestamp": 1}).encode()
        return self.call("POST", "/v1/events", body, headers=bearer(token), key=None)

    def revoke(self, token, **more):
        return self.call("POST", REVOKE, headers=bearer(token), key=None, **more)

    def order(self, body, key=ADMIN):
        return self.call("POST", BY_ADMIN, json.dumps(body).encode(), key=key)

    def look(self):
        asyncio.run(self.edge.revocations.look())


@pytest.fixture
def house(tmp_path):
    house = Watched(tmp_path / "laurels.db")
    yield house
    house.close()


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def claims_of(house, token):
    return Tokens(house.config.jwt_secrets, "demo/live").verify(token.encode(), house.clock.at)


def assert_dead(reply):
    assert reply.status == 401
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == {"error": "unauthorized", "message": "The token was revoked."}


@pytest.mark.parametrize("is_known", [True, False])
def test_a_token_that_revokes_itself_is_dead_and_its_sibling_is_not(house, is_known):
    token, sibling = house.mint(), house.mint()
    if is_known:
        assert house.use(token).status == house.use(sibling).status == 200

    reply = house.revoke(token)

    assert (reply.status, reply.body) == (204, b"")
    assert_dead(house.revoke(token))
    assert_dead(house.use(token))
    assert house.use(sibling).status == 200


def test_done_has_no_length_and_any_page_may_read_it(house):
    for reply in (house.revoke(house.mint()), house.order({"jti": "t"})):
        assert reply.status == 204
        assert not {"content-length", "content-type"} & set(reply.headers)
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "Retry-After" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", [REVOKE, BY_ADMIN])
def test_browsers_may_ask_and_nothing_but_a_post_revokes(house, path):
    asked = house.call("OPTIONS", path, key=None)
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "Authorization" in asked.headers["access-control-allow-headers"]

    token = house.mint()
    for method in ("GET", "HEAD", "DELETE", "PUT"):
        headers = bearer(token) if path == REVOKE else ()
        reply = house.call(method, path, headers=headers, key=None if headers else ADMIN)
        assert reply.status == (404 if path == REVOKE else 405)
    assert house.use(token).status == 200


@pytest.mark.parametrize("body", [[b"junk"], [b"x" * 65_536] * 100])
def test_the_body_of_a_revocation_is_not_read(house, body):
    assert house.revoke(house.mint(), chunks=body).status == 204
    assert house.unread == body


@pytest.mark.parametrize("headers", [[], bearer("x"), [("x-api-key", LIVE)], bearer(LIVE)])
def test_whoever_has_no_token_revokes_none(house, headers):
    reply = house.call("POST", REVOKE, headers=headers, key=None)

    assert (reply.status, reply.json["error"]) == (401, "unauthorized")
    assert not house.told


def test_an_operator_revokes_one_token_by_its_id(house):
    token, sibling = house.mint(), house.mint()
    house.use(token)

    assert house.order({"jti": claims_of(house, token).token_id}).status == 204

    assert_dead(house.use(token))
    assert house.use(sibling).status == 200


def test_a_token_may_be_revoked_before_anybody_saw_it(house):
    token = house.mint()
    house.order({"jti": claims_of(house, token).token_id})

    assert_dead(house.use(token))


def test_a_person_loses_every_token_and_may_have_a_new_one_in_the_same_millisecond(house):
    before = [house.mint() for _ in range(3)]
    house.use(before[0])
    others = house.mint("bob")

    assert house.order({"user_id": "ann"}).status == 204
    new = house.mint()

    for token in before:
        assert_dead(house.use(token))
    assert house.use(new).status == 200
    assert house.use(others, "bob").status == 200
    assert house.order({"user_id": "ann"}).status == 204
    assert_dead(house.use(new))
    assert house.use(house.mint()).status == 200


def test_a_token_of_an_apps_own_backend_that_runs_ahead_dies_with_the_others(house):
    now_s = house.clock.at // 1000
    claims = {"sub": "ann", "iat": now_s + 30, "exp": now_s + 3_600, "jti": "ahead"}
    token = jwt.encode(claims, house.config.jwt_secrets[0], algorithm="HS256")
    assert house.use(token).status == 200

    house.order({"user_id": "ann"})

    assert_dead(house.use(token))


def test_who_revokes_too_often_hears_when_to_come_back_and_new_tokens_stay_good(house):
    for _ in range(CUTOFF_AHEAD_S_MAX + 1):
        assert house.order({"user_id": "ann"}).status == 204

    reply = house.order({"user_id": "ann"})

    assert (reply.status, reply.json["code"]) == (429, "rate_limited")
    assert reply.headers["retry-after"] == "1"
    assert house.use(house.mint()).status == 200


def test_no_tenant_touches_the_tokens_of_another(house):
    token = house.mint()
    house.use(token)
    named = claims_of(house, token)

    assert house.order({"jti": named.token_id}, key=OTHER).status == 204
    assert house.order({"user_id": "ann"}, key=OTHER).status == 204

    assert house.use(token).status == 200
    house.look()
    assert house.use(token).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"jti": "t", "user_id": "ann"},
        {"jti": ""},
        {"jti": None},
        {"jti": None, "user_id": "ann"},
        {"user_id": 5},
        {"user_id": "u" * 256},
        {"jti": ["t"]},
        {"jti": "a\0b"},
        {"userId": "ann"},
    ],
    ids=str,
)
def test_exactly_one_thing_is_revoked_or_nothing(house, body):
    reply = house.order(body)

    assert (reply.status, reply.json["code"]) == (422, "unprocessable_entity")
    assert not house.told
    assert not house.mine.denylist.revoked_since(0, after=None, count=9)


def test_only_an_admins_key_revokes_for_others(house):
    assert house.order({"jti": "t"}, key=LIVE).status == 403
    assert house.order({"jti": "t"}, key=None).status == 401
    token = house.mint()
    reply = house.call("POST", BY_ADMIN, b'{"jti":"t"}', headers=bearer(token), key=None)
    assert reply.status == 401
    assert not house.told


def test_what_another_process_revoked_is_dead_after_the_next_look(house):
    by_id, by_holder, spared = house.mint(), house.mint("bob"), house.mint("cid")
    assert house.use(by_id).status == house.use(by_holder, "bob").status == 200
    assert house.use(spared, "cid").status == 200
    token_id = claims_of(house, by_id).token_id
    house.theirs.denylist.revoke_token("demo/live", token_id, at=NOW)
    house.theirs.denylist.revoke_participant("demo/live", "bob", at=NOW)

    house.look()

    assert_dead(house.use(by_id))
    assert_dead(house.use(by_holder, "bob"))
    assert house.use(spared, "cid").status == 200
    assert house.use(house.mint("bob"), "bob").status == 200


def test_a_token_never_seen_is_asked_about_without_a_look(house):
    token = house.mint()
    house.theirs.denylist.revoke_participant("demo/live", "ann", at=NOW)

    assert_dead(house.use(token))


def test_everybody_is_told_once_of_each_whoever_it_came_from(house):
    house.edge.revocations._listeners.insert(0, broken)
    house.order({"jti": "t1"})
    house.theirs.denylist.revoke_token("demo/test", "t2", at=NOW - OVERLAP_MS + 1)
    house.order({"user_id": "ann"})
    house.order({"user_id": "ann"})
    for _ in range(3):
        house.look()
        house.clock.at += 500

    second = NOW // 1000
    assert sorted(house.told, key=str) == [
        ("demo/live", "t1", None, None),
        ("demo/live", None, "ann", second),
        ("demo/live", None, "ann", second + 1),
        ("demo/test", "t2", None, None),
    ]


def broken(*_):
    raise RuntimeError


def test_whoever_slept_long_hears_of_all_that_came_meanwhile(house, monkeypatch):
    monkeypatch.setattr(watching, "REVOCATIONS_READ_MAX", 3)
    house.look()
    for number in range(10):
        house.theirs.denylist.revoke_token("demo/live", f"t{number}", at=NOW + number // 5)
    house.clock.at += 3_600_000

    house.look()

    assert [token_id for _, token_id, _, _ in house.told] == [f"t{n}" for n in range(10)]
    assert not house.edge.revocations._told, "what no look will find again need not be known"


def test_what_was_told_cannot_fill_the_memory(house, monkeypatch):
    monkeypatch.setattr(watching, "REVOCATIONS_REMEMBERED_MAX", 3)
    for number in range(10):
        house.order({"jti": f"t{number}"})

    assert len(house.edge.revocations._told) == 3
    assert len(house.told) == 10


def test_a_token_revoked_while_it_is_asked_about_is_dead(house):
    token, asked, revoked = house.mint(), threading.Event(), threading.Event()
    look_up = house.mine.denylist.is_revoked

    def slowly(*of, **more):
        answer = look_up(*of, **more)
        asked.set()
        assert revoked.wait(10)
        return answer

    house.mine.denylist.is_revoked = slowly
    replies = []
    user = threading.Thread(target=lambda: replies.append(house.use(token)))
    user.start()
    assert asked.wait(10)
    house.order({"jti": claims_of(house, token).token_id})
    revoked.set()
    user.join()

    assert_dead(replies[0])
    assert_dead(house.use(token))


def test_without_the_store_known_tokens_pass_and_others_wait(house):
    known, unknown = house.mint(), house.mint()
    house.use(known)
    house.mine._connections.writer.execute("ALTER TABLE revocations RENAME TO away")

    assert house.use(known).status == 200
    for reply in (house.use(unknown), house.revoke(known)):
        assert (reply.status, reply.json["error"]) == (503, "unavailable")
    with pytest.raises(Unavailable):
        house.look()

    house.mine._connections.writer.execute("ALTER TABLE away RENAME TO revocations")
    assert house.use(unknown).status == 200
    assert house.revoke(known).status == 204


def test_the_watcher_goes_on_without_the_store_and_forgets_what_has_expired(house, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 0.001)
    denylist = house.mine.denylist
    writer = house.mine._connections.writer
    for number in range(5):
        denylist.revoke_token("demo/live", f"t{number}", at=NOW, expires_at=NOW + 1)
    denylist.revoke_token("demo/live", "endless", at=NOW)
    monkeypatch.setattr(watching, "REVOCATIONS_READ_MAX", 3)

    async def run():
        running = asyncio.create_task(house.edge.revocations.run())
        writer.execute("ALTER TABLE revocations RENAME TO away")
        await asyncio.sleep(0.05)
        assert not house.told
        writer.execute("ALTER TABLE away RENAME TO revocations")
        await until(lambda: len(house.told) == 6)
        house.clock.at += 120_000
        await until(lambda: len(denylist.revoked_since(0, after=None, count=9)) == 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


async def until(happened):
    for _ in range(10_000):
        if happened():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never happened")


def test_one_token_revoked_many_times_at_once_is_revoked(house):
    token = house.mint()
    header = (b"authorization", f"Bearer {token}".encode())

    async def revoke():
        return await asyncio.gather(*(house._call("POST", REVOKE, [header], []) for _ in range(64)))

    statuses = {reply.status for reply in asyncio.run(revoke())}

    assert 204 in statuses <= {204, 401}
    assert_dead(house.use(token))
    assert len(house.mine.denylist.revoked_since(0, after=None, count=99)) == 1


def claims(number, who="u"):
    return Claims(
        tenant="demo/live",
        participant=who,
        token_id=f"t{number}",
        issued_at_s=0,
        expires_at_s=number,
        is_demo=False,
    )


def test_verified_tokens_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr("laurels.api.verified.CALLERS_CACHED_MAX", 3)
    verified = Verified()
    for number in range(10):
        verified.keep(b"%d" % number, claims(number))
        verified.keep(b"%d" % number, claims(number))

    assert len(verified) == 3
    assert len(verified._tokens) == 4
    assert verified.find(b"6", 0) is None
    assert verified.find(b"7", 0) == claims(7)
    assert verified.find(b"7", 7_000) is None
    verified.forget("demo/live", None, "u", 5)
    verified.forget("demo/live", "t8", None, None)
    assert len(verified) == len(verified._tokens) == 0


def test_who_is_woken_looks_at_once_and_others_are_told(house, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 60)
    theirs: Any = None
    mine = Revocations(house.mine.denylist, house.clock)

    async def play():
        heard = asyncio.Event()
        mine.subscribe(lambda *_: heard.set())
        mine.wake()  # Before it runs, when there is nobody to be woken.
        watcher = asyncio.create_task(mine.run())
        await asyncio.sleep(0.1)
        await theirs.revoke_token("demo/live", "t1", NOW + 1)
        await asyncio.wait_for(heard.wait(), 5)
        watcher.cancel()

    theirs = Revocations(house.theirs.denylist, house.clock, mine.wake)
    asyncio.run(play())
    mine.wake()  # Nor is there anybody now.


def test_a_house_without_a_watcher_still_hears_of_its_own(house):
    lone = Revocations(house.mine.denylist, house.clock)
    told = []
    lone.subscribe(lambda *of: told.append(of))

    asyncio.run(lone.revoke_participant("demo/live", "ann"))

    assert told == [("demo/live", None, "ann", NOW // 1000)]
    assert asyncio.run(lone.cutoff_s("demo/live", "ann")) == NOW // 1000
