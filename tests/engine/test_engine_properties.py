"""What holds for every batch: split or merged, crashed and retried, it comes to the same once."""

import sqlite3
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.cast import CAFE, DAY, LONG, LOOP, NOON, SHOP, Stage, as_json

from laurels.core import limits
from laurels.core.change import ChallengeClaimed
from laurels.core.errors import Refusal

RULEBOOK = as_json(
    """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1.5}}
  - {id: bonus, fact: challenge.claimed, currency: gem, amount: 1}
LOOP
badges: [{id: spender, event: buy, where: {amount: {gte: 4}}}]
challenges:
  - {id: daily, window: daily, objectives: [{event: buy, count: 2}], rewards: [{points: 7}]}
  - id: spend
    claim: manual
    objectives: [{event: buy, sum: amount, target: 5}]
    rewards: [{item: boots, quantity: 1}]
  - {id: variety, window: weekly, objectives: [{fact: points.posted, distinct: amount, target: 3}]}
""".replace("LOOP", LOOP)
)
WORLDS = (SHOP, CAFE)


@contextmanager
def a_stage():
    """Open a store whose states hold two windows only, so that short stories fold them away too."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "WINDOWS_LIVE_MAX", 2)
        stage = Stage(Path(folder) / "laurels.db", RULEBOOK)
        stage.store.registry.put_rulebook(CAFE, RULEBOOK, NOON)
        try:
            yield stage
        finally:
            stage.store.close()


people = st.sampled_from(["ann", "bob"])
keys = st.none() | st.sampled_from(["a", "b", "c"])
amounts = st.sampled_from([1, 2.5, 4, -1, True, 9_000_000_001])
moments = st.none() | st.integers(-4, 4).map(lambda day: NOON + day * DAY)
buys = st.builds(
    lambda who, key, amount, at, world: partial(
        Stage.event, name="buy", who=who, key=key, amount=amount, at=at, world=world
    ),
    people,
    keys,
    amounts,
    moments,
    st.sampled_from(WORLDS),
)
loops = st.builds(
    lambda who, key: partial(Stage.event, name="loop", who=who, key=key), people, keys
)
claims = st.builds(
    lambda who, key: partial(Stage.claim, challenge="spend", who=who, key=key), people, keys
)
commands = st.lists(buys | buys | buys | loops | claims, min_size=1, max_size=25)


def cut(items, places):
    """Cut a list into batches at the places that lie within."""
    borders = [0, *sorted({place for place in places if 0 < place < len(items)}), len(items)]
    return [items[start:end] for start, end in pairwise(borders)]


def told(outcome):
    return type(outcome) if isinstance(outcome, Refusal) else (outcome.id, outcome.changes)


def in_batches(makers, places):
    with a_stage() as stage:
        made = [make(stage) for make in makers]
        outcomes = [told(each) for batch in cut(made, places) for each in stage.send(*batch)]
        journals = [stage.journal(world) for world in WORLDS]
        pictures = [stage.state(who, world).picture() for who in ("ann", "bob") for world in WORLDS]
        assert stage.findings() == []
        return outcomes, journals, pictures


late = [
    partial(Stage.event, name="buy", who="ann", key=None, amount=1, at=NOON + day * DAY, world=SHOP)
    for day in (0, 1, 2, 3, 0)
]


@settings(max_examples=40 * LONG, deadline=None)
@example(late, [1, 2, 3, 4], [])
@given(commands, st.lists(st.integers(1, 24), max_size=6), st.lists(st.integers(1, 24), max_size=6))
def test_a_batch_may_be_split_or_merged_anywhere(makers, places, other_places):
    assert in_batches(makers, places) == in_batches(makers, other_places)


class Crash(BaseException):
    """The process is gone."""


class Fuse:
    """
    A connection that dies after so many steps, before or after what it was told to do.

    Every statement is a step before it is run, and so is each row of many; a commit is one more
    step when it is done: the store has it, and nobody has heard.
    """

    def __init__(self, connection: sqlite3.Connection, steps: int) -> None:
        self.connection = connection
        self.steps = steps

    @property
    def in_transaction(self) -> bool:
        return self.steps > 0 and self.connection.in_transaction  # The dead roll nothing back.

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._step()
        cursor = self.connection.execute(sql, *values)
        if sql == "COMMIT":
            self._step()
        return cursor

    def executemany(self, sql: str, rows: Any) -> None:
        for row in rows:
            self.execute(sql, row)

    def close(self) -> None:
        self.connection.close()

    def _step(self) -> None:
        self.steps -= 1
        if self.steps <= 0:
            raise Crash


def light(stage: Stage, steps: int) -> Fuse:
    """Let the process die after so many steps of its writer."""
    connections: Any = stage.store._connections
    connections.writer = fuse = Fuse(connections.writer, steps)
    return fuse


def deliver(stage: Stage, makers, fuses) -> None:
    """Send until it is taken, as a client that never gives up; each time it is accepted anew."""
    while True:
        if fuses:
            light(stage, fuses.pop())
        try:
            stage.send(*(make(stage) for make in makers))
        except Crash:
            stage.reopen()
        else:
            stage.reopen()  # Whatever is left of the fuse goes with its process.
            return


def after(makers, places=(), fuses=()):
    """Return all that can be seen, but for the ids."""
    with a_stage() as stage:
        left = list(fuses)
        for batch in cut(makers, places):
            deliver(stage, batch, left)
        journals = [
            [(entry.number, entry.participant, entry.changes) for entry in stage.journal(world)]
            for world in WORLDS
        ]
        pictures = [stage.state(who, world).picture() for who in ("ann", "bob") for world in WORLDS]
        assert stage.findings() == []
        return journals, pictures


def taken(makers):
    """Give each its own key, and leave out what would be refused: a retry is judged afresh."""
    keyed = [
        make if make.keywords["key"] else partial(make, key=f"n{n}")
        for n, make in enumerate(makers)
    ]
    with a_stage() as stage:
        return [make for make in keyed if not isinstance(stage.send(make(stage))[0], Refusal)]


fuses = st.lists(st.integers(1, 60), max_size=8)


@settings(max_examples=40 * LONG, deadline=None)
@given(commands, st.lists(st.integers(1, 24), max_size=4), fuses)
@example([partial(Stage.event, name="buy", who="ann", key="a", amount=4)], [], [10, 9, 8, 7, 6, 5])
def test_crashes_and_retries_change_nothing(makers, places, fuses):
    makers = taken(makers)
    assume(makers)

    assert after(makers, places, fuses) == after(makers)


def steps_of(makers) -> int:
    """Count the steps of a batch, from its beginning until after its commit."""
    with a_stage() as stage:
        fuse = light(stage, 10_000)
        stage.send(*(make(stage) for make in makers))
        return 10_000 - fuse.steps


def test_a_crash_at_every_single_step_is_as_if_it_had_not_been():
    makers = [
        partial(Stage.event, name="buy", who=who, key=key, amount=4, world=world)
        for who, key, world in [
            ("ann", "a", SHOP),
            ("bob", "a", SHOP),
            ("ann", "a", SHOP),
            ("ann", "b", CAFE),
        ]
    ]
    expected = after(makers)
    steps = steps_of(makers)

    assert steps > 20
    assert [step for step in range(1, steps + 1) if after(makers, fuses=[step]) != expected] == []


def test_a_crash_after_the_commit_is_answered_by_the_receipt():
    make = partial(Stage.event, name="buy", who="ann", key="a", amount=4)
    steps = steps_of([make])
    with a_stage() as stage:
        light(stage, steps)
        with pytest.raises(Crash):
            stage.send(make(stage))
        stage.reopen()
        (entry,) = stage.journal()
        (receipt,) = stage.send(make(stage))

        assert (receipt.id, receipt.changes) == (entry.command, entry.changes)
        assert receipt.duplicate
        assert len(stage.journal()) == 1


def test_a_crash_before_the_commit_leaves_nothing():
    make = partial(Stage.event, name="buy", who="ann", key="a", amount=4)
    steps = steps_of([make])
    with a_stage() as stage:
        light(stage, steps - 1)
        with pytest.raises(Crash):
            stage.send(make(stage))
        stage.reopen()

        assert stage.journal() == []
        assert stage.state().is_new
        assert not stage.send(make(stage))[0].duplicate


def test_a_claim_is_paid_once_however_often_it_dies():
    makers = [
        partial(Stage.event, name="buy", who="ann", key="a", amount=8),
        partial(Stage.claim, challenge="spend", who="ann", key="c"),
    ]
    journals, _ = after(makers, [1], list(range(1, 15)))
    changes = chain.from_iterable(entry[2] for entry in journals[0])

    assert Counter(map(type, changes))[ChallengeClaimed] == 1
