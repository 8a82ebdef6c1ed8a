"""Figures of accepted events: those of batches are added up by the hour, and a read adds both."""

from typing import Final

from msgspec.structs import replace

from laurels.core import limits, ulid
from laurels.core.event import Instant, TenantId
from laurels.core.window import HOUR_MS
from laurels.engine.answers import Analytics, AnalyticsAsked, Figures
from laurels.store.hand import Connections, Hand

ROWS_PER_STEP: Final = 2_000
"""How many rows are merged at once: a few milliseconds in which no batch is written."""


class Merge:
    """
    Adds up the rows of batches by the hour, a slice at a time, behind live traffic.

    Each slice is added and deleted in one transaction, so it does not matter who does it, nor how
    often.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._world: TenantId = ""
        self._is_cut = False

    def step(self) -> bool:
        """Merge a slice of the worlds whose turn it is; say whether more rows wait."""
        left = ROWS_PER_STEP
        with self._connections.writing() as writer:
            writer.lock("analytics")
            while left > 0:
                (world,) = writer.run("next_unmerged", self._world).fetchone()
                if world is not None:
                    left -= _merge(writer, world, left)
                    self._world = world
                elif self._is_cut:  # All have had their turn, and somebody needs another.
                    self._world, self._is_cut = "", False
                else:
                    self._world = ""
                    return False
        self._is_cut = True
        return True


def _merge(writer: Hand, world: TenantId, count: int) -> int:
    merged, last = writer.run("unmerged_slice", world, count).fetchone()
    writer.run("merge_figures", world, last)
    writer.run("delete_merged", world, last)
    return merged


def read_analytics(reader: Hand, tenant: TenantId, asked: AnalyticsAsked) -> Analytics:
    """Read figures within the snapshot that the reader has begun."""
    total, rows = _figures(reader, tenant, asked)
    has_more = len(rows) > limits.FIGURES_MAX
    rows = rows[: limits.FIGURES_MAX]
    is_unique = asked.unique and total.events <= limits.UNIQUE_EVENTS_MAX
    if is_unique:
        total, rows = _with_participants(reader, tenant, asked, total, rows)
    return Analytics(total, rows, has_more, is_unique)


def _figures(
    reader: Hand, tenant: TenantId, asked: AnalyticsAsked
) -> tuple[Figures, list[Figures]]:
    """Return the total, and one row more than is told of, if there are so many."""
    total, rows = Figures(None, None, 0, 0, 0, 0), list[Figures]()
    within = (asked.by, tenant, asked.since, asked.until, asked.name, limits.FIGURES_MAX + 1)
    for name, hour, *figures in reader.run("figures", *within):
        rows.append(_to_figures(name, hour, *figures[:4]))
        total = _to_figures(None, None, *figures[4:])
    return total, rows


def _to_figures(name: str | None, hour: int | None, *sums: float) -> Figures:
    """Return one row, with the mean of the lag in place of its sum."""
    events, lag_ms, lag_ms_max, changes = sums
    mean = int(lag_ms / events + 0.5)
    return Figures(name, _moment(hour), int(events), mean, int(lag_ms_max), int(changes))


def _moment(hour: int | None) -> Instant | None:
    return None if hour is None else hour * HOUR_MS


def _with_participants(
    reader: Hand,
    tenant: TenantId,
    asked: AnalyticsAsked,
    total: Figures,
    rows: list[Figures],
) -> tuple[Figures, list[Figures]]:
    ends = (ulid.time_part(hour * HOUR_MS) for hour in (asked.since, asked.until))
    within = (tenant, *ends, asked.name)
    (count,) = reader.run("unique_participants", *within).fetchone()
    counted = {(row.name, row.at): 0 for row in rows}
    found = reader.run("unique_participants_by", asked.by, *within)
    for name, hour, participants in found:
        place = name, _moment(hour)
        if place in counted:  # There may be more names than are told of.
            counted[place] = participants
    total = replace(total, participants=count)
    return total, [replace(row, participants=counted[row.name, row.at]) for row in rows]
