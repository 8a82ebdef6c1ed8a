"""What the routes of every dialect do alike: one way to the engine, and one to ask it."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.core.command import Command
from laurels.core.errors import InvalidCommand, Refusal
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.engine import reading
from laurels.engine.answers import Met
from laurels.engine.ports import Receipt

B = TypeVar("B")
P = ParamSpec("P")


class Desk:
    """Where every request is taken in, and every command handed on."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        self.edge = edge
        self.callers = callers
        self.clock = edge.clock
        self.queries = edge.queries

    async def submit(self, command: Command) -> Receipt:
        """Hand a command to the engine. Raises what refuses it, or stops it at a limit."""
        receipt = await self.keep(command)
        if parked := receipt.parked:
            raise InvalidCommand(parked.message)
        return receipt

    async def keep(self, command: Command) -> Receipt:
        """Hand over an event, say: it is kept, and has a receipt, even if a limit stops it."""
        submitter = self.edge.submitter
        known = await submitter.recall(command) if command.key is not None else None
        outcome = known or (await submitter.submit([command]))[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def read(
        self, tenant: TenantId, participant: ParticipantId, now: Instant | None = None
    ) -> Met:
        """Return a participant as of now."""
        now = self.clock.now() if now is None else now
        return await self.ask(reading.read, self.queries, tenant, participant, now)

    async def ask(self, question: Callable[P, B], *args: P.args, **kwargs: P.kwargs) -> B:
        """Ask what may block."""
        return await asyncio.to_thread(question, *args, **kwargs)
