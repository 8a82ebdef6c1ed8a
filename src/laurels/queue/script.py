"""Calls of our Lua scripts, many in one round trip, and what a caller hears without an answer."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from laurels import calls as floor
from laurels.calls import Call, plain
from laurels.core.errors import Unavailable
from laurels.link import ANSWER_S_MAX, FAILURES, BlockingLink, Link

__all__ = ["Call", "Script", "ask", "ask_blocking", "plain", "together", "unavailable"]


class Script(floor.Script):
    """
    One file of this folder.

    A Redis that is full refuses a script whose first write may need memory, but nothing after
    another write: so whatever empties the queue begins with one that needs none.
    """

    def __init__(self, name: str) -> None:
        super().__init__("laurels.queue", name)


def together(link: "Link | BlockingLink", lanes: Iterable[int]) -> list[list[int]]:
    """Group lanes that one call may be about: on a cluster each lane lies somewhere else."""
    return floor.together(link, lanes, lambda lane: lane)


async def ask(link: Link, calls: Sequence[Call]) -> list[Any]:
    """
    Make calls in one round trip. What one of them ran into stands in place of its answer.

    Raises Unavailable when there was no answer at all.
    """
    try:
        # A cluster is tried again and again, each time for as long as an answer may take.
        async with asyncio.timeout(ANSWER_S_MAX):
            return await floor.ask(link, calls)
    except FAILURES as failure:
        raise unavailable(failure) from failure


def ask_blocking(link: BlockingLink, calls: Sequence[Call]) -> list[Any]:
    """Make calls in one round trip. Raises Unavailable when any of them failed."""
    try:
        return floor.sound(floor.ask_blocking(link, calls))
    except FAILURES as failure:
        raise unavailable(failure) from failure


def unavailable(failure: Exception) -> Unavailable:
    """What the server's own words are is for our log, not for a caller."""
    refusal = Unavailable("The queue cannot be asked; try again.")
    refusal.__cause__ = failure
    return refusal
