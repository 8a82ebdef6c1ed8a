"""Bodies: read no further than the limit, decoded once, and explained when they do not fit."""

from collections.abc import Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec
from msgspec import Raw

from laurels.api.exchange import Disconnected, Request
from laurels.core.errors import BodyTooLarge, InvalidBody, MalformedBody, Problem
from laurels.core.limits import JSON_DEPTH_MAX

T = TypeVar("T")

NO_NUL: Final = "must not hold U+0000, which not every store can keep"

_LENGTH_DIGITS_MAX: Final = 15
# What msgspec raises for text that is not JSON, or is JSON of the wrong shape.
_UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_untyped: Final = msgspec.json.Decoder().decode


async def read(request: Request, limit: int) -> bytes:
    """
    Return the whole body. A longer one is refused without reading on.

    Raises BodyTooLarge, and Disconnected when the caller hung up.
    """
    declared = request.headers.get(b"content-length")
    if declared is not None and declared.isdigit() and _exceeds(declared, limit):
        raise BodyTooLarge
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge
        return body
    return await _read_on(request, message.get("body", b""), message["type"], limit)


def _exceeds(declared: bytes, limit: int) -> bool:
    return len(declared) > _LENGTH_DIGITS_MAX or int(declared) > limit


async def _read_on(request: Request, first: bytes, kind: str, limit: int) -> bytes:
    whole = bytearray(first)
    more = True
    while True:
        if kind != "http.request":
            raise Disconnected
        if len(whole) > limit:
            raise BodyTooLarge
        if not more:
            return bytes(whole)
        message = await request.receive()
        kind = message["type"]
        whole += message.get("body", b"")
        more = message.get("more_body", False)


def is_plain(raw: bytes) -> bool:
    """Say whether a body certainly holds no U+0000, and certainly nests no deeper than allowed."""
    return (
        b"\\u0000" not in raw
        and raw.count(b"{") + raw.count(b"[") <= JSON_DEPTH_MAX  # It cannot nest what is not there.
    )


def json_value(raw: bytes) -> Any:
    """
    Decode the whole of a body, whatever it means. Raises MalformedBody for what is not JSON.

    Beside the grammar, numbers must fit a double, and strings UTF-8.
    """
    try:
        value = _untyped(raw)
    except _UNDECODABLE as problem:
        raise MalformedBody(f"The body is not JSON: {_reason(problem)}.") from None
    if raw.count(b"{") + raw.count(b"[") > JSON_DEPTH_MAX and _depth(value) > JSON_DEPTH_MAX:
        raise MalformedBody(f"The body nests deeper than {JSON_DEPTH_MAX}.")
    return value


def object_text(raw: Raw) -> str:
    """Return an object as it was sent, digit for digit, on one line."""
    text = str(raw, "utf-8")  # pyright: ignore[reportCallIssue, reportArgumentType] - Raw is a buffer
    if "\n" in text or "\r" in text:
        return msgspec.json.format(text, indent=-1)
    return text


class Judged(NamedTuple, Generic[T]):
    body: T
    ignored: tuple[str, ...] = ()
    """Fields that the type does not know."""


class Shape(Generic[T]):
    """
    What a route's body has to look like: a struct that forbids unknown fields.

    Most bodies fit, and one typed decode says so; since it refuses unknown fields, it has looked at
    every byte. Whatever does not fit, or may hold what we do not take, is decoded again without a
    type, so that what is not JSON is told from what is merely wrong, and each fault gets its name.
    """

    def __init__(self, body: type[T]) -> None:
        self._body = body
        self._decode = msgspec.json.Decoder(body).decode
        self._fields = {
            field.encode_name: field for field in msgspec.structs.fields(cast("Any", body))
        }

    def fits(self, raw: bytes) -> T | None:
        """Return the body if nothing at all is odd about it."""
        try:
            return self._decode(raw)
        except _UNDECODABLE:
            return None

    def read(self, raw: bytes) -> Judged[T]:
        """Return the body, or raise MalformedBody or InvalidBody."""
        if is_plain(raw) and (body := self.fits(raw)) is not None:
            return Judged(body)
        return self.judge(json_value(raw), may_hold_nul=b"\\u0000" in raw)

    def judge(self, value: object, *, may_hold_nul: bool, where: str = "") -> Judged[T]:
        """Turn a decoded value into the body, or raise InvalidBody with every fault it has."""
        if not isinstance(value, dict):
            raise InvalidBody(Problem(where.rstrip("."), "must be an object"))
        values = cast("dict[str, Any]", value)
        problems = [
            Problem(where + name, fault)
            for name in self._fields
            if (fault := self._fault(name, values))
        ]
        if may_hold_nul:
            problems += [
                Problem(where + name, NO_NUL)
                for name, part in values.items()
                if "\0" in name or _holds_nul(part)
            ]
        if problems:
            raise InvalidBody(*problems)
        known = {name: part for name, part in values.items() if name in self._fields}
        ignored = tuple(name for name in values if name not in self._fields)
        return Judged(msgspec.convert(known, self._body), ignored)

    def _fault(self, name: str, values: Mapping[str, Any]) -> str | None:
        field = self._fields[name]
        if name not in values:
            return "is required" if field.required else None
        try:
            msgspec.convert(values[name], field.type)
        except msgspec.ValidationError as fault:
            return str(fault)
        return None


def read_items(raw: bytes, name: str, shape: Shape[T], most: int) -> list[T]:
    """Return the items of a body that is a list under a name. One that does not fit sinks it."""
    value = json_value(raw)
    found: Any = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise InvalidBody(Problem(name, "must be a list"))
    items = cast("list[Any]", found)
    if not 1 <= len(items) <= most:
        raise InvalidBody(Problem(name, f"must hold 1 to {most} items"))
    bodies: list[T] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            where = f"{name}[{index}]."
            bodies.append(shape.judge(item, may_hold_nul=b"\\u0000" in raw, where=where).body)
        except InvalidBody as refusal:
            problems += refusal.problems
    if problems:
        raise InvalidBody(*problems)
    return bodies


def _reason(problem: Exception) -> str:
    if isinstance(problem, RecursionError):
        return f"it nests deeper than {JSON_DEPTH_MAX}"
    if isinstance(problem, UnicodeDecodeError):
        return "it holds bytes that are not UTF-8"
    return str(problem).removeprefix("JSON is malformed: ").partition(" - at ")[0]


def _depth(value: object) -> int:
    """Return how deep a value nests, one level at a time; it stops one past the limit."""
    level = [value]
    depth = 0
    while level and depth <= JSON_DEPTH_MAX:
        below: list[object] = []
        containers = 0
        for part in level:
            if isinstance(part, dict):
                containers += 1
                below += cast("dict[str, object]", part).values()
            elif isinstance(part, list):
                containers += 1
                below += cast("list[object]", part)
        if not containers:
            return depth
        depth += 1
        level = below
    return depth


def _holds_nul(value: object) -> bool:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if "\0" in part:
                return True
        elif isinstance(part, dict):
            waiting += cast("dict[str, object]", part).keys()
            waiting += cast("dict[str, object]", part).values()
        elif isinstance(part, list):
            waiting += cast("list[object]", part)
    return False
