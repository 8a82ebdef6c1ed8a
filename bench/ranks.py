"""`python -m bench.ranks`: what a question about a ranking costs, and what a ranking weighs."""

import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Final

import click
import psutil

from laurels.engine.answers import BoardName
from laurels.engine.standings import Standing
from laurels.store.ranks import Move, Ranks
from laurels.store.sqlite.connections import STATEMENTS, SqliteConnections
from laurels.store.sqlite.migrate import migrate

WORLD: Final = "bench/live"
NAME: Final = BoardName("points", "2024-W20")
MAY: Final = 1_715_774_400_000
SCORES: Final = 100_000
"""Different ones, in whole points: among a million members, ten share each."""
FILL: Final = """
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO standings (tenant, board, window, participant, segment, score, reached_at)
SELECT ?2, ?3, ?4, printf('user-%07d', i), NULL, i * 7919 % ?5 * 1000000, ?6 + i * 31 % 1000000
  FROM n
"""
QUESTIONS: Final = 5_000
COMMITS: Final = 200
MOVES: Final = 100
"""In each of those commits."""


@click.command()
@click.argument("members", nargs=-1, type=click.IntRange(min=10))
def main(members: tuple[int, ...]) -> None:
    """Measure rankings of so many MEMBERS: 100,000 and a million, if nothing is said."""
    for count in members or (100_000, 1_000_000):
        with TemporaryDirectory(prefix="laurels-bench-") as folder:
            _measure(Path(folder), count)


def _measure(folder: Path, members: int) -> None:
    connections = SqliteConnections(folder / "laurels.db")
    migrate(connections.writer)
    connections.writer.execute(
        FILL, (members, WORLD, NAME.board, NAME.window, min(SCORES, members), MAY)
    )
    weight = _bytes_an_entry(members)
    click.echo(f"{members:,} members of {weight:.0f} bytes each, {_loaded_by_the_way(connections)}")
    ranks = Ranks(connections)
    _say_load(ranks)
    _say_questions(ranks, members)
    _say_moves(ranks, members)
    _say_rows(connections.writer, members)
    connections.close()


def _bytes_an_entry(members: int) -> float:
    """Say by how much the process grows, everything counted, names of 12 characters too."""
    process = psutil.Process()
    before = process.memory_info().rss
    standing = Standing("earliest", ((f"user-{n:07}", -n, MAY) for n in range(members)))
    return (process.memory_info().rss - before) / len(standing)


def _loaded_by_the_way(connections: SqliteConnections) -> str:
    """Load beside a thread that never rests, and say how long it had to at most."""
    done, longest_s = Event(), [0.0]

    def work() -> None:
        last = time.perf_counter()
        while not done.is_set():
            now = time.perf_counter()
            longest_s[0], last = max(longest_s[0], now - last), now

    worker = Thread(target=work)
    worker.start()
    began = time.perf_counter()
    Ranks(connections).total(WORLD, NAME)
    taken_s = time.perf_counter() - began
    done.set()
    worker.join()
    return f"loaded in {taken_s:.2f} s beside a busy thread, which it stalls {longest_s[0]:.3f} s"


def _say_load(ranks: Ranks) -> None:
    click.echo(f"  load alone {_us(partial(ranks.total, WORLD, NAME)) / 1e6:8.2f} s")


def _say_questions(ranks: Ranks, members: int) -> None:
    chance = random.Random(1)
    own = [f"user-{chance.randrange(members):07}" for _ in range(QUESTIONS)]
    _say("top 10", [_us(partial(ranks.top, WORLD, NAME, 10)) for _ in own])
    around = partial(ranks.around, WORLD, NAME, each_side=5)
    _say("5 each side", [_us(partial(around, who)) for who in own])
    _say("own rank", [_us(partial(ranks.place, WORLD, NAME, who)) for who in own])


def _say_moves(ranks: Ranks, members: int) -> None:
    chance = random.Random(2)
    taken: list[float] = []
    for number in range(1, COMMITS + 1):
        moves = [_move(chance, members, number) for _ in range(MOVES)]
        told = partial(ranks.moved, WORLD, range(number, number + 1), moves)
        taken.append(_us(told) / MOVES)
    _say("a move", taken)


def _move(chance: random.Random, members: int, number: int) -> Move:
    who, score = f"user-{chance.randrange(members):07}", chance.randrange(SCORES) * 1_000_000
    return Move(WORLD, NAME.board, NAME.window, who, None, score, MAY + number)


def _say_rows(writer: sqlite3.Connection, members: int) -> None:
    chance = random.Random(3)
    taken: list[float] = []
    writer.execute("BEGIN IMMEDIATE")
    for number in range(COMMITS):
        rows = sorted((*_move(chance, members, number)[:4], "", 5, MAY) for _ in range(MOVES))
        written = partial(writer.executemany, STATEMENTS["put_standings"], rows)
        taken.append(_us(written) / MOVES)
    writer.execute("ROLLBACK")
    _say("a row", taken)


def _us(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e6


def _say(what: str, taken_us: list[float]) -> None:
    taken_us.sort()
    p99 = taken_us[len(taken_us) * 99 // 100]
    click.echo(f"  {what:12} p50 {median(taken_us):7.1f} µs, p99 {p99:7.1f} µs")


if __name__ == "__main__":
    main()
