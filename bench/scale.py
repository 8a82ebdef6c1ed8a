"""
`python -m bench.scale`: what an event costs on PostgreSQL, and through Redis with workers.

CPU is that of all processes together: servers, workers, PostgreSQL with its backends, Redis.
"""

import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click

from bench import bare, floor, load, steady
from bench.__main__ import KEY
from bench.installation import Installation, Spent

HOST: Final = "127.0.0.1"
EVENTS: Final = "/api/v1/ingest/events"
WARM_UP: Final = load.Shape("warm-up", f"{EVENTS}/batch", 100, 32, 10_000)
DIRECT: Final = (
    load.Shape("single async", EVENTS, 1, 256, 10_000),
    load.Shape("batch of 100", f"{EVENTS}/batch", 100, 32, 20_000),
    load.Shape("sync", f"{EVENTS}/sync", 1, 256, 10_000),
)
ACCEPTED: Final = load.Shape("accepted, single", EVENTS, 1, 256, 10_000)
FILL: Final = load.Shape("accepted, batch of 100", f"{EVENTS}/batch", 100, 32, 15_000)
THROUGH: Final = load.Shape("accepted and decided", EVENTS, 1, 256, 10_000)
GOALS: Final = {
    "single async": "130 µs",
    "batch of 100": "45 µs",
    "accepted and decided": "120 µs",
    "drained by 1": "10,000 events/s",
    "drained by 2": "1.5 times one's rate, or the CPU of one",
}
STEADY_S: Final = 4.0
DECIDED_S_MAX: Final = 60
LOOK_EVERY_S: Final = 0.01


class Row(NamedTuple):
    """One run: events a second, latencies of the answers, CPU µs an event."""

    name: str
    rate: float
    spent: Spent
    p50_ms: float = 0
    p99_ms: float = 0


class Latencies(NamedTuple):
    """At a steady rate, in milliseconds: until the answer, and from there to the journal."""

    rate: float
    accepted_p50: float
    accepted_p99: float
    visible_p50: float
    visible_p99: float


class Bench:
    """One installation, to which events are sent; what became of them is looked at each time."""

    def __init__(self, installation: Installation, port: int, seed: int, scale: float) -> None:
        self._installation = installation
        self._port = port
        self._seed = seed
        self._scale = scale
        self._totals = installation.totals()

    def send(self, shape: load.Shape) -> Row:
        """Send and be answered. What is only accepted is not stored yet."""
        shape = shape._replace(events=int(shape.events * self._scale))
        before = self._installation.spent()
        measured = load.run(shape, HOST, self._port, KEY, seed=self._next_seed())
        spent = self._installation.spent().since(before)
        assert measured.acknowledged == shape.events, "not every event was accepted"
        self._expect(shape.events, measured.points)
        p50_s, p99_s = percentiles(measured.latencies_s)
        rate = shape.events / measured.seconds
        return Row(shape.name, rate, spent.each(shape.events), p50_s * 1000, p99_s * 1000)

    def through(self, shape: load.Shape) -> Row:
        """Send while workers decide, until the last event is decided."""
        before, begun = self._installation.spent(), time.perf_counter()
        sent = self.send(shape)
        self._until(self._totals.events)
        spent = self._installation.spent().since(before)
        count = int(shape.events * self._scale)
        return sent._replace(rate=count / (time.perf_counter() - begun), spent=spent.each(count))

    def drain(self, workers: int) -> Row:
        """Let workers come to what lies in the queue. What they need to start is not counted."""
        head, last = self._installation.head(), self._totals.events
        self._installation.work(workers)
        first = self._until(head + 1)
        before, begun = self._installation.spent(), time.perf_counter()
        self._until(last)
        seconds = time.perf_counter() - begun
        spent = self._installation.spent().since(before).each(last - first)
        return Row(f"drained by {workers}", (last - first) / seconds, spent)

    def steady(self, rate: float) -> Latencies:
        """Send at a steady rate while workers decide."""
        found = steady.run(
            self._installation.url,
            self._port,
            KEY,
            rate=rate,
            seconds=STEADY_S * self._scale,
            seed=self._next_seed(),
        )
        self._expect(len(found.accepted_s), found.points)
        seconds = *percentiles(found.accepted_s), *percentiles(found.visible_s)
        return Latencies(rate, *(one * 1000 for one in seconds))

    def check(self) -> None:
        """Void it all unless what was acknowledged is stored, and the ledger adds up."""
        self._until(self._totals.events)
        found = self._installation.totals()
        assert found == self._totals, f"stored is {found}, acknowledged was {self._totals}"
        self._installation.verify()

    def _expect(self, events: int, points: int) -> None:
        totals = self._totals
        self._totals = totals._replace(events=totals.events + events, earned=totals.earned + points)

    def _until(self, head: int) -> int:
        """Wait until so many events are decided; return how many are."""
        until = time.monotonic() + DECIDED_S_MAX
        while (now := self._installation.head()) < head:
            assert time.monotonic() < until, f"{now} of {head} events were decided"
            time.sleep(LOOK_EVERY_S)
        return now

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed


def percentiles(sorted_s: list[float]) -> tuple[float, float]:
    return sorted_s[len(sorted_s) // 2], sorted_s[len(sorted_s) * 99 // 100]


def direct(installation: Installation, run: int, scale: float) -> list[Row]:
    """Decide before the answer: a server on PostgreSQL alone."""
    bench = Bench(installation, installation.serve(queued=False), 100 * run, scale)
    bench.send(WARM_UP)
    rows: list[Row] = []
    for shape in DIRECT:
        rows.append(bench.send(shape))
        bench.check()
    installation.stop_servers()
    return rows


def queued(installation: Installation, run: int, scale: float) -> tuple[list[Row], Latencies]:
    """Accept through Redis, let workers decide, and do both at once."""
    bench = Bench(installation, installation.serve(queued=True), 100 * run + 50, scale)
    rows: list[Row] = []
    for workers, shapes in ((1, (ACCEPTED, FILL)), (2, (FILL._replace(name=""),))):
        rows += [bench.send(shape) for shape in shapes]
        rows.append(bench.drain(workers))
        bench.check()
        installation.stop_workers()
    installation.work(1)
    rows.append(bench.through(THROUGH))
    bench.check()
    latencies = bench.steady(rows[-1].rate / 2)
    bench.check()
    installation.stop_workers()
    installation.stop_servers()
    return [row for row in rows if row.name], latencies


@click.command()
@click.option("--runs", default=1, show_default=True, help="Runs of everything, in turn.")
@click.option("--scale", default=1.0, show_default=True, help="Share of the usual events.")
def main(runs: int, scale: float) -> None:
    """Measure PostgreSQL and Redis. All processes and the clients share this machine."""
    rows: list[Row] = []
    latencies: list[Latencies] = []
    with TemporaryDirectory(prefix="laurels-bench-") as name, Installation(Path(name)) as all_:
        say_conditions(all_, Path(name))
        head = 0
        for run in range(runs):
            rows += direct(all_, run, scale)
            head = all_.head()
            found, latency = queued(all_, run, scale)
            rows += found
            latencies.append(latency)
        say(rows)
        say_latencies(latencies)
        say_floors(all_, head)


def say_conditions(installation: Installation, folder: Path) -> None:
    flushes = floor.flush_ms(folder)
    click.echo(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
        f"{installation.say_versions()}; fsync p50 {flushes[25]:.2f} ms; "
        f"100 rules, {load.PARTICIPANTS} participants touched by 10 of them each"
    )


def say(rows: list[Row]) -> None:
    """Print a line a shape, with medians of all runs, and the least CPU."""
    click.echo(
        f"{'':22} {'events/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'CPU µs':>7} {'least':>6} "
        f"{'serve':>6} {'work':>6} {'PostgreSQL':>10} {'Redis':>6}  goal"
    )
    for name in dict.fromkeys(row.name for row in rows):
        runs = [row for row in rows if row.name == name]
        spent = Spent(*(median(each) for each in zip(*(row.spent for row in runs), strict=True)))
        click.echo(
            f"{name:22} {median(row.rate for row in runs):9,.0f} "
            f"{median(row.p50_ms for row in runs):7.1f} {median(row.p99_ms for row in runs):7.1f} "
            f"{median(row.spent.whole for row in runs):7.1f} "
            f"{min(row.spent.whole for row in runs):6.1f} {spent.serve:6.1f} {spent.work:6.1f} "
            f"{spent.postgres:10.1f} {spent.redis:6.1f}  {GOALS.get(name, '')}"
        )
    click.echo("After each run: stored = acknowledged, earned = expected, verify clean.")


def say_latencies(runs: list[Latencies]) -> None:
    rate, *ms = (median(each) for each in zip(*runs, strict=True))
    click.echo(
        f"At a steady {rate:,.0f} events/s, half of what went all the way: "
        f"accepted p50 {ms[0]:.1f} ms, p99 {ms[1]:.1f} ms (goal 10); "
        f"from there to visible p50 {ms[2]:.1f} ms, p99 {ms[3]:.1f} ms (goal 100)."
    )


def say_floors(installation: Installation, after: int) -> None:
    """Print what the same comes to with nothing but a client; CPU µs, client and server."""
    added, taken = bare.entries(installation)
    drained = bare.rows(installation, after)
    for name, cost in {
        "an event's row, inserted and committed alone": bare.singles(installation),
        f"all rows of an event, {drained.events_per_commit:.0f} events a commit": drained,
        "an entry added to a stream, 100 a round trip": added,
        "an entry read, acknowledged and deleted": taken,
    }.items():
        click.echo(f"bare: {name}: {cost.whole:.1f} ({cost.client:.1f} + {cost.server:.1f})")


if __name__ == "__main__":
    main()
