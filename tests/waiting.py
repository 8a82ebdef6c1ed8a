"""Waiting for what must come: it is looked for again and again, and not for ever."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 30
LOOK_EVERY_S: Final = 0.005


def until(is_so: Callable[[], Any]) -> Any:
    """Wait, in a thread, until something is so; return what it was asked to tell."""
    patience = time.monotonic() + PATIENCE_S
    while not (answer := is_so()):
        assert time.monotonic() < patience, "it never came to be"
        time.sleep(LOOK_EVERY_S)
    return answer


async def until_so(is_so: Callable[[], object]) -> None:
    """Wait, on a loop, until something is so."""
    patience = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < patience, "it never came to be"
        await asyncio.sleep(LOOK_EVERY_S)
