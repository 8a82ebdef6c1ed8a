"""Contests that end while everything goes wrong: who must win what, and who did."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path as File
from typing import Any, NamedTuple

from tests.e2e.load import RULEBOOK

from laurels import wiring

WORLD = "demo/live"
PRIZES = ((1, 1, 1000), (2, 10, 100), (11, 250, 10))
"""The first and the last rank, and what each of them wins."""
WINNERS = 250
MILLION = 1_000_000


class Cup(NamedTuple):
    id: str
    version: int
    """Of the rulebook that has it first."""
    ends: datetime


class Won(NamedTuple):
    cup: str
    participant: str
    rank: int
    gems: int


def announce(file: File, rulebook: File, cups: Sequence[Cup], ends: datetime) -> Cup:
    """Put a rulebook with one more contest in force, beside the server that may be running."""
    cup = Cup(f"cup-{len(cups)}", 0, ends)
    text = with_contests([*cups, cup])
    rulebook.write_text(text)
    with closing(wiring.open_store(f"sqlite:{file}")) as store:
        at = int(datetime.now(UTC).timestamp() * 1000)
        applied = wiring.apply_rulebook(store.registry, "demo", wiring.WORLDS, text, at)
    return cup._replace(version=applied[WORLD])


def with_contests(cups: Sequence[Cup]) -> str:
    """Return the rulebook of the load, and contests whose prizes are not in its points."""
    text = RULEBOOK.read_text("utf-8").replace("[points]", "[points, gem]")
    prizes = [
        {"ranks": f"{first}-{last}", "rewards": [{"currency": "gem", "amount": amount}]}
        for first, last, amount in PRIZES
    ]
    contests = [
        {
            "id": cup.id,
            "event": "walk",
            "score": {"sum": "km"},
            "starts": "2026-01-01",
            "ends": cup.ends.isoformat(),
            "grace_hours": 0,
            "prizes": prizes,
        }
        for cup in cups
    ]
    return f"{text}\ncontests: {json.dumps(contests)}\n"


def misjudged(file: File, cups: Sequence[Cup]) -> Iterator[str]:
    """Yield what is wrong with any contest that is completed by now, and who was paid twice."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        won = _won(connection)
        for (cup, participant), times in Counter(one[:2] for one in won).items():
            if times > 1:
                yield f"{participant} was paid {times} times by {cup}"
        completed = connection.execute("SELECT contest FROM contests WHERE completed_at")
        over = {contest for (contest,) in completed}
        for cup in cups:
            if cup.id in over:
                mine = sorted((one for one in won if one.cup == cup.id), key=lambda one: one.rank)
                yield from _misjudged(connection, cup, mine)


def _won(connection: sqlite3.Connection) -> list[Won]:
    """Return every prize that was paid, by the postings."""
    rows = connection.execute("""
        SELECT substr(operation, 7), participant, changes, amount
          FROM journal
          LEFT JOIN postings USING (tenant, number)
         WHERE operation LIKE 'prize:%'""")
    return [
        Won(cup, who, next(each["rank"] for each in json.loads(changes) if "rank" in each), gems)
        for cup, who, changes, gems in rows
        if json.loads(changes)
    ]


def _misjudged(connection: sqlite3.Connection, cup: Cup, won: list[Won]) -> Iterator[str]:
    due = final(connection, cup)
    ranked = sorted(due.items(), key=lambda one: (-one[1][0], one[1][1], one[0]))
    wins = [
        Won(cup.id, who, rank, gems)
        for rank, (who, _) in enumerate(ranked, 1)
        for first, last, gems in PRIZES
        if first <= rank <= last
    ]
    yield from (f"{one} was not paid" for one in wins if one not in won)
    yield from (f"{one} was paid, and not due" for one in won if one not in wins)
    rows = connection.execute(
        "SELECT participant, score, reached_at FROM standings WHERE board = ?", (cup.id,)
    )
    stand = {who: (score, at) for who, score, at in rows}
    for who in sorted(due.keys() | stand.keys()):
        if due.get(who) != stand.get(who):
            yield f"{who} stands in {cup.id} at {stand.get(who)}, and {due.get(who)} is due"


def final(connection: sqlite3.Connection, cup: Cup) -> dict[str, tuple[int, int]]:
    """Return each one's score and when it was reached, by what was taken before the closing."""
    ends = int(cup.ends.timestamp() * 1000)
    rows = connection.execute(
        """
        SELECT e.participant, SUM(e.properties ->> 'km') * ?, MAX(e.occurred_at)
          FROM events AS e
          JOIN journal AS j ON j.tenant = e.tenant AND j.command = e.id
         WHERE e.name = 'walk' AND e.occurred_at < ? AND j.version >= ?
           AND j.number < (SELECT number FROM journal WHERE operation = ?)
         GROUP BY e.participant""",
        (MILLION, ends, cup.version, f"close:{cup.id}"),
    )
    return {who: (score, at) for who, score, at in rows}


def stages(connection: sqlite3.Connection, after: int) -> tuple[int, Counter[str]]:
    """Return how far the journal goes, and what of contests it tells after a number."""
    rows: list[Any] = connection.execute(
        "SELECT number, operation FROM journal WHERE tenant = ? AND number > ? ORDER BY number",
        (WORLD, after),
    ).fetchall()
    seen = Counter(operation.partition(":")[0] for _, operation in rows)
    return (rows[-1][0] if rows else after), seen


def closed(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT COUNT(*) FROM contests").fetchone()[0]


def completed(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT COUNT(completed_at) FROM contests").fetchone()[0]
