"""Queries, and what stands in a path."""

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

from laurels.api.body import NO_NUL
from laurels.api.exchange import Request
from laurels.core import limits
from laurels.core.errors import InvalidQuery, Problem

T = TypeVar("T")

PAGE_SIZE_DEFAULT: Final = 50

_PARAMETERS_MAX: Final = 100
_is_number: Final = re.compile(r"\d{1,10}", re.ASCII).fullmatch


class Page(NamedTuple):
    page: int
    page_size: int


class Query:
    """The parameters of a query. Reading one raises InvalidQuery when it is not what it must be."""

    def __init__(self, request: Request) -> None:
        query: bytes = request.scope.get("query_string", b"")
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
        self._values = dict(pairs)
        if len(self._values) != len(pairs):
            raise InvalidQuery(Problem("query", "names a parameter twice"))

    def read(self, name: str, convert: Callable[[str], T]) -> T | None:
        """Return a parameter as `convert` understands it, or None where it was not sent."""
        text = self._values.get(name)
        if text is None:
            return None
        try:
            return convert(text)
        except ValueError as fault:
            raise InvalidQuery(Problem(name, str(fault))) from None

    def text(self, name: str) -> str | None:
        return self.read(name, _text)

    def texts(self, name: str) -> list[str] | None:
        """Return what stands between commas; nothing at all is nothing."""
        text = self.text(name)
        return None if text is None else [part for part in text.split(",") if part]

    def one_of(self, name: str, words: Collection[str]) -> str | None:
        return self.read(name, lambda text: _one_of(text, words))

    def flag(self, name: str) -> bool:
        """Return whether a parameter is `true`; left out, it is not."""
        return self.one_of(name, ("true", "false")) == "true"

    def whole(self, name: str, highest: int, default: int) -> int:
        return self.read(name, lambda text: _whole(text, highest)) or default

    def page(self) -> Page:
        return Page(
            self.whole("page", limits.PAGE_MAX, 1),
            self.whole("page_size", limits.PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT),
        )


def from_path(segment: str, name: str) -> str:
    """
    Read an id as it stood in the path; an encoded slash belongs to it.

    >>> from_path("a%2Fb%20c", "participant_id")
    'a/b c'
    """
    try:
        # A path comes as bytes, one a character.
        text = unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InvalidQuery(Problem(name, "is not UTF-8")) from None
    if not 1 <= len(text) <= limits.PARTICIPANT_ID_CHARS_MAX:
        raise InvalidQuery(Problem(name, "must have 1 to 255 characters"))
    if "\0" in text:
        raise InvalidQuery(Problem(name, NO_NUL))
    return text


def path_part(request: Request, name: str) -> str:
    """Return one of the parameters of a request's path."""
    return from_path(request.parameters[name], name)


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError(NO_NUL)
    return text


def _one_of(text: str, words: Collection[str]) -> str:
    if text in words:
        return text
    raise ValueError(f"must be one of {', '.join(words)}")


def _whole(text: str, highest: int) -> int:
    if _is_number(text) and 1 <= int(text) <= highest:
        return int(text)
    raise ValueError(f"must be a whole number from 1 to {highest}")
