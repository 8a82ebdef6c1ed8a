"""Reads bodies of events: fast when nothing is odd, item by item when something is."""

from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct

from laurels.api.body import Shape, is_plain, json_value
from laurels.api.bricqs import wire
from laurels.core import limits
from laurels.core.errors import InvalidBody, Problem

B = TypeVar("B", wire.IngestEvent, wire.GamifyEvent)

# The body, the list and the item stand around what an event's properties nest.
_BRACKETS_MAX: Final = limits.JSON_DEPTH_MAX - 3

_texts: Final = msgspec.json.Decoder(wire.Texts).decode
_batch_texts: Final = msgspec.json.Decoder(wire.BatchTexts).decode
_items: Final = msgspec.json.Decoder(wire.Items).decode
_NO_TEXTS: Final = wire.Texts()


class Part(Struct, Generic[B], frozen=True, gc=False):
    """One event as it was sent."""

    body: B
    texts: wire.Texts
    ignored: tuple[str, ...] = ()


class Rejected(Struct, frozen=True):
    """One event of a batch that does not have the right shape."""

    refusal: InvalidBody
    key: str | None


class Reader(Generic[B]):
    """Reads one route family's events, alone and in batches of at most `events_max`."""

    def __init__(self, event: type[B], batch: type[Any], events_max: int) -> None:
        self._event: Shape[B] = Shape(event)
        self._batch: Shape[Any] = Shape(batch)
        self._events_max = events_max

    def one(self, raw: bytes) -> Part[B]:
        """Raise MalformedBody or InvalidBody, or return the event."""
        if is_plain(raw) and (body := self._event.fits(raw)) is not None:
            return Part(body, _texts_of(raw, body))
        judged = self._event.judge(json_value(raw), may_hold_nul=b"\\u0000" in raw)
        return Part(judged.body, _texts_of(raw, judged.body), judged.ignored)

    def many(self, raw: bytes) -> list[Part[B] | Rejected]:
        """
        Return the events of a batch, each judged on its own.

        Raises MalformedBody, and InvalidBody when it is no batch at all.
        """
        if b"\\u0000" not in raw and (batch := self._batch.fits(raw)) is not None:
            texts = _batch_texts(raw).events
            if all(map(_is_shallow, texts)):
                return [Part(*both) for both in zip(batch.events, texts, strict=True)]
        return self._one_by_one(raw, json_value(raw))

    def _one_by_one(self, raw: bytes, value: Any) -> list[Part[B] | Rejected]:
        events: Any = cast("Any", value).get("events") if isinstance(value, dict) else None
        if not isinstance(events, list):
            raise InvalidBody(Problem("events", "must be a list of events"))
        items = cast("list[Any]", events)
        if not 1 <= len(items) <= self._events_max:
            raise InvalidBody(Problem("events", f"must hold 1 to {self._events_max} events"))
        raws = _items(raw).events
        return [
            self._judge(bytes(item_raw), item, f"events[{index}].")
            for index, (item_raw, item) in enumerate(zip(raws, items, strict=True))
        ]

    def _judge(self, raw: bytes, item: Any, where: str) -> Part[B] | Rejected:
        may_hold_nul = b"\\u0000" in raw
        if not may_hold_nul and (fitting := self._event.fits(raw)) is not None:
            return Part(fitting, _texts_of(raw, fitting))
        try:
            body, ignored = self._event.judge(item, may_hold_nul=may_hold_nul, where=where)
        except InvalidBody as refusal:
            return Rejected(refusal, _key_of(item))
        return Part(body, _texts_of(raw, body), ignored)


def _texts_of(raw: bytes, body: wire.EventBody) -> wire.Texts:
    if body.attributes is None and (body.properties is None or body.properties is UNSET):
        return _NO_TEXTS
    return _texts(raw)


def _is_shallow(texts: wire.Texts) -> bool:
    """Say whether an event certainly nests no deeper than allowed: only properties can nest."""
    for raw in (texts.properties, texts.attributes):
        text = bytes(raw)
        if text.count(b"{") + text.count(b"[") > _BRACKETS_MAX:
            return False
    return True


def _key_of(item: Any) -> str | None:
    key: Any = cast("Any", item).get("idempotency_key") if isinstance(item, dict) else None
    return key if isinstance(key, str) and len(key) <= limits.KEY_CHARS_MAX else None
