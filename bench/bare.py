"""The floors: the same rows in PostgreSQL and the same entries in Redis, by nothing but clients."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

import psutil
import psycopg

from bench.__main__ import cpu_s
from bench.installation import Installation
from laurels.store.postgres.connections import connect
from laurels.store.postgres.migrate import migrate

COPIED: Final = ("events", "journal", "postings")
KEPT: Final = {
    "receipts": "INSERT INTO receipts SELECT * FROM unnest($1::text[], $2::text[], $3::text[],"
    " $4::bytea[], $5::bigint[], $6::bigint[])"
    " ON CONFLICT (tenant, participant, operation, key) DO NOTHING",
    "participants": "INSERT INTO participants SELECT * FROM unnest($1::text[], $2::text[],"
    " $3::text[], $4::bigint[])"
    " ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state",
}
SINGLE: Final = "INSERT INTO events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
SOME: Final = "SELECT * FROM events LIMIT 2000"
ENTRIES: Final = 20_000
ENTRIES_AT_ONCE: Final = 100
ENTRY: Final = b"x" * 230

Row = tuple[Any, ...]
Commit = dict[str, list[Row]]


class Cost(NamedTuple):
    """Processor time of an event in microseconds: the client's, and the server's."""

    client: float
    server: float
    events_per_commit: float = 1

    @property
    def whole(self) -> float:
        return self.client + self.server


def rows(installation: Installation, after: int, events_max: int = 10_000) -> Cost:
    """Write the rows of a run into an empty database, in commits of the same size."""
    commits = _commits(installation, after, events_max)
    events = sum(len(commit["events"]) for commit in commits)

    def write(connection: psycopg.Connection[Any]) -> None:
        for commit in commits:
            connection.execute("BEGIN")
            for table in COPIED:
                with (
                    connection.cursor() as cursor,
                    cursor.copy(cast("Any", f"COPY {table} FROM STDIN")) as copy,
                ):
                    for row in commit[table]:
                        copy.write_row(row)
            for table, statement in KEPT.items():
                connection.execute(
                    cast("Any", statement),
                    [list(column) for column in zip(*commit[table], strict=True)],
                )
            connection.execute("COMMIT")

    client, server = _in_empty(installation, write)
    return Cost(client / events, server / events, events / len(commits))


def singles(installation: Installation) -> Cost:
    """Insert one row of an event a commit: as cheap as a single can be without sharing one."""
    with installation.connect() as reader:
        found = reader.execute(SOME).fetchall()

    def write(connection: psycopg.Connection[Any]) -> None:
        for row in found:
            connection.execute(SINGLE, row)

    client, server = _in_empty(installation, write)
    return Cost(client / len(found), server / len(found))


def entries(installation: Installation) -> tuple[Cost, Cost]:
    """Add entries to a stream, pipelined; read, acknowledge and delete them."""
    with installation.redis_client() as client:
        client.xgroup_create("floor", "all", mkstream=True)

        def add() -> None:
            for _ in range(ENTRIES // ENTRIES_AT_ONCE):
                pipeline = client.pipeline(transaction=False)
                for _ in range(ENTRIES_AT_ONCE):
                    pipeline.xadd("floor", {b"e": ENTRY})
                pipeline.execute()

        def take() -> None:
            for _ in range(ENTRIES // ENTRIES_AT_ONCE):
                told: Any = client.xreadgroup("all", "one", {"floor": ">"}, ENTRIES_AT_ONCE)
                ids = [entry for entry, _ in told[0][1]]
                pipeline = client.pipeline(transaction=False)
                pipeline.xack("floor", "all", *ids)
                pipeline.xdel("floor", *ids)
                pipeline.execute()

        costs = [_beside(installation.redis_pid, do) for do in (add, take)]
        client.delete("floor")
    added, taken = (Cost(mine / ENTRIES, its / ENTRIES) for mine, its in costs)
    return added, taken


def _in_empty(
    installation: Installation, write: Callable[[psycopg.Connection[Any]], None]
) -> tuple[float, float]:
    with installation.databases.database() as url, connect(url) as connection:
        migrate(connection)
        return _beside(connection.info.backend_pid, lambda: write(connection))


def _beside(pid: int, do: Callable[[], None]) -> tuple[float, float]:
    """Return what we and that process spend on something, in microseconds."""
    assert psutil.pid_exists(pid)
    its, mine = cpu_s(pid), time.process_time()
    do()
    return (time.process_time() - mine) * 1e6, (cpu_s(pid) - its) * 1e6


def _commits(installation: Installation, after: int, events_max: int) -> list[Commit]:
    """Return the rows of a run, parted as they were committed: a commit has one `recorded_at`."""
    span = (after, after + events_max)
    with installation.connect() as reader:
        events = _by(
            reader,
            1,
            "SELECT e.* FROM events AS e JOIN journal AS j ON j.tenant = e.tenant"
            " AND j.command = e.id WHERE j.number > %s AND j.number <= %s",
            span,
        )
        postings = _by(reader, 1, "SELECT * FROM postings WHERE number > %s AND number <= %s", span)
        receipts = _by(reader, 5, "SELECT * FROM receipts WHERE number > %s AND number <= %s", span)
        states = _by(reader, 1, "SELECT * FROM participants")
        journal = reader.execute(
            "SELECT * FROM journal WHERE number > %s AND number <= %s ORDER BY number", span
        ).fetchall()
    commits: dict[int, Commit] = {}
    for row in journal:
        commit = commits.setdefault(row[6], {table: [] for table in (*COPIED, *KEPT)})
        commit["journal"].append(row)
        commit["events"] += events.get(row[2], ())
        commit["postings"] += postings.get(row[1], ())
        commit["receipts"] += receipts.get(row[1], ())
        commit["participants"] += states.get(row[4], ())
    for commit in commits.values():
        commit["receipts"].sort()
        commit["participants"] = sorted(set(commit["participants"]))
    return list(commits.values())


def _by(
    reader: psycopg.Connection[Any], column: int, sql: str, span: Row = ()
) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in reader.execute(cast("Any", sql), span or None):
        found.setdefault(row[column], []).append(row)
    return found
