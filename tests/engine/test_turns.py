"""What comes together goes on together, in order, one piece at a time."""

import asyncio

import pytest

from laurels.core import limits
from laurels.core.errors import Unavailable
from laurels.engine.turns import Turns


class Work:
    """Doubles numbers, and remembers which came together."""

    def __init__(self):
        self.pieces = []
        self.at_once = 0

    async def __call__(self, numbers):
        self.at_once += 1
        assert self.at_once == 1
        self.pieces.append(list(numbers))
        await asyncio.sleep(0)
        self.at_once -= 1
        if 13 in numbers:
            raise ValueError(13)
        return [2 * number for number in numbers]


def test_what_comes_in_one_turn_or_meanwhile_goes_on_together():
    work = Work()

    async def play():
        turns = Turns(work, at_once_max=100)
        first = [turns.join([1]), turns.join([2, 3]), turns.join([])]
        await asyncio.sleep(0)
        later = [turns.join([4]), turns.join([5])]
        return await asyncio.gather(*first, *later), turns.waiting

    assert asyncio.run(play()) == ([[2], [4, 6], [], [8], [10]], 0)
    assert work.pieces == [[1, 2, 3], [4, 5]]


def test_a_piece_is_of_bounded_size_but_nobodys_items_are_torn_apart():
    work = Work()

    async def play():
        turns = Turns(work, at_once_max=3)
        return await asyncio.gather(*map(turns.join, ([1, 2], [3, 4], [5], [6, 7, 8, 9])))

    assert asyncio.run(play()) == [[2, 4], [6, 8], [10], [12, 14, 16, 18]]
    assert work.pieces == [[1, 2], [3, 4, 5], [6, 7, 8, 9]]


def test_who_waits_hears_of_a_failure_and_the_next_go_on():
    work = Work()

    async def play():
        turns = Turns(work, at_once_max=2)
        waiting = [turns.join([13]), turns.join([1]), turns.join([2])]
        return await asyncio.gather(*waiting, return_exceptions=True), turns.waiting

    (first, second, third), waiting = asyncio.run(play())
    assert isinstance(first, ValueError)
    assert isinstance(second, ValueError)
    assert (third, waiting) == ([4], 0)


def test_whoever_goes_away_is_worked_for_all_the_same():
    work = Work()

    async def play():
        turns = Turns(work, at_once_max=9)
        gone, stays = turns.join([1]), turns.join([2])
        gone.cancel()
        return await stays

    assert asyncio.run(play()) == [4]
    assert work.pieces == [[1, 2]]


def test_too_many_are_turned_away(monkeypatch):
    monkeypatch.setattr(limits, "WAITING_EVENTS_MAX", 3)

    async def play():
        turns = Turns(Work(), at_once_max=9)
        kept = turns.join([1, 2, 3])
        with pytest.raises(Unavailable):
            turns.join([4])
        return await kept

    assert asyncio.run(play()) == [2, 4, 6]
