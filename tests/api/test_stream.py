"""The stream of updates as a request: who may open one, by which token, and what ends it."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.api.stub import SECRET, House, Stub
from tests.delivery.ear import WAIT_S_MAX

from laurels.api.token import Tokens
from laurels.core import limits
from laurels.engine.denylist import Revocation

PATH = "/v1/sse/updates"
SECOND = 1000


def token_of(house, participant="ann"):
    minted = Tokens((SECRET,), "demo/live").mint("demo/live", participant, None, house.clock.at)
    return minted.token


def bearer(token):
    return [("authorization", f"Bearer {token}")]


class Page:
    """An open request: what was sent so far, and a way to go."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        self.asked = False

    async def receive(self):
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    @property
    def text(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def is_over(self):
        return self.sent[-1].get("more_body") is False or "more_body" not in self.sent[-1]


async def until(is_so):
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_so():  # noqa: ASYNC110 - it is told to nobody else
            await asyncio.sleep(0.001)


@asynccontextmanager
async def opened(house, query="", headers=(), method="GET"):
    page = Page()
    scope = {
        "type": "http",
        "method": method,
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("10.0.0.1", 4711),
        "root_path": "",
    }
    task = asyncio.create_task(house.app(scope, page.receive, page.send))
    try:
        yield page
    finally:
        page.gone.set()
        await task


def heard(house, query="", headers=()):
    """Open a stream, and return what it says first."""

    async def play():
        async with opened(house, query, headers) as page:
            await until(lambda: b"\n\n" in page.text)
            return page

    return asyncio.run(play())


def test_the_head_is_that_of_a_stream():
    house = House()

    page = heard(house, headers=bearer(token_of(house)))

    assert page.sent[0]["status"] == 200
    assert page.headers == {
        "content-type": "text/event-stream",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": page.headers["access-control-expose-headers"],
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }
    assert page.text.startswith(b": connected\nretry: ")


def test_a_head_request_is_answered_and_done():
    house = House()

    async def play():
        async with opened(house, "", bearer(token_of(house)), "HEAD") as page:
            await until(lambda: len(page.sent) == 2)
        return page

    page = asyncio.run(play())

    assert (page.sent[0]["status"], page.text) == (200, b"")
    assert house.edge.hub.count == 0


def test_a_browser_may_put_its_token_into_the_url():
    house = House()
    token = token_of(house)

    assert heard(house, f"token={token}").sent[0]["status"] == 200
    assert heard(house, f"token={token}", bearer(token)).sent[0]["status"] == 200


def test_two_tokens_that_differ_are_none():
    house = House()
    mine, other = token_of(house), token_of(house, "bob")

    reply = house.call("GET", f"{PATH}?token={mine}", headers=bearer(other), key=None)

    assert reply.status == 401
    assert reply.json["error"] == "unauthorized"


def test_a_token_in_the_url_is_no_token_elsewhere():
    house = House()

    reply = house.call("GET", f"/v1/balance?token={token_of(house)}", key=None)

    assert reply.status == 401


@pytest.mark.parametrize(
    "query",
    [
        "",
        "token",
        "token=",
        "token=%00",
        "token=%ff",
        "token=%ed%a0%80",
        "token=a.b.c",
        "token=%F0%9F%8F%86",
        "token=" + "a" * 60_000,
        "token=a&token=b",
        "access_token=a",
        "&" * 5_000,
        "=" * 100,
        "%" * 100,
        "token=" + "%0a" * 100,
        "token=a.b.c&lastEventId=%ff",
    ],
)
def test_hostile_tokens_open_nothing(query):
    house = House()

    reply = house.call("GET", f"{PATH}?{query}", key=None)

    assert reply.status in (400, 401)
    assert reply.json["error"] in ("unauthorized", "validation_error")
    assert house.edge.hub.count == 0


HOSTILE_IDS = [
    "x",
    "-1",
    "1.",
    "1e9",
    "null",
    "9" * 15,
    "9" * 5_000,
    "1, 1",
    "1.2.3",
    "'; DROP TABLE journal; --",
    "é",
    "{}",
]


@pytest.mark.parametrize("last_id", HOSTILE_IDS)
def test_an_id_that_is_none_of_ours_begins_anew(last_id):
    house = House()
    token = token_of(house)

    text = heard(house, headers=[*bearer(token), ("last-event-id", last_id)]).text

    reason = b"unknown" if last_id == "9" * 15 else b"unreadable"
    assert b'id: 0\nevent: reset\ndata: {"reason":"%b"}\n\n' % reason in text


@pytest.mark.parametrize("query", ["lastEventId=x", "lastEventId=%00x", "lastEventId=99"])
def test_an_id_may_stand_in_the_url(query):
    house = House()

    reply = house.call("GET", f"{PATH}?{query}", headers=bearer(token_of(house)), key=None)

    assert reply.status == (400 if "%00" in query else 200)
    if reply.status == 200:
        page = heard(house, f"token={token_of(house)}&{query}")
        assert b"event: reset" in page.text


def test_a_header_is_newer_than_a_url_and_nothing_is_no_id():
    house = House()
    token = bearer(token_of(house))

    newer = heard(house, "lastEventId=x", [*token, ("last-event-id", "0")])
    absent = heard(house, "lastEventId=", [*token, ("last-event-id", "")])

    assert b"reset" not in newer.text
    assert b"reset" not in absent.text


def test_who_goes_is_forgotten():
    house = House()

    heard(house, headers=bearer(token_of(house)))

    assert house.edge.hub.count == 0
    assert house.edge.metrics.streams_open == 0


def play_with(house, act, participant="ann"):
    """Open a stream, do something, and wait for the stream's end."""

    async def play():
        async with opened(house, headers=bearer(token_of(house, participant))) as page:
            await until(lambda: b"\n\n" in page.text)
            await act()
            await until(lambda: page.is_over)

    asyncio.run(play())


def test_a_stream_ends_with_its_token():
    house = House()

    async def expire():
        house.clock.at += 3600 * SECOND
        house.edge.hub.turn()

    play_with(house, expire)


def test_a_stream_ends_when_its_token_is_revoked():
    house = House()
    token = token_of(house)

    async def play():
        async with (
            opened(house, headers=bearer(token)) as page,
            opened(house, headers=bearer(token_of(house))) as other,
        ):
            await until(lambda: page.text and other.text)
            claims = Tokens((SECRET,), "demo/live").verify(token.encode(), house.clock.at)
            for tenant in ("demo/test", "demo/live"):
                assert not page.is_over
                await house.edge.revocations.revoke_token(tenant, claims.token_id)
            await until(lambda: page.is_over)
            assert not other.is_over

    asyncio.run(play())


def test_a_stream_ends_when_all_of_its_users_tokens_are_revoked():
    house = House()
    now_s = house.clock.at // SECOND

    def tell(participant, cutoff_s):
        revoked = Revocation(
            tenant="demo/live", at=house.clock.at, participant=participant, cutoff_s=cutoff_s
        )
        house.edge.revocations._tell(revoked)

    async def play():
        async with opened(house, headers=bearer(token_of(house))) as page:
            await until(lambda: page.text)
            tell("bob", now_s)
            tell("ann", now_s - 1)
            await asyncio.sleep(0.01)
            assert not page.is_over
            tell("ann", now_s)
            await until(lambda: page.is_over)

    asyncio.run(play())


def test_a_token_that_is_revoked_while_we_look_elsewhere_opens_nothing(monkeypatch):
    def meanwhile(stub, tenant):
        stub.revoke_token(tenant, claims.token_id, at=house.clock.at)
        house.edge.revocations.count += 1
        return False

    monkeypatch.setattr(Stub, "is_disabled", meanwhile)
    house = House()
    token = token_of(house)
    claims = Tokens((SECRET,), "demo/live").verify(token.encode(), house.clock.at)

    reply = house.call("GET", PATH, headers=bearer(token), key=None)

    assert (reply.status, reply.json["message"]) == (401, "The token was revoked.")
    assert house.edge.hub.count == 0


def test_a_server_that_stops_opens_nothing():
    house = House()
    house.edge.draining = True

    reply = house.call("GET", PATH, headers=bearer(token_of(house)), key=None)

    assert reply.status == 503
    assert int(reply.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("limit", "status"), [("STREAMS_OF_PARTICIPANT_MAX", 429), ("STREAMS_MAX", 503)]
)
def test_past_a_limit_it_is_said_when_to_come_back(monkeypatch, limit, status):
    monkeypatch.setattr(limits, limit, 0)
    house = House()

    reply = house.call("GET", PATH, headers=bearer(token_of(house)), key=None)

    assert reply.status == status
    assert int(reply.headers["retry-after"]) >= 1


def test_rates_and_disabled_tenants_hold_here_too():
    house = House(rate_limit_address=1)
    house.stub.disabled.add("demo/live")
    token = bearer(token_of(house))

    assert house.call("GET", PATH, headers=token, key=None).status == 403
    assert house.call("GET", PATH, headers=token, key=None).status == 429


def test_a_token_in_the_url_is_never_logged(caplog, monkeypatch):
    caplog.set_level("DEBUG")
    house = House()
    token = token_of(house)

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(house.edge.hub, "open", fail)
    reply = house.call("GET", f"{PATH}?token={token}", key=None)

    assert reply.status == 500
    assert "/v1/sse/updates failed" in caplog.text
    assert token not in caplog.text
