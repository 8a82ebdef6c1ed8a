"""What holds for every path: who may read it, what an unknown one says, and how well we are."""

import asyncio

import pytest
from tests.api.stub import House

REFUSED = [
    ("GET", "/v1/events", 404, "not_found"),
    ("POST", "/v1/events/", 404, "not_found"),
    ("POST", "/v1/nothing", 404, "not_found"),
    ("PUT", "/v1/health", 404, "not_found"),
    ("GET", "/nothing", 404, "not_found"),
    ("POST", "/openapi.json", 404, "not_found"),
    ("GET", "/api/v1/nothing", 404, "not_found"),
    ("POST", "/api/v1/ingest/events/", 404, "not_found"),
    ("POST", "/api/v1/gamify/participants/u/events/x", 404, "not_found"),
    ("GET", "/api/v1/gamify/participants//events", 404, "not_found"),
    ("GET", "/api/v1/gamify/participants/a/b/events", 404, "not_found"),
    ("GET", "/api/v1/ingest/events", 405, "method_not_allowed"),
    ("DELETE", "/api/v1/gamify/events/batch", 405, "method_not_allowed"),
    ("POST", "/api/v1/gamify/participants/u/events", 405, "method_not_allowed"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), REFUSED)
def test_a_path_we_do_not_have_is_refused_in_its_apis_shape(method, path, status, code):
    reply = House().call(method, path)

    assert (reply.status, reply.json["error"]) == (status, code)
    if path.startswith("/api/v1"):
        assert reply.json["detail"]
    else:
        assert reply.json == {"error": code}


def test_a_wrong_method_hears_the_right_ones():
    house = House()

    assert house.call("PUT", "/api/v1/ingest/events").headers["allow"] == "POST, OPTIONS"
    history = house.call("PUT", "/api/v1/gamify/participants/u/events")
    assert history.headers["allow"] == "GET, OPTIONS"


@pytest.mark.parametrize("path", ["/v1/events", "/api/v1/ingest/events", "/nothing", "*"])
def test_any_page_may_ask_any_path(path):
    reply = House().call("OPTIONS", path, key=None)

    assert reply.status == 204
    assert reply.body == b""
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-methods"] == "GET,POST,PATCH,DELETE,OPTIONS"
    assert reply.headers["access-control-allow-headers"] == (
        "Content-Type, Authorization, Idempotency-Key, X-API-Key, X-Bricqs-Tenant, Last-Event-ID"
    )
    assert reply.headers["access-control-max-age"] == "86400"
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for method, path, _, _ in REFUSED]
    + [
        ("GET", "/v1/health"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/auth/token"),
        ("POST", "/api/v1/ingest/events"),
        ("POST", "/api/v1/gamify/events"),
        ("GET", "/api/v1/gamify/participants/u/events"),
    ],
)
def test_every_reply_has_a_length_and_may_be_read_by_any_page(method, path):
    reply = House(docs=True).call(method, path)

    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-expose-headers"] == (
        "X-Idempotent-Replay, Retry-After, Idempotency-Mismatch"
    )
    assert len(reply.headers) == len(reply.pairs), "no header stands twice"


def test_a_well_server_says_what_it_is():
    reply = House().call("GET", "/v1/health", key=None)

    assert reply.status == 200
    assert reply.json == {
        "ok": True,
        "version": "1.2.3",
        "commit": "unknown",
        "store": "sqlite",
        "queue": "none",
        "durability": "strict",
    }


@pytest.mark.parametrize("cause", ["store", "draining"])
def test_a_server_that_cannot_take_events_says_so(cause):
    house = House()
    house.stub.ready = cause != "store"
    house.edge.draining = cause == "draining"

    reply = house.call("GET", "/v1/health", key=None)

    assert (reply.status, reply.json["ok"]) == (503, False)
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/v1/health", "/api/v1/gamify/rewards", "/metrics", "/nowhere"])
def test_a_server_that_stops_says_that_the_connection_ends(path):
    house = House()

    assert "connection" not in house.call("GET", path).headers
    house.edge.draining = True
    assert house.call("GET", path).headers["connection"] == "close"


def test_a_head_is_a_get():
    assert House().call("HEAD", "/v1/health", key=None).status == 200
    assert House(docs=True).call("HEAD", "/docs", key=None).status == 200


def test_the_docs_may_be_switched_off():
    house = House(docs=False)

    assert house.call("GET", "/docs").status == 404
    assert house.call("GET", "/openapi.json").status == 404


def test_a_server_may_start_and_stop_us_and_a_websocket_is_closed():
    house = House()
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(house.app({"type": "lifespan"}, receive, send))
    asyncio.run(house.app({"type": "websocket", "path": "/"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
