"""Deliveries of other people's webhooks: who sent what, and which event it is, by the rulebook."""

from collections.abc import Mapping
from datetime import datetime
from math import floor
from typing import Any, Final, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Raw, Struct

from laurels.core import limits
from laurels.core.errors import InvalidDelivery
from laurels.core.event import Instant, ParticipantId
from laurels.core.filter import Path, path_of, read
from laurels.core.rulebook import Rulebook
from laurels.core.source import SignatureScheme, Source, WebhookEvent
from laurels.core.window import instant

EVENT_ID: Final = "evt_"
"""What the id of an event begins with that a delivery became; the rest is the provider's."""

DEFAULTS: Final[Mapping[SignatureScheme, Source]] = {
    "stripe": Source(
        id="stripe",
        signature="stripe",
        delivery=path_of("id"),
        type=path_of("type"),
        at=path_of("created"),
        participant=path_of("data.object.customer"),
        properties=path_of("data.object"),
    ),
    "standard": Source(
        id="standard",
        signature="standard",
        type=path_of("type"),
        at=path_of("timestamp"),
        properties=path_of("data"),
    ),
    "github": Source(id="github", signature="github", participant=path_of("sender.login")),
    "shopify": Source(id="shopify", signature="shopify", participant=path_of("customer.id")),
}
"""What a source is whose entry says no more than its signature, or that has no entry at all."""

_parts: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_untyped: Final = msgspec.json.Decoder().decode


class Label(NamedTuple):
    """What a delivery is called, in its headers or by its body; None is not said."""

    id: str | None
    type: str | None


class Reported(Struct, frozen=True, kw_only=True):
    """The event that a delivery is."""

    participant: ParticipantId
    name: str
    properties: dict[str, Any]
    properties_json: str
    occurred_at: Instant
    dated: bool


class Unclaimed(NamedTuple):
    """It is an event, and we cannot tell whose."""

    reason: str


class Ignored(NamedTuple):
    """The rulebook makes nothing of its type."""

    reason: str


class Unreadable(NamedTuple):
    """It cannot be an event."""

    reason: str


Meaning: TypeAlias = Reported | Unclaimed | Ignored | Unreadable


def variable_of(name: str) -> str:
    """
    Return what stands for a source in the name of its secret's variable.

    >>> variable_of("my-shop")
    'MY_SHOP'
    """
    return name.upper().replace("-", "_")


def source_called(rulebook: Rulebook, name: str) -> Source | None:
    """Find a source by its name; those named as a signature is need no entry."""
    listed = (source for source in rulebook.webhooks if source.id == name)
    return next(listed, None) or DEFAULTS.get(cast("SignatureScheme", name))


def name_of(source: Source, value: object, headers: Label) -> Label:
    """
    Return the id and the type of a delivery whose signature was good.

    Raises InvalidDelivery. Where both are told by headers, the body's shape is nobody's business
    but the mapping's.
    """
    if not isinstance(value, dict | list) or (isinstance(value, list) and not source.delivery):
        raise InvalidDelivery("body")
    body = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    is_strict = source.signature == "stripe"
    id_ = _text(read(body, source.delivery), is_strict=is_strict) if source.delivery else headers.id
    if not _fits(id_, limits.WEBHOOK_ID_CHARS_MAX):
        raise InvalidDelivery("id")
    type_ = _text(read(body, source.type), is_strict=is_strict) if source.type else headers.type
    if not _fits(type_, limits.QUESTKIT_EVENT_NAME_CHARS_MAX):
        raise InvalidDelivery("type")
    if is_strict:
        _check_stripe(source, body)
    return Label(id_, type_)


def meaning(source: Source, type_: str, body: bytes, received_at: Instant) -> Meaning:
    """Say which event a delivery is, by what the rulebook makes of its type."""
    entry = _entry(source, type_)
    if entry is None:
        return Ignored(f"the rulebook lists no event for the type {_shown(type_)}")
    value = _untyped(body)
    if not isinstance(value, dict):
        return Unreadable("the body is no object")
    whole = cast("dict[str, Any]", value)
    participant = _participant(entry.participant, whole, is_strict=source.signature == "stripe")
    if isinstance(participant, Unclaimed):
        return participant
    text = _text_at(body, entry.properties)
    properties = cast("dict[str, Any] | None", None if text is None else _untyped(text))
    if text is None or not isinstance(properties, dict):
        return Unreadable(f"{_place(entry.properties)} is no object, as properties must be")
    if "\\u0000" in text and _holds_nul(properties):
        return Unreadable("its properties hold U+0000, which not every store can keep")
    at = _moment(read(whole, source.at)) if source.at else None
    return Reported(
        participant=participant,
        name=entry.event,
        properties=properties,
        properties_json=text,
        occurred_at=received_at if at is None else at,
        dated=at is not None,
    )


def _entry(source: Source, type_: str) -> WebhookEvent | None:
    if source.events is None:
        return WebhookEvent(
            type=type_, event=type_, participant=source.participant, properties=source.properties
        )
    return next((entry for entry in source.events if entry.type == type_), None)


def _check_stripe(source: Source, body: dict[str, Any]) -> None:
    """Check what Stripe promises of every event, as far as the mapping still reads it there."""
    created = read(body, source.at) if source.at else 0
    if isinstance(created, str) or _moment(created) is None:
        raise InvalidDelivery("time")
    if source.properties and not isinstance(read(body, source.properties), dict | list):
        raise InvalidDelivery("subject")


def _participant(
    path: Path | None, body: dict[str, Any], *, is_strict: bool
) -> ParticipantId | Unclaimed:
    if path is None:
        return Unclaimed("the rulebook does not say where the participant stands")
    who = _text(read(body, path), is_strict=is_strict)
    if who is None or not who:
        return Unclaimed(f"there is no participant at {path.key}")
    if not _fits(who, limits.PARTICIPANT_ID_CHARS_MAX):
        most = limits.PARTICIPANT_ID_CHARS_MAX
        return Unclaimed(f"{path.key} can be no participant: it has over {most} characters, or NUL")
    return who


def _text(value: object, *, is_strict: bool) -> str | None:
    """Return an id as text; providers number things, though Stripe does not."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and not is_strict:
        return str(value) if -limits.AMOUNT_MAX <= value <= limits.AMOUNT_MAX else None
    return None


def _fits(text: str | None, most: int) -> bool:
    return text is not None and 1 <= len(text) <= most and "\0" not in text


def _moment(value: object) -> Instant | None:
    """
    Read a time: seconds since 1970, or ISO 8601; None for what is neither, or out of our years.

    >>> _moment(1.5), _moment("1970-01-01T00:00:02Z"), _moment(True), _moment("soon"), _moment(1e99)
    (1500, 2000, None, None, None)
    """
    if isinstance(value, str):
        try:
            at = instant(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            return None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not limits.INSTANT_MIN_MS <= value * 1000 <= limits.INSTANT_MAX_MS:
            return None
        at = floor(value * 1000)
    else:
        return None
    return at if limits.INSTANT_MIN_MS <= at <= limits.INSTANT_MAX_MS else None


def _text_at(body: bytes, path: Path | None) -> str | None:
    """Return what stands at a path as it was sent, digit for digit, on one line."""
    raw = body if path is None else _raw_at(body, path)
    return None if raw is None else msgspec.json.format(bytes(raw), indent=-1).decode()


def _raw_at(body: bytes, path: Path) -> Raw | None:
    """Walk as `filter.read` does, without reading the numbers."""
    whole = _parts(body)
    if path.key in whole or not path.parts:
        return whole.get(path.key)
    value: Raw | bytes = body
    for part in path.parts:
        try:
            value = _parts(value)[part]
        except (KeyError, msgspec.ValidationError):
            return None
    return cast("Raw", value)


def _holds_nul(value: object) -> bool:
    """Look into all of a value. It nests no deeper than a body may."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return any(map(_holds_nul, (*entries.keys(), *entries.values())))
    return isinstance(value, list) and any(map(_holds_nul, cast("list[object]", value)))


def _place(path: Path | None) -> str:
    return "the body" if path is None else path.key


def _shown(text: str) -> str:
    return text if len(text) <= limits.GAMIFY_EVENT_NAME_CHARS_MAX else text[:99] + "…"
