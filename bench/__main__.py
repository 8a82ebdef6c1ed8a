"""`make bench`: rate, latency and CPU per event of each way to send events, each run checked."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click
import psutil

from bench import floor, load, rulebook
from laurels.store.sqlite.store import SqliteStore

KEY: Final = "bq_live_admin_" + "b" * 32
EVENTS: Final = "/api/v1/ingest/events"
SHAPES: Final = (
    load.Shape("single async", EVENTS, 1, 256, 40_000),
    load.Shape("batch of 100", f"{EVENTS}/batch", 100, 32, 200_000),
    load.Shape("sync", f"{EVENTS}/sync", 1, 256, 40_000),
)
GOALS: Final = {
    "single async": (14_000, 75),
    "batch of 100": (40_000, 28),
    "sync": (10_000, 90),
}
"""Events a second, and CPU µs per event of the server's whole process tree."""

WARM_UP_EVENTS: Final = 5_000


class Server(NamedTuple):
    process: subprocess.Popen[str]
    port: int
    store: Path
    key: str = KEY


class Row(NamedTuple):
    """One run of one shape."""

    shape: load.Shape
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    floor: floor.Floor


@click.command()
@click.option("--runs", default=3, show_default=True, help="Runs of each shape, interleaved.")
@click.option("--scale", default=1.0, show_default=True, help="Share of the usual events.")
def main(runs: int, scale: float) -> None:
    """Measure what an event costs. Server and clients share this machine's processors."""
    with (
        TemporaryDirectory(prefix="laurels-bench-") as name,
        serving(Path(name), rulebook.rules()) as server,
    ):
        say_conditions(Path(name))
        _warm_up(server)
        shapes = [shape._replace(events=int(shape.events * scale)) for shape in SHAPES]
        rows = [_run(shape, server, run) for run in range(runs) for shape in shapes]
    _say(rows)


@contextmanager
def serving(folder: Path, rulebook_json: bytes, **settings: str) -> Generator[Server]:
    """Serve a new store in a folder, with a rulebook."""
    rules = folder / "rulebook.json"
    rules.write_bytes(rulebook_json)
    store = folder / "laurels.db"
    command = [sys.executable, "-m", "laurels", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--store", f"sqlite:{store}", "--rulebook", str(rules)],
        env=os.environ | {"LAURELS_BOOTSTRAP_API_KEY": KEY} | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Server(process, _port(process), store)
    finally:
        process.terminate()
        process.wait()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if "http://" in line:
            return int(line.rpartition(":")[2])
    raise SystemExit("the server did not start")


def _warm_up(server: Server) -> None:
    shape = SHAPES[0]._replace(events=WARM_UP_EVENTS)
    load.run(shape, "127.0.0.1", server.port, KEY, seed=0)


def _run(shape: load.Shape, server: Server, run: int) -> Row:
    head, earned = _totals(server.store)
    before_s = cpu_s(server.process.pid)
    measured = load.run(shape, "127.0.0.1", server.port, KEY, seed=run + 1)
    spent_s = cpu_s(server.process.pid) - before_s
    _check(shape, server.store, measured, head, earned)
    latencies = measured.latencies_s
    return Row(
        shape,
        shape.events / measured.seconds,
        latencies[len(latencies) // 2] * 1000,
        latencies[len(latencies) * 99 // 100] * 1000,
        spent_s * 1e6 / shape.events,
        floor.measure(server.store, head, server.store.parent),
    )


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and of all its children, those that ended too."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def _totals(store: Path) -> tuple[int, int]:
    """Return how many events are stored, and what earn rules have paid for them."""
    reader = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    (events,) = reader.execute("SELECT COUNT(*) FROM events").fetchone()
    (earned,) = reader.execute(
        "SELECT COALESCE(SUM(amount), 0) FROM postings WHERE rule LIKE 'earn-%'"
    ).fetchone()
    reader.close()
    return events, earned


def _check(shape: load.Shape, path: Path, measured: load.Measured, head: int, earned: int) -> None:
    """Void the benchmark unless all that was acknowledged is stored and the ledger adds up."""
    events, points = _totals(path)
    assert measured.acknowledged == shape.events, "not every event was accepted"
    assert events - head == shape.events, "stored is not what was acknowledged"
    assert points - earned == measured.points, "the ledger is not what the events earn"
    verify(path)


def verify(path: Path) -> None:
    store = SqliteStore(path)
    findings = list(store.verify())
    store.close()
    assert not findings, findings


def say_conditions(folder: Path) -> None:
    flushes = floor.flush_ms(folder)
    click.echo(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, SQLite "
        f"{sqlite3.sqlite_version} synchronous=FULL; fsync p50 {flushes[25]:.2f} ms, "
        f"p99 {flushes[-1]:.2f} ms; 100 rules, {load.PARTICIPANTS} participants "
        "touched by 10 of them each"
    )


def _say(rows: list[Row]) -> None:
    """Print a line a shape: medians, and the least CPU, which other load disturbs least."""
    click.echo(
        f"{'':13} {'events/s':>9} {'goal':>7} {'p50 ms':>7} {'p99 ms':>7} "
        f"{'CPU µs':>7} {'least':>6} {'goal':>5} {'floor µs':>9} {'floor/ours':>10} {'a commit':>9}"
    )
    for name, (rate_goal, cpu_goal) in GOALS.items():
        runs = [row for row in rows if row.shape.name == name]
        cpu = median(row.cpu_us for row in runs)
        bare = median(row.floor.cpu_us for row in runs)
        click.echo(
            f"{name:13} {median(row.rate for row in runs):9,.0f} {rate_goal:7,} "
            f"{median(row.p50_ms for row in runs):7.1f} {median(row.p99_ms for row in runs):7.1f} "
            f"{cpu:7.1f} {min(row.cpu_us for row in runs):6.1f} {cpu_goal:5} {bare:9.1f} "
            f"{bare / cpu:10.0%} {median(row.floor.events_per_commit for row in runs):9.0f}"
        )
    click.echo("After each run: stored = acknowledged, earned = expected, verify clean.")


if __name__ == "__main__":
    main()
