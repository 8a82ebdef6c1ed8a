"""Rankings alone, on any store: moves are committed, and told of where somebody must tell."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import msgspec
from tests.cast import NOON, SHOP, Place, open_at

from laurels.core.change import ScoreMoved
from laurels.core.number import Millionths
from laurels.engine.answers import BoardName
from laurels.store.postgres.connections import PostgresConnections
from laurels.store.ranks import Move, Ranks
from laurels.store.sqlite.connections import SqliteConnections

WEEK = BoardName("points", "2024-W20")
RED, BLUE = WEEK._replace(segment="red"), WEEK._replace(segment="blue")


def move(
    who: str, score: Millionths, at: int = NOON, *, world: str = SHOP, name: BoardName = WEEK
) -> Move:
    return Move(world, name.board, name.window, who, name.segment, score, at)


def told_in_journal(moves: tuple[Move, ...]) -> str:
    changes = [
        ScoreMoved(
            each.board,
            each.window,
            0,
            each.score,
            each.score,
            each.reached_at,
            segment=each.segment,
        )
        for each in moves
    ]
    return msgspec.json.encode(changes).decode()


class Racing:
    """Lets something happen just before, or just after, the next snapshot is taken."""

    before: Callable[[], Any] | None = None
    after: Callable[[], Any] | None = None

    @contextmanager
    def reading(self):
        (before, after), self.before, self.after = (self.before, self.after), None, None
        if before:
            before()
        with super().reading() as reader:  # type: ignore[misc] - of the connections it stands before
            if after:
                reader.run("all_worlds").fetchall()
                after()
            yield reader


class RacingSqlite(Racing, SqliteConnections):
    """One file."""


class RacingPostgres(Racing, PostgresConnections):
    """One database."""


class Scene:
    """A store of rankings alone, and its writer."""

    def __init__(self, place: Place, loads: list[BoardName]) -> None:
        self.place = place
        open_at(place).close()  # Which makes the schema.
        self.is_told = not isinstance(place, str)
        connections: Any = RacingSqlite if self.is_told else RacingPostgres
        self.connections = connections(place)
        self.ranks = Ranks(self.connections, is_told=self.is_told)
        self.loads = loads

    def commit(self, *moves: Move, world: str = SHOP, told: bool = True):
        """Commit moves, a journal row for each participant; tell of it, where that is done."""
        people = sorted({each.participant for each in moves}) or ["nobody"]
        with self.connections.writing() as writer:
            writer.many("put_standings", sorted(moves))
            ((last,),) = writer.run("take_numbers", world, len(people)).fetchall()
            numbers = range(last - len(people) + 1, last + 1)
            rows = []
            for number, who in zip(numbers, people, strict=True):
                own = tuple(each for each in moves if each.participant == who)
                texts = (told_in_journal(own), None, None)
                rows.append((world, number, f"c{number}", "event", who, 1, NOON, *texts))
            writer.many("insert_journal", rows)
        commit = (world, numbers, moves)
        if told and self.is_told:
            self.ranks.moved(*commit)
        return commit

    def order(self, name: BoardName = WEEK, world: str = SHOP):
        top = self.ranks.top(world, name, 100)
        assert top.total == len(top.places) == self.ranks.total(world, name)
        return [(place.participant, place.score) for place in top.places]
