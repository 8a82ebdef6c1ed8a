"""Workers die at every point where it could matter, many times over, and every count is exact."""

import logging
import random
from collections import Counter
from contextlib import suppress

import pytest
from tests.cast import LONG
from tests.queue.line import Died

POINTS = ("read", "committed", "acknowledged", "alone")
DEATHS_MIN = {"single": 20 * LONG, "cluster": 5 * LONG}


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_may_die_anywhere(line, point, caplog, request):
    """The dead are followed by workers that die there, too; sometimes two live at once."""
    caplog.set_level(logging.CRITICAL)
    chance = random.Random(f"{point}")
    sent: list = []
    deaths = Counter()

    def reached(at):
        if at == point and chance.random() < 0.3:
            deaths[at] += 1
            raise Died

    deaths_min = DEATHS_MIN["cluster" if "cluster" in request.node.name else "single"]
    while deaths[point] < deaths_min:
        new = [
            line.stage.event("quiz", f"p{chance.randrange(6)}", f"k{len(sent) + n}")
            for n in range(chance.randrange(1, 25))
        ]
        sent += new
        line.append(*new, *chance.sample(sent, min(len(sent), 3)))
        line.free()
        if chance.random() < 0.2:
            line.stage.reopen()
        worker = line.worker(reached)
        if point == "alone":
            _leave_something_behind(line)
        with suppress(Died):
            line.drain(worker)

    line.drain()
    for parked in line.parked.listed(1000):
        assert point == "alone", "they died with it undecided"
        assert "died" in parked.reason
        line.parked.requeue(parked.lane, parked.id)
    line.drain()

    expected = Counter(event.participant for event in sent)
    for who, count in expected.items():
        assert line.stage.balance(who) == 5 * count
    journal = Counter(entry.command for entry in line.stage.journal())
    assert journal == Counter(event.id for event in sent)
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


def _leave_something_behind(line):
    def die(_):
        raise Died

    with pytest.raises(Died):
        line.drain(line.worker(die))
    line.free()
