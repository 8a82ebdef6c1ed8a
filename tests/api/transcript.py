"""
Reads transcripts: requests as they are sent, and replies as they must come back.

    POST /api/v1/ingest/events          (3 times) behind it sends it so often
    X-API-Key: {{live_key}}

    {"participant_id": "u", …}          sent as it stands; {{spaces:9}} is nine spaces

    HTTP 202
    Retry-After: {{number}}             only headers that are named are compared; {{absent}} is none

    {"event_id": "evt_{{first:ulid}}"}  compared as JSON, whole; nothing here means an empty body

`###` stands between exchanges. `{{kind}}` fits any text of that kind, `{{name:kind}}` keeps it, and
`{{name}}` is what was kept, in later requests and replies. What the tests know beforehand is kept
from the start.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

KINDS = {
    "ulid": r"[0-7][0-9A-HJKMNP-TV-Z]{25}",
    "ms": r"1[0-9]{12}",
    "number": r"[0-9]+",
    "time": r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z",
    "text": r".+",
}
PLACEHOLDER = re.compile(r"\{\{(\w+)(?::(\w+))?\}\}")
REQUEST = re.compile(r"(?P<method>[A-Z]+) (?P<path>\S+)(?: \((?P<times>\d+) times\))?")
STATUS = re.compile(r"^HTTP (\d{3})$", re.MULTILINE)


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class Exchange(NamedTuple):
    method: str
    path: str
    times: int
    headers: list[tuple[str, str]]
    body: str
    status: int
    reply_headers: list[tuple[str, str]]
    reply: str
    line: int


def read(file: Path) -> list[Exchange]:
    exchanges = []
    line = 1
    for part in re.split(r"^###\n", file.read_text("utf-8"), flags=re.MULTILINE):
        if without_comments(part).strip():
            exchanges.append(_exchange(without_comments(part), line, file))
        line += part.count("\n") + 1
    return exchanges


def without_comments(text: str) -> str:
    return re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)


def _exchange(text: str, line: int, file: Path) -> Exchange:
    request, status, reply = STATUS.split(text.lstrip("\n"), maxsplit=1)
    head, _, body = request.partition("\n\n")
    first, *headers = head.strip().split("\n")
    asked = REQUEST.fullmatch(first)
    assert asked, f"{file.name}:{line}: {first}"
    reply_head, _, reply_body = reply.lstrip("\n").partition("\n\n")
    if reply.startswith("\n\n"):
        reply_head, reply_body = "", reply
    return Exchange(
        asked["method"],
        asked["path"],
        int(asked["times"] or 1),
        _headers(headers),
        body.strip("\n"),
        int(status),
        _headers(reply_head.strip().splitlines()),
        reply_body.strip(),
        line,
    )


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in lines)
    return [(name.strip().lower(), text.strip()) for name, _, text in pairs]


class Names:
    """What was kept so far."""

    def __init__(self, **known: str) -> None:
        self._known = known

    def fill(self, text: str) -> str:
        """Put what is known into a request."""
        return PLACEHOLDER.sub(self._filled, text)

    def _filled(self, found: re.Match[str]) -> str:
        name, argument = found.groups()
        return " " * int(argument) if name == "spaces" else self._known[name]

    def fits(self, expected: object, actual: object) -> bool:
        """Say whether a value is what was expected, keeping what is named."""
        if isinstance(expected, str):
            number = isinstance(expected, Number) or expected.startswith("#{{")
            text = expected.removeprefix("#") if number else expected
            if not isinstance(actual, str) or isinstance(actual, Number) != number:
                return False
            return self._fits_text(text, actual)
        if isinstance(expected, dict):
            return (
                isinstance(actual, dict)
                and list(expected) == list(actual)
                and all(self.fits(expected[name], actual[name]) for name in expected)
            )
        if isinstance(expected, list):
            return (
                isinstance(actual, list)
                and len(expected) == len(actual)
                and all(map(self.fits, expected, actual))
            )
        return type(expected) is type(actual) and expected == actual

    def _fits_text(self, expected: str, actual: str) -> bool:
        pattern, end = "", 0
        for found in PLACEHOLDER.finditer(expected):
            pattern += re.escape(expected[end : found.start()]) + self._pattern(found)
            end = found.end()
        fit = re.fullmatch(pattern + re.escape(expected[end:]), actual)
        self._known |= fit.groupdict() if fit else {}
        return fit is not None

    def _pattern(self, found: re.Match[str]) -> str:
        name, kind = found.groups()
        if kind:
            return f"(?P<{name}>{KINDS[kind]})"
        return re.escape(self._known[name]) if name in self._known else f"(?:{KINDS[name]})"


def value(text: str) -> object:
    """Return a body as a value that keeps the digits of its numbers."""
    return json.loads(text, parse_int=Number, parse_float=Number) if text else None


def expected_value(text: str) -> object:
    """Return the body that is expected. A placeholder outside a string stands for a number."""
    return value(re.sub(r"(?<=[:\s\[,])(\{\{\w+(?::\w+)?\}\})(?=[,\s\]}])", r'"#\1"', text))
