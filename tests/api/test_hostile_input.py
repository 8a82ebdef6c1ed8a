"""Bodies that nobody should send: refused by name, never kept, never a fault of ours."""

import json
from typing import Any

import msgspec
import pytest
from tests.api.stub import ADMIN, CODES, House, filled, prepared

from laurels.core import limits

TIME = 1_716_100_000_000
SINGLE = {"participant_id": "u", "event_name": "seen"}
QUEST = {"userId": "usr_demo_123", "name": "seen", "payload": {}, "timestamp": TIME}
MINT = {"appId": "demo", "appSecret": "wrong", "userId": "u"}

# Path, a good body, the field that holds anything, status and code when the body is no JSON, and
# when it is JSON of the wrong shape.
ROUTES = {
    "/api/v1/ingest/events": (SINGLE, "properties", (400, "validation_error")),
    "/api/v1/ingest/events/sync": (SINGLE, "properties", (400, "validation_error")),
    "/api/v1/ingest/events/batch": ({"events": [SINGLE]}, None, (400, "validation_error")),
    "/api/v1/gamify/events": (SINGLE, "properties", (422, "unprocessable_entity")),
    "/api/v1/gamify/events/batch": ({"events": [SINGLE]}, None, (422, "unprocessable_entity")),
    "/v1/events": (QUEST, "payload", (400, "invalid_event")),
    "/v1/auth/token": (MINT, "kind", (400, "validation_error")),
}


def free_field(body):
    """Return the field of a body that holds anything, if it has one."""
    names = {field.encode_name for field in msgspec.structs.fields(body)}
    return next((name for name in ("metadata", "attributes") if name in names), None)


def whose(good) -> Any:
    """Return the field of a good body that says whom it is about, and its text."""
    for name in ("participant_id", "userId"):
        if name in good:
            return name.encode(), json.dumps(good[name]).encode()
    return None


METHODS = dict.fromkeys(ROUTES, "POST")
for route in House().app.routes:
    if route.operation.request is not None and route.path not in ROUTES:
        example, body = route.operation.example, route.operation.request
        path = filled(route.path)
        ROUTES[path] = (example, free_field(body), (422, "unprocessable_entity"))
        METHODS[path] = route.method
LISTS = {path: next(iter(good)) for path, (good, *_) in ROUTES.items() if len(good) == 1}
BATCHES = [path for path, name in LISTS.items() if name in ("events", "awards")]
LARGE = [path for path, name in LISTS.items() if name in ("events", "awards", "codes")]

DEEP = b"[" * 64 + b"]" * 64
NOT_JSON_VALUES = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"01",
    b".5",
    b"1.",
    b"+1",
    b"0x10",
    b"9" * 5_000,
    b'"\\ud800"',
    b'"\\udc00"',
    b'"\\ud83d\\u0041"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b'"\x00"',
    b'"\n"',
    b'"\\x41"',
    b"'a'",
    b"[1,]",
    b'{"a":1,}',
    b'{"a"}',
    b"{a:1}",
    b"undefined",
    b"True",
    b"1 // one",
    b"/* */ 1",
    DEEP,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"",
]
NOT_JSON_BODIES = [
    b"",
    b" ",
    b"\x00",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"{} {}",
    b"{}]",
    b"{}\x00",
    b"a=1&b=2",
    b"<event/>",
    b"nul",
    b"[" * 60_000,
]
NOT_OBJECTS = [b"null", b"true", b"0", b"1.5", b'"text"', b"[]", b"[{}]"]


def send(house, path, body):
    bearer = house.token() if path == "/v1/events" else ()
    return house.call(METHODS[path], path, body, headers=bearer, key=ADMIN)


def with_value(path, value, field=None):
    """Put raw text into a good body of this route, as a value of the field that takes anything."""
    good, free, _ = ROUTES[path]
    name = field or free or "properties"
    batch = path in BATCHES
    event = dict(good[LISTS[path]][0] if batch else good)
    event.pop(name, None)
    text = json.dumps(event).encode()[:-1] + b", " + json.dumps(name).encode() + b": " + value
    return b'{"%s": [%s}]}' % (LISTS[path].encode(), text) if batch else text + b"}"


def code_of(reply):
    return reply.json.get("code", reply.json["error"])


def assert_refused(house, path, reply):
    status, code = ROUTES[path][2]
    sent = house.sent[:99]
    assert (reply.status, code_of(reply)) == (status, code), (sent, reply.body)
    assert not house.stub.commands, sent
    assert house.stub.codes == CODES
    assert not house.stub.revoked


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("field", [None, "nobody_knows_this"], ids=["known", "unknown"])
def test_what_is_not_json_sinks_the_whole_body(path, field):
    house = prepared()

    for value in NOT_JSON_VALUES:
        assert_refused(house, path, send(house, path, with_value(path, value, field)))


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_no_object_is_refused(path):
    house = prepared()

    for body in NOT_JSON_BODIES + NOT_OBJECTS:
        assert_refused(house, path, send(house, path, body))


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("bad", [b"1e999", b'"\xff"', b'"\\ud800"'])
def test_a_part_that_a_later_one_hides_is_read_all_the_same(path, bad):
    """The last of two equal keys counts; the first must be JSON nonetheless."""
    house = prepared()
    free = ROUTES[path][1] or "properties"
    good_after_bad = b"{}, " + json.dumps(free).encode() + b": {}"
    body = with_value(path, good_after_bad).replace(b": {}, ", b': {"a": ' + bad + b"}, ", 1)

    assert_refused(house, path, send(house, path, body))


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/v1/auth/token"])
def test_a_body_may_nest_as_deep_as_allowed_and_no_deeper(path):
    around = (
        4 if path in BATCHES else 2
    )  # The body, its list and item, and the object of the field.

    for deeper, taken in ((0, True), (1, False)):
        house = prepared()
        lists = limits.JSON_DEPTH_MAX - around + deeper
        value = b'{"a":' + b"[" * lists + b"]" * lists + b"}"
        reply = send(house, path, with_value(path, value))
        assert (reply.status < 300) == taken, reply.body
        is_kept = house.stub.commands or house.stub.revoked or house.stub.codes != CODES
        assert bool(is_kept) == taken


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("value", [b'"\\u0000"', b'{"a\\u0000":1}', b'{"a":[[{"b":"x\\u0000y"}]]}'])
@pytest.mark.parametrize("field", [None, "nobody_knows_this"], ids=["known", "unknown"])
def test_u0000_is_refused_wherever_it_stands(path, value, field):
    house = prepared()

    reply = send(house, path, with_value(path, value, field))

    if path == "/api/v1/ingest/events/batch":
        assert (reply.status, reply.json["rejected"]) == (202, 1)
        assert not house.stub.commands
    else:
        assert_refused(house, path, reply)


def test_an_escaped_backslash_before_u0000_is_no_nul():
    house = House()

    reply = send(
        house, "/api/v1/ingest/events", with_value("/api/v1/ingest/events", rb'{"a":"\\u0000"}')
    )

    assert reply.status == 202
    assert house.stub.events[0].properties == {"a": "\\u0000"}


@pytest.mark.parametrize(
    "path", [path for path, (good, *_) in ROUTES.items() if path in BATCHES or whose(good)]
)
@pytest.mark.parametrize("wrong", [b"5", b"true", b"[]", b"{}", b'""', b"null"])
def test_a_field_of_the_wrong_type_is_refused(path, wrong):
    house = prepared()
    good = ROUTES[path][0]
    named = whose(good[LISTS[path]][0] if path in BATCHES else good)
    whole = json.dumps(good).encode()
    body = whole.replace(b'"%s": %s' % named, b'"%s": %s' % (named[0], wrong), 1)
    assert body != whole

    reply = send(house, path, body)

    if path == "/api/v1/ingest/events/batch":
        assert reply.json["results"][0]["status"] == "rejected"
        assert not house.stub.commands
    else:
        assert_refused(house, path, reply)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_past_the_limit_is_not_read(path):
    limit = limits.BATCH_BODY_BYTES_MAX if path in LARGE else limits.BODY_BYTES_MAX
    house = prepared()

    told = send(house, path, b" " * (limit + 1))
    assert house.unread, "a body that says it is too long is not even begun"

    bearer = house.token() if path == "/v1/events" else ()
    pieces = [b" " * 65_536] * 1_000
    silent = house.call(METHODS[path], path, headers=bearer, chunks=pieces, key=ADMIN)
    assert len(house.unread) >= len(pieces) - limit // 65_536 - 2

    for reply in (told, silent):
        assert reply.status == 413
        assert code_of(reply) == "payload_too_large"
        assert reply.headers["connection"] == "close"
    assert not house.stub.commands


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_at_the_limit_is_read(path):
    limit = limits.BATCH_BODY_BYTES_MAX if path in LARGE else limits.BODY_BYTES_MAX
    body = json.dumps(ROUTES[path][0]).encode().ljust(limit)

    reply = send(prepared(), path, body)

    assert reply.status in (200, 201, 202, 204, 401)


@pytest.mark.parametrize("length", ["9" * 5_000, "-1", "1e3", "", "0x10", "१"])
def test_a_strange_length_is_no_fault_of_ours(length):
    house = House()
    body = json.dumps(SINGLE).encode()

    reply = house.call(
        "POST", "/api/v1/ingest/events", headers=[("content-length", length)], chunks=[body]
    )

    assert reply.status in (202, 413)


def test_who_hangs_up_is_not_answered():
    house = House()

    assert house.call("POST", "/api/v1/ingest/events", chunks=[]) is None
    assert not house.stub.events


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "1.10", "1E400e", "0.1"]
)
def test_numbers_keep_their_digits(number):
    house = House()
    body = b'{"participant_id":"u","event_name":"seen","properties":{"n": %s}}' % number.encode()

    reply = send(house, "/api/v1/ingest/events", body)

    if number == "1E400e":
        assert reply.status == 400
    else:
        assert house.stub.events[0].properties_json == f'{{"n": {number}}}'


def test_properties_on_many_lines_are_kept_on_one():
    house = House()
    value = b'{\n  "n": 1.10,\r\n "s": "\xc3\xa9"}'
    body = with_value("/api/v1/ingest/events", value)

    send(house, "/api/v1/ingest/events", body)

    assert house.stub.events[0].properties_json == '{"n":1.10,"s":"é"}'


def test_a_reply_does_not_repeat_a_flood():
    house = House()
    body = json.dumps(SINGLE | {f"{'x' * 300}{n}": 1 for n in range(100)}).encode()

    reply = send(house, "/api/v1/ingest/events", body)

    assert reply.status == 202
    assert len(reply.body) < 4_000
