"""What the routes of `/v1` do alike: whose token it is, and one way to the engine."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

import msgspec

from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.exchange import Header, Reply, Request
from laurels.api.token import Claims
from laurels.core.command import Command
from laurels.core.errors import InvalidBody, Problem, Refusal
from laurels.core.event import Instant
from laurels.core.limits import KEY_CHARS_MAX
from laurels.engine import reading
from laurels.engine.answers import Met
from laurels.engine.ports import Receipt

B = TypeVar("B")
P = ParamSpec("P")

_encode: Final = msgspec.json.Encoder().encode


class Desk:
    """Where every request with a token is taken in, and every command handed on."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        self.edge = edge
        self.callers = callers
        self.clock = edge.clock
        self.queries = edge.queries
        self._submitter = edge.submitter

    async def caller(self, request: Request, now: Instant | None = None) -> Claims:
        """Return what the token of a request claims, once it is known to be good."""
        return await self.callers.token(request, self.clock.now() if now is None else now)

    async def submit(self, command: Command) -> Receipt:
        """Hand a command to the engine, unless its key is known. Raises what refuses it."""
        known = await self._submitter.recall(command) if command.key is not None else None
        outcome = known or (await self._submitter.submit([command]))[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def read(self, caller: Claims) -> tuple[Met, Instant]:
        """Return the caller as of now, and when that is."""
        now = self.clock.now()
        met = await self.ask(reading.read, self.queries, caller.tenant, caller.participant, now)
        return met, now

    async def ask(self, question: Callable[P, B], *args: P.args, **kwargs: P.kwargs) -> B:
        """Ask what may block."""
        return await asyncio.to_thread(question, *args, **kwargs)


def header_key(request: Request) -> str | None:
    """Return the key of the header; empty is absent. Raises InvalidBody when it is too long."""
    key = request.headers.get(b"idempotency-key", b"").decode("latin-1")
    if len(key) > KEY_CHARS_MAX:
        too_long = f"must have at most {KEY_CHARS_MAX} characters"
        raise InvalidBody(Problem("Idempotency-Key", too_long))
    return key or None


def answer(body: Any, headers: tuple[Header, ...] = ()) -> Reply:
    return Reply(200, _encode(body), headers)
