"""Requests that nobody should send, of every route: made from the examples of the documentation."""

import json
from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from tests.api.stub import SAMPLES, filled
from tests.cast import LONG, NOON

from laurels.api.route import Route
from laurels.core import limits

ODD_TEXTS = [
    "'; DROP TABLE journal; --",
    "back\\slash \\N \\. \\t",
    "\\N",
    "\\.",
    "tab\tline\nreturn\r",
    "\"quoted\" 'twice' $1 :name ?1 %s %(x)s {} ${y}",
    "\x01\x1f\x7f",
    "é\u0301 ﬀ ß İ \u0131",
    "\u2028\u2029\ufeff\u200f",
    "\U0001d518 🦊 \U0010ffff",
    "\uffff\ue000",
    "null",
    "",
    " ",
    "x" * 256,
    "x" * 257,
    "é" * 128,
    "é" * 256,
    "[1]",
    '{"a": 1}',
    "NaN",
    "p:ann",
    "@mint",
]
"""Each of them may be kept or refused, on every store alike."""

ODD_VALUES = [
    *(json.dumps(text).encode() for text in ODD_TEXTS),
    *(json.dumps(text, ensure_ascii=False).encode() for text in ODD_TEXTS),
    b'"\\u0000"',
    b'"a\\u0000b"',
    b'"\\\\u0000"',
    b'{"a": "\\\\u0000"}',
    b'{"a\\u0000": [1]}',
    b'{"a": {"b": ["\\u0000"]}}',
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'{"\\ud83e": 1}',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b"NaN",
    b"Infinity",
    b"1e999",
    b"-1e999",
    b"1e308",
    b"1e-999",
    b"0.1",
    b"1.10",
    b"-0",
    b"0",
    b"-1",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"9" * 400,
    b"2147483648",
    b"true",
    b"null",
    b"[]",
    b"{}",
    b"[" * 40 + b"]" * 40,
    b"[" * 4_000 + b"]" * 4_000,
    b'{"a": ' * 30 + b"1" + b"}" * 30,
    b'{"text": "%s"}' % (b"\\\\N\\t" * 12_000),
    b'{"text": "%s"}' % ("🦊\\n".encode() * 10_000),
    b'"0001-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59Z"',
]
ODD_NUMBERS = [
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 40),
    *("NaN", "1e999", "-1", "0", "1.5", "", "null", "2147483648", "10000000"),
]
EACH = 5 * min(LONG, 3)
"""So many values in each place of a request. What is left out here comes in the next."""


class Ask(NamedTuple):
    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


values, texts, numbers = cycle(ODD_VALUES), cycle(ODD_TEXTS), cycle(ODD_NUMBERS)


def asks(route: Route) -> Iterator[Ask]:
    """Yield a good request of a route, and the same with something odd in each place of it."""
    operation = route.operation
    body = b"" if operation.request is None else msgspec.json.encode(operation.example)
    good = Ask(route.method, filled(route.path), body)
    yield good
    yield from (good._replace(path=path) for path in paths(route))
    for parameter in operation.parameters:
        if parameter.place == "header":
            for text in ("x" * 256, "x" * 257, "\\N\t'\"", "é" * 20, " "):
                yield good._replace(headers=((parameter.name, text),))
    yield from (good._replace(body=odd) for odd in bodies(operation.example))


def paths(route: Route) -> Iterator[str]:
    for template in SAMPLES:
        if template in route.path:
            for text in ("a\0b", *islice(texts, EACH)):
                yield filled(route.path.replace(template, quote(text or "\0", safe="")))
    for parameter in route.operation.parameters:
        if parameter.place == "query":
            for text in (*islice(texts, EACH), *islice(numbers, EACH), "\0"):
                yield f"{filled(route.path)}?{parameter.name}={quote(text, safe='')}"


def bodies(example: Any) -> Iterator[bytes]:
    if not isinstance(example, dict):
        return
    for name, value in {**example, "metadata": None, "properties": None, "payload": None}.items():
        for odd in islice(values, EACH):
            rest = json.dumps({key: each for key, each in example.items() if key != name}).encode()
            comma = b"" if rest == b"{}" else b", "
            yield rest[:-1] + comma + json.dumps(name).encode() + b": " + odd + b"}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rest = {key: each for key, each in example.items() if key != name}
            start = json.dumps(rest).encode()[:-1] + (b", " if rest else b"")
            for inner in bodies(value[0]):
                yield start + json.dumps(name).encode() + b": [" + inner + b"]}"


def many_events() -> bytes:
    """Return a batch of events with something odd that may be kept in every place."""
    texts = [text for text in ODD_TEXTS if 0 < len(text) <= 256 and text.strip()]
    events = [
        {
            "participant_id": text if which == "participant_id" else f"p{n}",
            "event_name": text if which == "event_name" else "quiz_completed",
            "idempotency_key": text if which == "idempotency_key" else f"odd-{which}-{n}",
            "properties": {text: text, "score": n} if which == "properties" else {"score": n},
        }
        for which in ("participant_id", "event_name", "idempotency_key", "properties")
        for n, text in enumerate(texts)
    ]
    return json.dumps({"events": events}).encode()


def longest(chars: int) -> str:
    """Return a text of characters of four bytes each, which is as long when it is compressed."""
    random = Random(chars)
    return "".join(chr(random.randrange(0x10000, 0x1FFFF)) for _ in range(chars))


def largest() -> Iterator[Ask]:
    """Yield requests with the longest texts that may be kept, and some a character longer."""
    for more in (0, 1):
        who = longest(limits.PARTICIPANT_ID_CHARS_MAX + more)
        key = longest(limits.KEY_CHARS_MAX + more)
        for path, name in (
            ("/api/v1/ingest/events/sync", longest(limits.INGEST_EVENT_NAME_CHARS_MAX + more)),
            ("/api/v1/gamify/events", longest(limits.GAMIFY_EVENT_NAME_CHARS_MAX + more)),
            ("/v1/events", longest(limits.QUESTKIT_EVENT_NAME_CHARS_MAX + more)),
        ):
            body = (
                {"userId": "usr_demo_123", "name": name, "payload": {}, "timestamp": NOON}
                if path == "/v1/events"
                else {"participant_id": who, "event_name": name, "idempotency_key": key}
            )
            yield Ask("POST", path, json.dumps(body).encode())
            yield Ask("POST", path, json.dumps(body, ensure_ascii=False).encode())
            yield Ask("GET", f"/api/v1/admin/analytics?name={quote(name)}")
