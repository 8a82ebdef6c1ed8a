"""What a store answers to those who follow its journal."""

import pytest
from tests.cast import NOON, SHOP, SHOP_TEST, a_stage

from laurels.core import limits


@pytest.fixture
def stage(place):
    with a_stage(place, "earn: [{id: one, event: buy, points: 1}]") as stage:
        yield stage


CROWDS = ((), tuple(f"nobody {n}" for n in range(100)))
"""Few and many are looked for in two ways."""


def feed(stage, after, *people, upto=None, world=SHOP):
    few, many = (
        stage.store.queries.feed(world, after=after, participants=people + crowd, upto=upto)
        for crowd in CROWDS
    )
    assert few == many
    return few


def numbers(answer):
    return [entry.number for entry in answer.entries]


def test_it_is_of_those_who_were_named_in_that_world(stage):
    for who in ("ann", "bob", "cid", "ann"):
        stage.tell("buy", who)
    stage.tell("buy", world=SHOP_TEST)

    answer = feed(stage, 0, "ann", "cid")

    assert numbers(answer) == [1, 3, 4]
    assert answer.entries == [stage.journal()[n - 1] for n in (1, 3, 4)]
    assert (answer.read_to, answer.head) == (4, 4)
    assert numbers(feed(stage, 0, "ann", world=SHOP_TEST)) == [1]


def test_it_begins_after_a_cursor_and_ends_at_another(stage):
    for _ in range(5):
        stage.tell("buy")

    answer = feed(stage, 1, "ann", upto=3)

    assert (numbers(answer), answer.read_to, answer.head) == ([2, 3], 3, 5)
    assert feed(stage, 5, "ann") == ([], 5, 5)
    assert feed(stage, 2, "ann", upto=9).read_to == 5


def test_a_cursor_below_0_and_nobody_ask_for_the_head_alone(stage):
    assert feed(stage, -1, "ann") == ([], 0, 0)
    stage.tell("buy")
    assert feed(stage, -1, "ann") == ([], 1, 1)
    assert feed(stage, 0) == ([], 1, 1)


def test_it_comes_in_pieces(stage, monkeypatch):
    monkeypatch.setattr(limits, "FEED_ENTRIES_READ_MAX", 2)
    monkeypatch.setattr(limits, "FEED_NUMBERS_READ_MAX", 3)
    for who in ("ann", "ann", "ann", "bob", "bob", "bob", "ann"):
        stage.tell("buy", who)

    pieces, after = [], 0
    while after < 7:
        piece = feed(stage, after, "ann")
        pieces.append((numbers(piece), piece.read_to))
        after = piece.read_to

    assert pieces == [([1, 2], 2), ([3], 5), ([7], 7)]


def test_participants_whose_names_are_odd_are_found(stage):
    odd = ['"', "\\", "'; --", "é\u2028", "[1]", " "]
    for who in odd:
        stage.tell("buy", who)

    assert numbers(feed(stage, 0, *odd)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("count", range(9))
def test_a_moment_is_found_by_halves(stage, count):
    for _ in range(count):
        stage.tell("buy")
        stage.clock.move(by=10)

    for at in range(NOON - 5, NOON + 100, 5):
        expected = sum(entry.recorded_at < at for entry in stage.journal())
        assert stage.store.queries.number_at(SHOP, at) == expected
