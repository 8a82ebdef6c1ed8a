"""The query of the history route, and the participant in its path."""

import re
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from msgspec import Struct

from laurels.api import instant
from laurels.api.body import NO_NUL
from laurels.core import limits
from laurels.core.errors import InvalidQuery, Problem
from laurels.core.event import Instant, ParticipantId

T = TypeVar("T")

PAGE_SIZE_DEFAULT: Final = 50

_PARAMETERS_MAX: Final = 100
_is_number: Final = re.compile(r"\d{1,10}", re.ASCII).fullmatch


class HistoryQuery(Struct, frozen=True):
    name: str | None
    since: Instant | None
    until: Instant | None
    page: int
    page_size: int


def from_participant_path(segment: str) -> ParticipantId:
    """
    Read a participant's id as it stood in the path; an encoded slash belongs to it.

    >>> from_participant_path("a%2Fb%20c")
    'a/b c'
    """
    try:
        # A path comes as bytes, one a character.
        participant = unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InvalidQuery(Problem("participant_id", "is not UTF-8")) from None
    if not 1 <= len(participant) <= limits.PARTICIPANT_ID_CHARS_MAX:
        raise InvalidQuery(Problem("participant_id", "must have 1 to 255 characters"))
    if "\0" in participant:
        raise InvalidQuery(Problem("participant_id", NO_NUL))
    return participant


def from_history_query(query: bytes) -> HistoryQuery:
    """Read the filters and the page. Raises InvalidQuery; nothing is clamped."""
    values = _values(query)
    since = _read(values, "from_date", instant.day_from_text)
    last = _read(values, "to_date", instant.day_from_text)
    if since is not None and last is not None and since > last:
        raise InvalidQuery(Problem("from_date", "lies after to_date"))
    return HistoryQuery(
        name=_read(values, "event_name", _name),
        since=since,
        until=None if last is None else last + instant.DAY_MS,
        page=_read(values, "page", lambda text: _whole(text, limits.PAGE_MAX)) or 1,
        page_size=_read(values, "page_size", lambda text: _whole(text, limits.PAGE_SIZE_MAX))
        or PAGE_SIZE_DEFAULT,
    )


def _values(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_PARAMETERS_MAX,
        )
    except ValueError:
        fault = f"must be UTF-8, with at most {_PARAMETERS_MAX} parameters"
        raise InvalidQuery(Problem("query", fault)) from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidQuery(Problem("query", "names a parameter twice"))
    return values


def _read(values: dict[str, str], name: str, convert: Callable[[str], T]) -> T | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        return convert(text)
    except ValueError as fault:
        raise InvalidQuery(Problem(name, str(fault))) from None


def _name(text: str) -> str:
    if "\0" in text:
        raise ValueError(NO_NUL)
    return text


def _whole(text: str, highest: int) -> int:
    if _is_number(text) and 1 <= int(text) <= highest:
        return int(text)
    raise ValueError(f"must be a whole number from 1 to {highest}")
