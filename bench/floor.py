"""The floor: the rows that a run wrote, inserted again by nothing but SQLite itself."""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from laurels.store.sqlite.connections import PRAGMAS
from laurels.store.sqlite.migrate import migrate

INSERTS: Final = {
    "events": "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "journal": "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "postings": "INSERT INTO postings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "receipts": "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)",
    "participants": "INSERT OR REPLACE INTO participants VALUES (?, ?, ?, ?)",
}

Commit = dict[str, list[tuple[Any, ...]]]


class Floor(NamedTuple):
    """What the bare rows cost, and how many events shared a commit."""

    cpu_us: float
    events_per_commit: float


def measure(store: Path, after: int, folder: Path) -> Floor:
    """Write the rows of every journal number past `after` into an empty file, in equal commits."""
    commits = _commits(store, after)
    target = folder / f"floor-{after}.db"
    connection = sqlite3.connect(target, isolation_level=None)
    connection.executescript(PRAGMAS)
    migrate(connection)
    began = time.process_time()
    for commit in commits:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in commit.items():
            connection.executemany(INSERTS[table], rows)
        connection.execute("COMMIT")
    cpu_s = time.process_time() - began
    connection.close()
    events = sum(len(commit["events"]) for commit in commits)
    return Floor(cpu_s * 1e6 / events, events / len(commits))


def _commits(store: Path, after: int) -> list[Commit]:
    """Return the rows of a run, parted as they were committed: a commit has one `recorded_at`."""
    reader = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    events = {row[1]: row for row in reader.execute("SELECT * FROM events")}
    states = {row[1]: row for row in reader.execute("SELECT * FROM participants")}
    postings = _by_number(reader, "SELECT * FROM postings WHERE number > ?", after, 1)
    receipts = _by_number(reader, "SELECT * FROM receipts WHERE number > ?", after, 5)
    commits: dict[int, Commit] = {}
    for row in reader.execute("SELECT * FROM journal WHERE number > ? ORDER BY number", (after,)):
        commit = commits.setdefault(row[6], {table: [] for table in INSERTS})
        commit["events"].append(events[row[2]])
        commit["journal"].append(row)
        commit["postings"] += postings.get(row[1], ())
        commit["receipts"] += receipts.get(row[1], ())
        commit["participants"].append(states[row[4]])
    reader.close()
    for commit in commits.values():
        commit["receipts"].sort()
        commit["participants"] = sorted(set(commit["participants"]))
    return list(commits.values())


def _by_number(
    reader: sqlite3.Connection, sql: str, after: int, column: int
) -> dict[int, list[tuple[Any, ...]]]:
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for row in reader.execute(sql, (after,)):
        rows.setdefault(row[column], []).append(row)
    return rows


def flush_ms(folder: Path, times: int = 50) -> Sequence[float]:
    """Return how long the disk takes to flush 4 KiB, shortest first."""
    taken: list[float] = []
    with (folder / "flush").open("wb") as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)
