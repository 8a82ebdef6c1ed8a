"""What the server counts of itself while it runs: plain numbers, for whoever may want to read."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from laurels.core.errors import Refusal
from laurels.engine.ports import Answerer, Outcome, Record

SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
DELIVERIES_TOLD_APART_MAX: Final = 200
"""Sources and statuses; what comes after so many is `other`."""
OTHER: Final = "other"


class Histogram:
    """How many values were at most so large, for each of some bounds; the last are the rest."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class OfRoute:
    """One route's replies by status, and how long they took."""

    __slots__ = ("seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.seconds = Histogram(SECONDS)


class Metrics:
    """
    Numbers that only rise, beside a few that stand for now.

    Each is written by one thread only, the one of the requests or the one that commits, so nothing
    is locked; whoever reads takes copies. No name that a caller can make up is kept.
    """

    def __init__(self) -> None:
        self.routes: defaultdict[str, OfRoute] = defaultdict(OfRoute)
        self.requests_refused: defaultdict[type[Refusal], int] = defaultdict(int)
        self.streams_open = 0
        self.deliveries: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.events_waiting: Callable[[], int] = int
        """Whoever gathers events says how many wait; nobody, none."""
        self.events_queued: Callable[[], int] = int
        """The same of a queue, as far as this process knows."""
        self.limits_shared: Callable[[], int] = int
        """Whether rate limits hold over several processes, as 1 or 0."""
        self.batch_sizes = Histogram(SIZES)
        self.commit_seconds = Histogram(SECONDS)
        self.commits_failed = 0
        self.commands: defaultdict[type, int] = defaultdict(int)
        self.commands_refused: defaultdict[type[Refusal], int] = defaultdict(int)
        self.changes: defaultdict[type, int] = defaultdict(int)
        self.replays: dict[Answerer, int] = {"cache": 0, "store": 0}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a reply; `seconds` until it was known, not until it was sent."""
        of_route = self.routes[route]
        of_route.statuses[status] += 1
        of_route.seconds.observe(seconds)

    def unrouted(self, place: str, status: int) -> None:
        """Count a reply that no route has given. The place is a word of ours, never a path."""
        self.routes[place].statuses[status] += 1

    def refused(self, refusal: Refusal) -> None:
        """Count a request that was refused as a whole."""
        self.requests_refused[type(refusal)] += 1

    def stream_opened(self) -> None:
        self.streams_open += 1

    def stream_closed(self) -> None:
        self.streams_open -= 1

    def delivery(self, source: str, status: str) -> None:
        """Count a delivery of an inbound webhook. The status is a word of ours, or a number."""
        name = (source, status)
        if name not in self.deliveries and len(self.deliveries) >= DELIVERIES_TOLD_APART_MAX:
            name = (OTHER, OTHER)
        self.deliveries[name] += 1

    def committed(
        self, seconds: float, records: Sequence[Record], outcomes: Sequence[Outcome]
    ) -> None:
        """Count a batch: what was decided, and what came of each command that was sent."""
        self.batch_sizes.observe(len(outcomes))
        self.commit_seconds.observe(seconds)
        commands, changes = self.commands, self.changes
        for record in records:
            commands[type(record.command)] += 1
            for change in record.remembered.receipt.changes:
                changes[type(change)] += 1
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                self.commands_refused[type(outcome)] += 1
            elif outcome.answered_by != "decision":
                self.replays[outcome.answered_by] += 1

    def failed(self) -> None:
        """Count a batch that could not be committed as a whole."""
        self.commits_failed += 1

    def recalled(self) -> None:
        """Count a replay out of memory."""
        self.replays["cache"] += 1
