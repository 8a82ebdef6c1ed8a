"""Deciding at once, past a queue: an event whose key waits there keeps its first name."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple, Protocol

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


class Decider(Submitter, Protocol):
    """A submitter that can be told of commands which may be decided already, under their ids."""

    def submit(
        self, commands: Sequence[Command], *, waited: bool = False
    ) -> Awaitable[list[Outcome]]: ...


class Named(NamedTuple):
    """A command as it is submitted, and whether it says other things than its key stands for."""

    command: Command
    mismatch: bool = False
    answer: Outcome | None = None
    """What is to be said at once; then nothing is submitted."""


class Ahead:
    """A submitter that lets nobody's key count twice because its event waits in a queue."""

    def __init__(self, submitter: Decider, lanes: Lanes) -> None:
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
        own = [one.command for one in named if one.answer is None]
        # A worker may have decided them, or somebody like us, so long ago that their keys are free.
        outcomes = iter(await self._submitter.submit(own, waited=True))
        return [one.answer or _told(next(outcomes), mismatch=one.mismatch) for one in named]

    async def _named(self, command: Command, waiting: Waiting | None) -> Named:
        """
        Put what was sent first in the place of what was sent now: it has the key.

        Only if that is parked, and something else was sent now, nothing is decided: whoever looks
        after it has still to say what becomes of it.
        """
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
            original = await self._lanes.original(command)
        except Unavailable as refusal:
            return own._replace(answer=refusal)
        if original is None:  # It was decided meanwhile, and the store knows it; or given up.
            return own
        receipt = answer_to_twin(original.event, command)
        if receipt.mismatch and original.is_parked:
            return own._replace(answer=receipt)
        return Named(original.event, mismatch=receipt.mismatch)


def _told(outcome: Outcome, *, mismatch: bool) -> Outcome:
    if mismatch and isinstance(outcome, Receipt):
        return replace(outcome, mismatch=True)
    return outcome
