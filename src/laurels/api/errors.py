"""From a refusal to a reply: what every API's error table has in common."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from laurels.api.exchange import Header
from laurels.api.throttle import whole_seconds
from laurels.core.errors import BodyTooLarge, Problem, RateLimited, Refusal, Unavailable

ErrorTable: TypeAlias = Mapping[type[Refusal], tuple[int, str]]
"""Status and code of each refusal. A test holds that every refusal stands in every table."""

PROBLEMS_SHOWN_MAX: Final = 20
PATH_CHARS_SHOWN_MAX: Final = 200
"""A body of 64 KiB must not make us say 64 KiB back."""


def headers_of(refusal: Refusal) -> tuple[Header, ...]:
    """Return what a refusal says in headers, in any API."""
    if isinstance(refusal, RateLimited | Unavailable):
        return ((b"retry-after", b"%d" % whole_seconds(refusal.retry_after_ms)),)
    if isinstance(refusal, BodyTooLarge):
        # The rest of the body is still under way, and we will not read it.
        return ((b"connection", b"close"),)
    return ()


def problems_of(refusal: Refusal) -> list[Problem]:
    """Return a refusal's problems, as many and as long as a reply should hold."""
    problems: tuple[Problem, ...] = getattr(refusal, "problems", ())
    return [
        Problem(problem.path[:PATH_CHARS_SHOWN_MAX], problem.message)
        for problem in problems[:PROBLEMS_SHOWN_MAX]
    ]


def text_of(refusal: Refusal) -> str:
    """Return a refusal as a sentence."""
    shown = problems_of(refusal)
    return "; ".join(map(str, shown)) if shown else refusal.message
