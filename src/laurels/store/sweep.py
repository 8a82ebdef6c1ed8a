"""Deletes expired receipts, a slice at a time, behind live traffic."""

from typing import Final

from laurels.core.event import Instant
from laurels.store.hand import Hand

ROWS_PER_STEP: Final = 2_000

Place = tuple[str, str, bytes]
BEGINNING: Final[Place] = ("", "", b"")


class Sweep:
    """A broom that walks the receipts in the order of their key: they need no index by age."""

    def __init__(self) -> None:
        self._world = ""
        self._place = BEGINNING

    def step(self, writer: Hand, before: Instant) -> None:
        """Look at the next slice of one world, and delete what was received before."""
        world = self._next_world(writer)
        if world is None:
            return
        rows = writer.run("next_receipts", world, *self._place, ROWS_PER_STEP).fetchall()
        writer.many(
            "delete_receipts",
            [(world, *place, before) for *place, received_at in rows if received_at < before],
        )
        if len(rows) < ROWS_PER_STEP:  # This world is done.
            self._world, self._place = world, BEGINNING
        else:
            self._place = rows[-1][:3]

    def _next_world(self, writer: Hand) -> str | None:
        worlds = [world for (world,) in writer.run("all_worlds")]
        return next((world for world in worlds if world > self._world), next(iter(worlds), None))
