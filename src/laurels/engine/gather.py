"""Gathers what waits at the same moment into one batch, for the one thread that writes."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import NamedTuple

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.errors import Refusal, Unavailable
from laurels.engine.engine import Engine
from laurels.engine.ports import Outcome, Receipt

log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """One request's commands, and the future that its answer is awaited by."""

    commands: Sequence[Command]
    answer: asyncio.Future[list[Outcome]]
    waited: bool = False


class Gather:
    """
    The async edge of the engine. Made and used on one event loop.

    The writer takes whatever has come in since it last looked: no request waits for a timer, and
    the busier the server is the more events share a commit.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[Asked | None] = SimpleQueue()
        self._events_waiting = 0
        self._is_closing = False
        self._thread = threading.Thread(target=self._write, name="laurels-writer", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Finish what waits, then stop; where the store is away, do not try again and again."""
        self._is_closing = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def events_waiting(self) -> int:
        return self._events_waiting

    def submit(
        self, commands: Sequence[Command], *, waited: bool = False
    ) -> "asyncio.Future[list[Outcome]]":
        """
        Await one outcome a command, in order, once all of them are committed.

        Those that `waited` may have been decided by somebody else, under the ids they carry.
        """
        if self._events_waiting + len(commands) > limits.WAITING_EVENTS_MAX:
            raise Unavailable("Too many events are waiting to be written; try again.")
        self._events_waiting += len(commands)
        answer = self._loop.create_future()
        self._queue.put(Asked(commands, answer, waited))
        return answer

    async def recall(self, command: Command) -> Receipt | None:
        """Return what the engine remembers; nobody waits for that."""
        return self._engine.recall(command)

    def _write(self) -> None:
        while gathered := self._gather():
            for waited, group in groupby(gathered, key=attrgetter("waited")):
                asked = list(group)
                result = self._submit(asked, waited=waited)
                if self._is_closing and isinstance(result, Unavailable):
                    asked += self._rest()
                self._loop.call_soon_threadsafe(self._answer, asked, result)

    def _gather(self) -> list[Asked]:
        """
        Wait for a first request, then take those behind it, up to the size of a batch.

        Returns nothing when it is time to stop.
        """
        gathered: list[Asked] = []
        events = 0
        waiting = self._queue.get()
        try:
            while waiting is not None:
                gathered.append(waiting)
                events += len(waiting.commands)
                if events >= limits.GATHERED_EVENTS_MAX:
                    return gathered
                waiting = self._queue.get_nowait()
        except Empty:
            return gathered
        if gathered:
            self._queue.put(None)  # Stop at the next look; these are still to be written.
        return gathered

    def _rest(self) -> list[Asked]:
        """Take all that still waits, at the end."""
        rest: list[Asked] = []
        while (waiting := self._queue.get()) is not None:
            rest.append(waiting)
        self._queue.put(None)
        return rest

    def _submit(self, gathered: list[Asked], *, waited: bool) -> list[Outcome] | Exception:
        commands = [command for one in gathered for command in one.commands]
        try:
            return self._engine.submit(commands, waited=waited)
        except Exception as failure:
            if not isinstance(failure, Refusal):
                log.exception("a batch of %d failed", len(commands))
            return failure

    def _answer(self, gathered: list[Asked], result: list[Outcome] | Exception) -> None:
        """Resolve a whole batch in one turn of the loop. Runs on the loop's own thread."""
        position = 0
        for commands, answer, _ in gathered:
            end = position + len(commands)
            self._events_waiting -= len(commands)
            if answer.done():  # The caller went away; what it sent is kept all the same.
                pass
            elif isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result[position:end])
            position = end
