"""What a shop's customers ask, and what its books say: read from the file, without the server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path as File
from typing import Any, NamedTuple

from tests.e2e.wire import API_KEY, spell

CATALOGUE = File(__file__).parent / "rewards.yaml"
BASE = "/api/v1/gamify"

MOVES = """
    SELECT number, position, target AS account, amount FROM postings
     UNION ALL
    SELECT number, position, source, -amount FROM postings"""


class Ask(NamedTuple):
    """A request: where it goes, below `/gamify` unless it says otherwise, and its body."""

    path: str
    body: dict[str, Any]

    def spelled(self) -> bytes:
        path = self.path if self.path.startswith("/api") else BASE + self.path
        return spell(path, self.body, f"x-api-key: {API_KEY}")


def points(move: str, who: str, amount: int | None = None, key: str | None = None) -> Ask:
    """Ask for points by hand: `award`, `deduct`, `holds`, or `holds/` and what to do with one."""
    return Ask(f"/points/{move}", about(who, key, amount=amount))


def claim(reward: str, who: str, key: str | None = None) -> Ask:
    return Ask(f"/rewards/{reward}/claim", about(who, key, points_deduction=True))


def about(who: str, key: str | None, **more: object) -> dict[str, Any]:
    body = {"participant_id": who, "idempotency_key": key, **more}
    return {name: value for name, value in body.items() if value is not None}


class Books(NamedTuple):
    """What a file holds."""

    balances: dict[str, int]
    held: dict[str, int]
    given: list[tuple[str, str, str]]
    """Each code that was given out: (reward, code, participant)."""
    done: list[tuple[str, str]]
    """Each command of the journal but ticks: (operation, id)."""
    overdrawn: list[str]
    """Accounts that were below zero at any time."""


def books(file: File) -> Books:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")

        def rows(sql: str) -> list[Any]:
            return connection.execute(sql).fetchall()

        sums = f"SELECT account, SUM(amount) FROM ({MOVES}) GROUP BY account"
        accounts = dict(rows(sums))
        running = f"""
            SELECT account, SUM(amount) OVER (PARTITION BY account ORDER BY number, position) AS has
              FROM ({MOVES})
             WHERE account NOT LIKE '@%'"""
        return Books(
            balances=_of("p:", accounts),
            held=_of("h:", accounts),
            given=rows("""
                SELECT reward, code, participant FROM claims JOIN codes USING (tenant, reward, number)
                 WHERE has_code"""),
            done=rows("SELECT operation, command FROM journal WHERE operation <> 'tick'"),
            overdrawn=[one for (one,) in rows(f"SELECT account FROM ({running}) WHERE has < 0")],
        )


def _of(kind: str, accounts: dict[str, int]) -> dict[str, int]:
    """Return the accounts of a kind that are not empty, by participant."""
    return {name[2:]: has for name, has in accounts.items() if has and name.startswith(kind)}


def doubled(held: Books) -> Iterator[str]:
    """Yield what no shop may do, whatever it was asked."""
    seen: set[tuple[str, str]] = set()
    for reward, code, who in held.given:
        if (reward, code) in seen:
            yield f"the code {code} of {reward} was given twice, lastly to {who}"
        seen.add((reward, code))
    yield from (f"{account} was below zero" for account in sorted(set(held.overdrawn)))
