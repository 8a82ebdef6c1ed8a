"""What comes in one turn of the event loop, or while others are under way, goes on together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from laurels.core import limits
from laurels.core.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Turns(Generic[Item, Answer]):
    """
    Gathers items for work that is cheaper for many at once. Made and used on one event loop.

    One piece of work is under way at a time, so items are worked on in the order in which they
    came, and the busier it is the more of them share a round trip. `work` answers each item.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], *, at_once_max: int
    ) -> None:
        self._work = work
        self._at_once_max = at_once_max
        self._groups: list[tuple[Sequence[Item], asyncio.Future[list[Answer]]]] = []
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return self._waiting

    def join(self, items: Sequence[Item]) -> "asyncio.Future[list[Answer]]":
        """Await one answer an item, in order."""
        if self._waiting + len(items) > limits.WAITING_EVENTS_MAX:
            raise Unavailable("Too many events are waiting to be queued; try again.")
        answer: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._groups.append((items, answer))
        self._waiting += len(items)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return answer

    async def _run(self) -> None:
        while self._groups:
            groups = self._take()
            items = [item for group, _ in groups for item in group]
            result: Sequence[Answer] | Exception
            try:
                result = await self._work(items)
            except Exception as failure:  # noqa: BLE001 - whoever waits is told, whatever it is
                result = failure
            self._waiting -= len(items)
            _answer(groups, result)

    def _take(self) -> list[tuple[Sequence[Item], "asyncio.Future[list[Answer]]"]]:
        count = taken = 0
        for items, _ in self._groups:
            if taken and count + len(items) > self._at_once_max:
                break
            count += len(items)
            taken += 1
        groups, self._groups = self._groups[:taken], self._groups[taken:]
        return groups


def _answer(
    groups: Sequence[tuple[Sequence[Item], "asyncio.Future[list[Answer]]"]],
    result: Sequence[Answer] | Exception,
) -> None:
    position = 0
    for items, answer in groups:
        end = position + len(items)
        if answer.done():  # The caller went away; what it sent is kept all the same.
            pass
        elif isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(list(result[position:end]))
        position = end
