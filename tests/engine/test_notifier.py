"""Whom a commit moved is told once it is committed, and never before."""

import pytest
from tests.cast import CAFE, a_stage, out_of_order

from laurels.core.errors import Unavailable
from laurels.engine.engine import Engine
from laurels.engine.sharing import Notifiers


class Notified:
    """Keeps whom it was told of, and whether they could be read by then."""

    def __init__(self, stage):
        self.stage = stage
        self.who = []

    def moved(self, records):
        for record in records:
            command = record.command
            entries = self.stage.journal(command.tenant)
            assert command.id in [entry.command for entry in entries]
            self.who.append((command.tenant, command.participant))


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, "earn: [{id: one, event: buy, points: 1}]") as stage:
        yield stage


@pytest.fixture
def notified(stage):
    notified = Notified(stage)
    stage.engine = Engine(stage.store, stage.clock, notifier=notified)
    return notified


def test_all_whom_a_batch_moved_are_told_behind_its_commit(stage, notified):
    stage.send(stage.event("buy"), stage.event("buy", "bob"), stage.event("buy", world=CAFE))

    assert sorted(notified.who) == [(CAFE, "ann"), (stage.world, "ann"), (stage.world, "bob")]


def test_a_repetition_and_a_refusal_move_nobody(stage, notified):
    stage.tell("buy", key="k")
    stage.tell("buy", key="k")
    stage.send(stage.claim("nothing"))

    assert notified.who == [(stage.world, "ann")]


def test_what_could_not_be_committed_is_told_to_nobody(stage, notified):
    with out_of_order(stage.path), pytest.raises(Unavailable):
        stage.tell("buy")

    assert notified.who == []


def test_several_are_all_told(stage):
    first, second = Notified(stage), Notified(stage)
    stage.engine = Engine(stage.store, stage.clock, notifier=Notifiers(first, second))
    stage.send(stage.event("buy"), stage.event("buy", "bob"))

    assert first.who == second.who
    assert len(first.who) == 2
