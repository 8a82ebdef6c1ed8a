"""Deletes expired receipts, a slice at a time, behind live traffic."""

from typing import Final

from laurels.core.event import Instant
from laurels.store.hand import Connections, Hand

ROWS_PER_STEP: Final = 2_000
WORTH_GOING_ON: Final = 1 / 4
"""What part of a slice has to be expired for the next one to be looked at at once."""

Place = tuple[str, str, bytes]
BEGINNING: Final[Place] = ("", "", b"")


class Sweep:
    """A broom that walks the receipts in the order of their key: they need no index by age."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._world = ""
        self._place = BEGINNING

    def step(self, before: Instant) -> bool:
        """
        Look at the next slice of one world, and delete what was received before.

        Says whether that was so much that more of it must lie around. Nobody who writes has to wait
        while we look.
        """
        with self._connections.reading() as reader:
            world = self._next_world(reader)
            if world is None:
                return False
            rows = reader.run("next_receipts", world, *self._place, ROWS_PER_STEP).fetchall()
        expired = [(world, *place, before) for *place, received_at in rows if received_at < before]
        if expired:
            with self._connections.writing() as writer:
                writer.many("delete_receipts", expired)
        if len(rows) < ROWS_PER_STEP:  # This world is done.
            self._world, self._place = world, BEGINNING
        else:
            self._place = rows[-1][:3]
        return len(expired) > ROWS_PER_STEP * WORTH_GOING_ON

    def _next_world(self, reader: Hand) -> str | None:
        worlds = [world for (world,) in reader.run("all_worlds")]
        return next((world for world in worlds if world > self._world), next(iter(worlds), None))
