"""What a shop's customers ask, and what its books say: read from the store, without the server."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any, NamedTuple

from tests.e2e.rows import Place, rows
from tests.e2e.wire import API_KEY, spell

CATALOGUE = File(__file__).parent / "rewards.yaml"
BASE = "/api/v1/gamify"

MOVES = """
    SELECT number, position, target AS account, amount FROM postings WHERE {after}
     UNION ALL
    SELECT number, position, source, -amount FROM postings WHERE {after}"""
RUNNING = """
    SELECT account, SUM(amount) OVER (PARTITION BY account ORDER BY number, position) AS has
      FROM ({moves}) AS moves
     WHERE account NOT LIKE '@%'"""


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


def about(who: str, key: str | None = None, **more: object) -> dict[str, Any]:
    body = {"participant_id": who, "idempotency_key": key, **more}
    return {name: value for name, value in body.items() if value is not None}


class Books:
    """
    What a store says by now, of points only what was posted after a number of the journal.

    Each question reads it anew. `who` is how the names of those begin whom it is about.
    """

    def __init__(self, place: Place, after: int = 0, who: str = "") -> None:
        self.place = place
        self.who = who
        self.moves = MOVES.format(after=f"tenant = 'demo/live' AND number > {after}")

    @classmethod
    def from_now(cls, place: Place) -> "Books":
        """Open books in which nobody has anything, whatever they have."""
        ((number,),) = cls(place).rows("SELECT COALESCE(MAX(number), 0) FROM heads")
        return cls(place, number)

    def balances(self) -> dict[str, int]:
        return self._accounts("p:")

    def held(self) -> dict[str, int]:
        return self._accounts("h:")

    def claims(self) -> list[tuple[str, str, str]]:
        """Return (reward, participant, status) of all, as they left the stock."""
        return self.rows("SELECT reward, participant, status FROM claims ORDER BY reward, number")

    def given(self) -> list[tuple[str, str, str]]:
        """Return (reward, code, participant) of each code that was given out."""
        return self.rows("""
            SELECT reward, code, participant
              FROM claims
              JOIN codes USING (tenant, reward, number)
             WHERE has_code = 1""")

    def done(self) -> list[tuple[str, str]]:
        """Return (operation, id) of each command but ticks."""
        about = f"participant LIKE '{self.who}%'"
        done = f"SELECT operation, command FROM journal WHERE operation <> 'tick' AND {about}"
        return self.rows(done)

    def pool(self, reward: str) -> tuple[int, int]:
        """Return how often a reward has left the stock, and how often it came back."""
        sql = f"SELECT taken, returned FROM pools WHERE reward = '{reward}'"
        return next(iter(self.rows(sql)), (0, 0))

    def mistakes(self) -> Iterator[str]:
        """Yield what no shop may do, whatever it was asked."""
        for (reward, code), times in Counter(one[:2] for one in self.given()).items():
            if times > 1:
                yield f"the code {code} of {reward} was given {times} times"
        running = RUNNING.format(moves=self.moves)
        below = f"SELECT DISTINCT account FROM ({running}) AS running WHERE has < 0"
        for (account,) in self.rows(below):
            yield f"{account} was below zero"

    def rows(self, sql: str) -> list[Any]:
        (found,) = rows(self.place, sql)
        return found

    def _accounts(self, kind: str) -> dict[str, int]:
        """Return the accounts of a kind that are not empty, by participant."""
        sum_ = "CAST(SUM(amount) AS BIGINT)"
        sums = f"SELECT account, {sum_} FROM ({self.moves}) AS moves GROUP BY account"
        mine = kind + self.who
        return {name[2:]: has for name, has in self.rows(sums) if has and name.startswith(mine)}
