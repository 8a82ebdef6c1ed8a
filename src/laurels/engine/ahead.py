"""Deciding at once, past a queue: an event whose key waits there keeps its first name."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.errors import Unavailable
from laurels.core.event import Event
from laurels.engine.clock import stopwatch
from laurels.engine.ports import Outcome, Receipt, Submitter
from laurels.engine.queue import Lanes, Waiting, answer_to_twin, content_of
from laurels.engine.turns import Turns

log = logging.getLogger(__name__)

ANSWER_S_MAX: Final = 0.5
REST_S: Final = 1.0
"""How long a queue that did not answer is left alone: the store recognises a key by itself."""


class Named(NamedTuple):
    """A command as it is submitted, and whether it says other things than its key stands for."""

    command: Command
    mismatch: bool = False
    is_instead: bool = False
    """Whether what its key stands for is not to be had: what is decided now are other things."""

    def differs(self, receipt: Receipt) -> bool:
        return self.mismatch or (self.is_instead and receipt.answered_by == "decision")


class Ahead:
    """A submitter that lets nobody's key count twice because its event waits in a queue."""

    def __init__(self, submitter: Submitter, lanes: Lanes) -> None:
        self.recall = submitter.recall
        self._submitter = submitter
        self._lanes = lanes
        self._rest_until = 0.0
        self._turns = Turns[Event, Waiting | None](
            lanes.waiting, at_once_max=limits.GATHERED_EVENTS_MAX
        )

    def submit(self, commands: Sequence[Command]) -> Awaitable[list[Outcome]]:
        keyed = [one for one in commands if isinstance(one, Event) and one.key is not None]
        if not keyed or stopwatch() < self._rest_until:
            return self._submitter.submit(commands)
        return self._submit(commands, keyed)

    async def _submit(self, commands: Sequence[Command], keyed: Sequence[Event]) -> list[Outcome]:
        first: dict[int, Waiting] = {}
        try:
            found = await asyncio.wait_for(self._turns.join(keyed), ANSWER_S_MAX)
        except (Unavailable, TimeoutError) as failure:
            log.warning("the queue does not say which keys wait in it: %r", failure)
            self._rest_until = stopwatch() + REST_S
        else:
            pairs = zip(keyed, found, strict=True)
            first = {id(event): waiting for event, waiting in pairs if waiting is not None}
        if not first:
            return await self._submitter.submit(commands)
        named = [await self._named(command, first.get(id(command))) for command in commands]
        outcomes = await self._submitter.submit([one.command for one in named])
        return [
            replace(outcome, mismatch=True)
            if isinstance(outcome, Receipt) and one.differs(outcome)
            else outcome
            for one, outcome in zip(named, outcomes, strict=True)
        ]

    async def _named(self, command: Command, waiting: Waiting | None) -> Named:
        """Put what was sent first in the place of what was sent now: it has the key."""
        if waiting is None or not isinstance(command, Event):
            return Named(command)
        own = Named(
            replace(
                command,
                id=waiting.id,
                received_at=waiting.received_at,
                occurred_at=command.occurred_at if command.dated else waiting.received_at,
            )
        )
        if waiting.content == content_of(command):
            return own
        try:
            original = await self._lanes.original(command, waiting)
        except Unavailable:
            original = None
        # Decided meanwhile, or parked: the store knows the key, or learns of it now.
        if original is None:
            return own._replace(is_instead=True)
        return Named(original, mismatch=answer_to_twin(original, command).mismatch)
