"""Events from a file or a history, into the engine, a batch at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")

BATCH_EVENTS: Final = 500


def batches(items: Iterable[Item], size: int = BATCH_EVENTS) -> Iterator[list[Item]]:
    """
    Cut a stream into lists.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
