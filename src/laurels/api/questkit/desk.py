"""What the routes of `/v1` do alike: whose token it is, and what answers look like."""

from typing import Any, Final

import msgspec

from laurels.api import desk
from laurels.api.exchange import Header, Reply, Request
from laurels.api.token import Claims
from laurels.core.errors import InvalidBody, Problem
from laurels.core.event import Instant
from laurels.core.limits import KEY_CHARS_MAX

_encode: Final = msgspec.json.Encoder().encode


class Desk(desk.Desk):
    """Where every request with a token is taken in."""

    async def caller(self, request: Request, now: Instant | None = None) -> Claims:
        """Return what the token of a request claims, once it is known to be good."""
        return await self.callers.token(request, self.clock.now() if now is None else now)


def header_key(request: Request) -> str | None:
    """Return the key of the header; empty is absent. Raises InvalidBody when it is too long."""
    key = request.headers.get(b"idempotency-key", b"").decode("latin-1")
    if len(key) > KEY_CHARS_MAX:
        too_long = f"must have at most {KEY_CHARS_MAX} characters"
        raise InvalidBody(Problem("Idempotency-Key", too_long))
    return key or None


def answer(body: Any, headers: tuple[Header, ...] = ()) -> Reply:
    return Reply(200, _encode(body), headers)
