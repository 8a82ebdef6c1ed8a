"""Webhooks at the door: what is asked first, what is answered, and what an operator sees."""

import base64
import hmac
import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.api.stub import ADMIN, LIVE, NOW, House
from tests.house import LIVE_KEY

from laurels import wiring
from laurels.core import limits
from laurels.core.errors import Unavailable
from laurels.engine.clock import SystemClock
from laurels.settings import Settings

PATH = "/v1/webhook/incoming"
OLD, NEW = "the secret before this one, 32 bytes", "whsec_the secret of today, 32 bytes"
SECRETS = {"STRIPE": (NEW, OLD), "GITHUB": (NEW,), "SHOPIFY": (NEW,), "STANDARD": (NEW,)}
NOW_S = NOW // 1000
PAID: dict[str, Any] = {
    "id": "evt_1",
    "type": "invoice.paid",
    "created": NOW_S,
    "data": {"object": {"customer": "cus_1", "amount": 1900}},
}


def digest(signed, secret=NEW):
    return hmac.digest(secret.encode(), signed, "sha256")


def stripe(body, *, at=NOW_S, secret=NEW):
    return [("stripe-signature", f"t={at},v1={digest(b'%d.' % at + body, secret).hex()}")]


def github(body, id_: str | None = "d-1", type_: str | None = "push"):
    headers = [("x-hub-signature-256", f"sha256={digest(body).hex()}")]
    headers += [("x-github-delivery", id_)] if id_ is not None else []
    return headers + ([("x-github-event", type_)] if type_ is not None else [])


def shopify(body, id_="w-1", type_="orders/create"):
    signature = base64.b64encode(digest(body)).decode()
    return [
        *(("x-shopify-hmac-sha256", signature), ("x-shopify-webhook-id", id_)),
        ("x-shopify-topic", type_),
    ]


@pytest.fixture
def house():
    return House(webhook_secrets=SECRETS, docs=False)


def send(house, body, headers: Any = None, *, source: str | None = None, chunks=None) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = PATH if source is None else f"{PATH}?source={source}"
    signed = stripe(sent) if headers is None else headers
    return house.call("POST", path, sent, headers=signed, key=None, chunks=chunks)


def told(reply):
    return reply.status, reply.json["error"]


def test_a_signed_delivery_is_kept_and_told_by_its_id(house):
    body = json.dumps(PAID).encode()

    reply = send(house, body)

    assert (reply.status, reply.json) == (202, {"accepted": True, "eventId": "evt_evt_1"})
    assert list(reply.json) == ["accepted", "eventId"]
    (kept,) = house.stub.deliveries.values()
    assert (kept.tenant, kept.source, kept.id, kept.type) == (
        *("demo/live", "stripe", "evt_1"),
        "invoice.paid",
    )
    assert (kept.body, kept.received_at, kept.fingerprint) == (body, NOW, None)
    assert not house.stub.commands, "it is looked at after the reply"


def test_it_may_be_sent_again(house):
    replies = [send(house, PAID) for _ in range(3)]

    assert [reply.status for reply in replies] == [202] * 3
    assert len({reply.body for reply in replies}) == 1
    assert len(house.stub.deliveries) == 1


def test_it_needs_no_other_credentials_and_minds_none(house):
    bearer = [*stripe(json.dumps(PAID).encode()), ("authorization", "Bearer nonsense")]

    assert send(house, PAID, bearer).status == 202


@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [
        ([], b"no json", (400, "malformed_signature")),
        ([("stripe-signature", "t=1,")], b"", (400, "malformed_signature")),
        (stripe(b"no json", at=NOW_S - 301), b"other", (401, "signature_expired")),
        (stripe(b"no json", at=NOW_S + 301), b"other", (401, "signature_expired")),
        (stripe(b"no json", at=NOW_S - 300), b"other", (401, "invalid_signature")),
        (stripe(b"no json"), b"other", (401, "invalid_signature")),
        (stripe(b"no json"), b"no json", (400, "invalid_json")),
        (stripe(b"5"), b"5", (400, "invalid_payload_root")),
        (stripe(b"[]"), b"[]", (400, "invalid_id")),
        (stripe(b"{}"), b"{}", (400, "invalid_id")),
        (stripe(b'{"id":"a"}'), b'{"id":"a"}', (400, "invalid_type")),
    ],
)
def test_questions_are_asked_in_their_order(house, headers, body, answer):
    reply = send(house, body, headers)

    assert told(reply) == answer
    assert list(reply.json) == ["error", "message"]
    assert reply.json["message"]
    assert reply.headers["content-type"] == "application/json"
    assert not house.stub.deliveries


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"created": "x"}, "invalid_created"),
        ({"data": {}}, "invalid_data_object"),
        ({"id": "x" * 252}, "invalid_id"),
        ({"id": "\0"}, "invalid_id"),
    ],
)
def test_a_shape_that_is_wrong_is_told_by_its_part(house, change, code):
    assert told(send(house, PAID | change)) == (400, code)


@pytest.mark.parametrize(("at", "status"), [(-301, 401), (-300, 202), (300, 202), (301, 401)])
def test_the_clock_is_the_servers_own(house, at, status):
    body = json.dumps(PAID).encode()
    house.clock.at += 999  # It is still the same second.

    assert send(house, body, stripe(body, at=NOW_S + at)).status == status


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_a_secret_is_changed_both_are_good(house, secret):
    body = json.dumps(PAID).encode()

    assert send(house, body, stripe(body, secret=secret)).status == 202


def test_a_source_without_a_secret_or_that_nobody_knows_has_no_good_signature():
    body = json.dumps(PAID).encode()
    house = House(docs=False)

    assert told(send(house, body)) == (401, "invalid_signature")
    assert told(send(house, body, [])) == (400, "malformed_signature")
    assert told(send(house, body, source="acme")) == (401, "invalid_signature")
    assert told(send(house, body, [], source="acme")) == (401, "invalid_signature")
    assert house.unread, "a body that cannot be verified is not read"


@pytest.mark.parametrize("source", ["%FF", "a%00", "STRIPE", "stripe%20", "..%2F", "x" * 5_000])
def test_a_strange_source_is_no_source(house, source):
    assert send(house, PAID, source=source).status in (400, 401)


def test_a_source_that_is_named_twice_is_refused(house):
    assert told(send(house, PAID, source="stripe&source=github")) == (400, "validation_error")


def test_an_empty_source_is_the_usual_one(house):
    assert send(house, PAID, source="").status == 202


def test_github_and_shopify_name_their_deliveries_in_headers(house):
    body = b'{"sender":{"login":"octocat"}}'

    assert send(house, body, github(body), source="github").json["eventId"] == "evt_d-1"
    assert send(house, body, shopify(body), source="shopify").json["eventId"] == "evt_w-1"
    first, second = house.stub.deliveries.values()
    assert (first.id, first.type, second.id, second.type) == ("d-1", "push", "w-1", "orders/create")
    assert len({first.fingerprint, second.fingerprint, None}) == 3
    for headers, code in (
        (github(body, id_=None), "invalid_id"),
        (github(body, id_=""), "invalid_id"),
        (github(body, id_="é"), "invalid_id"),
        (github(body, type_=None), "invalid_type"),
        (github(body, type_="x" * 5_001), "invalid_type"),
    ):
        assert told(send(house, body, headers, source="github")) == (400, code)


HOSTILE = [
    b"",
    b"\xff\xfe\x00",
    b"\x00" * 99,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 50_000,
    b"[" * 1_000_000,
    b'{"id":"a","type":"b","created":1,"data":{"object":' + b"[" * 63 + b"]" * 63 + b"}}",
    b'{"id":"a","type":"b","created":NaN,"data":{"object":{}}}',
    b'{"id":"a","type":"b","created":1e999,"data":{"object":{}}}',
    b'{"id":"a","type":"b","created":' + b"9" * 5_000 + b',"data":{"object":{}}}',
    b'{"id":"a","type":"\\ud800","created":1,"data":{"object":{}}}',
    b'{"id":"\\u0000","type":"b","created":1,"data":{"object":{}}}',
    b'{"id":"a","type":"b","created":1,"data":{"object":{}}} {}',
    b'{"id":{"id":"a"},"type":["b"],"created":{},"data":[{"object":{}}]}',
    b"payload=%7B%7D",
]


@pytest.mark.parametrize("source", ["stripe", "standard", "github", "shopify"])
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_is_the_senders_fault(house, source, body):
    right = digest(b"m.%d." % NOW_S + body)
    standard = [("webhook-id", "m"), ("webhook-timestamp", str(NOW_S))]
    standard.append(("webhook-signature", "v1," + base64.b64encode(right).decode()))
    headers = {
        "stripe": stripe(body),
        "standard": standard,
        "github": github(body),
        "shopify": shopify(body),
    }

    reply = send(house, body, headers[source], source=source)

    assert reply.status in (202, 400, 413)
    if reply.status != 202:
        assert reply.json["error"].startswith(("invalid_", "payload_too_large"))
        assert not house.stub.deliveries


@pytest.mark.parametrize(
    "name", ["stripe-signature", "webhook-id", "x-hub-signature-256", "x-shopify-hmac-sha256"]
)
@pytest.mark.parametrize(
    "value", ["", " ", ",", "=", "é", "\x7f", "t=,v1=", "9" * 60_000, "=," * 99]
)
@pytest.mark.parametrize("source", ["stripe", "standard", "github", "shopify"])
def test_a_hostile_header_is_the_senders_fault(house, source, name, value):
    more = [("webhook-timestamp", value), ("webhook-signature", value)]
    pairs = [(name, value.encode().decode("latin-1")), *more]
    headers = [(each, text) for each, text in pairs if text.isascii() or each == name]

    assert send(house, PAID, headers, source=source).status in (400, 401)


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(house):
    most = limits.WEBHOOK_BODY_BYTES_MAX
    body = json.dumps(PAID).encode().ljust(most)
    assert send(house, body).status == 202

    assert told(send(house, body + b" ")) == (413, "payload_too_large")
    pieces = [b" " * 65_536] * 100
    reply = send(house, b"", stripe(b""), chunks=pieces)
    assert told(reply) == (413, "payload_too_large")
    assert len(house.unread) > 90


def test_a_disabled_tenant_gets_nothing_and_only_its_sources_hear_why(house):
    house.stub.disabled.add("demo/live")

    assert told(send(house, PAID)) == (403, "tenant_disabled")
    assert told(send(house, PAID, [])) == (400, "malformed_signature")
    assert not house.stub.deliveries


def test_strangers_are_counted_by_their_address():
    house = House(webhook_secrets=SECRETS, docs=False, rate_limit_address=2)

    assert [send(house, PAID, []).status for _ in range(3)] == [400, 400, 429]


def test_a_store_that_is_away_says_when_to_come_back(house, monkeypatch):
    monkeypatch.setattr(house.stub, "put", away)

    reply = send(house, PAID)

    assert told(reply) == (503, "unavailable")
    assert reply.headers["retry-after"] == "1"


def away(_):
    raise Unavailable


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_nothing_here(house, method):
    assert house.call(method, PATH, key=None).status == 404


ONE = "/api/v1/admin/webhooks/stripe/evt_1"


@pytest.fixture
def real(tmp_path):
    """The whole house on a real store, with secrets; its worker steps when it is told to."""
    settings = Settings(
        jwt_secret="a jwt secret of thirty-two chars.",
        bootstrap_api_key=LIVE_KEY,
        webhook_secrets=SECRETS,
    )
    store = wiring.open_store(f"sqlite:{tmp_path / 'laurels.db'}")
    wiring.bootstrap(store.registry, settings, 0)
    server = wiring.build(settings, store)
    with TestClient(server.app, headers={"X-API-Key": LIVE_KEY}) as client:  # pyright: ignore[reportArgumentType]
        yield client, server
    store.close()


def arrive(client, id_="evt_1", **object_):
    at = SystemClock().now() // 1000
    event = PAID | {"id": id_, "created": at, "data": {"object": object_}}
    body = json.dumps(event).encode()
    headers = dict(stripe(body, at=at))
    reply = client.post(PATH, content=body, headers=headers)
    assert reply.status_code == 202, reply.text
    return body.decode()


def test_an_operator_sees_what_nobody_could_be_credited_with(real):
    client, server = real
    body = arrive(client, amount=5)
    client.portal.call(server.inbox.step)

    listed = client.get("/api/v1/admin/webhooks?status=unclaimed&source=stripe").json()

    assert (listed["total"], listed["page"], listed["page_size"]) == (1, 1, 50)
    (shown,) = listed["deliveries"]
    assert shown | {"received_at": ""} == {
        "source": "stripe",
        "delivery_id": "evt_1",
        "event_id": "evt_evt_1",
        "type": "invoice.paid",
        "status": "unclaimed",
        "attempts": 1,
        "received_at": "",
        "due_at": None,
        "reason": "there is no participant at data.object.customer",
    }
    assert client.get(ONE).json() == {"delivery": shown, "body": body}
    for which in ("?status=parked", "?source=github", "?page=2"):
        assert client.get(f"/api/v1/admin/webhooks{which}").json()["deliveries"] == []
    for wrong in ("?status=lost", "?page=0", "?page_size=1000", "?source=%00"):
        assert client.get(f"/api/v1/admin/webhooks{wrong}").status_code == 422


def test_an_operator_lets_a_delivery_be_looked_at_again(real):
    client, server = real
    arrive(client, amount=5)
    client.portal.call(server.inbox.step)

    for _ in range(2):
        reply = client.post(f"{ONE}/requeue")
        assert reply.status_code == 202
        assert (reply.json()["status"], reply.json()["attempts"]) == ("waiting", 0)
        assert (reply.json()["reason"], bool(reply.json()["due_at"])) == (None, True)
    client.portal.call(server.inbox.step)

    assert client.get(ONE).json()["delivery"]["status"] == "unclaimed"


def test_what_is_not_there_is_not_found(real):
    client, _ = real
    for path in (ONE, "/api/v1/admin/webhooks/nobody/x", "/api/v1/admin/webhooks/stripe/a%2Fb"):
        assert client.get(path).status_code == 404
        assert client.post(f"{path}/requeue").status_code == 404
    assert client.get("/api/v1/admin/webhooks/stripe/%FF").status_code == 422
    assert client.get("/api/v1/admin/webhooks/stripe/%00").status_code == 422


def test_an_id_with_a_slash_is_found_by_its_path(real):
    client, _ = real
    arrive(client, "in/1 x")

    assert client.get("/api/v1/admin/webhooks/stripe/in%2F1%20x").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/admin/webhooks", ONE])
def test_only_an_admin_may_look(path):
    assert House(docs=False).call("GET", path, key=LIVE).status == 403
    assert House(docs=False).call("GET", path, key=None).status == 401
    assert House(docs=False).call("POST", f"{ONE}/requeue", key=LIVE).status == 403
    assert House(docs=False).call("POST", f"{ONE}/requeue", key=ADMIN).status == 404
