"""A ranking in memory: told as stories, and held against a list that is sorted anew each time."""

import random
import time
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import LONG, NOON

from laurels.engine.standings import Standing

TIES = ["earliest", "shared", "dense"]
RANKS = {"earliest": [1, 2, 3, 4, 5], "shared": [1, 2, 2, 4, 5], "dense": [1, 2, 2, 3, 4]}
FIVE = [("ann", 90, 5), ("cid", 70, 1), ("bob", 70, 2), ("dan", 0, 0), ("eve", -10, 0)]
IN_ORDER = ["ann", "cid", "bob", "dan", "eve"]
MEMBERS = 100_000


def ranks_of(ranking):
    return [(place.rank, place.participant) for place in ranking.places]


@pytest.mark.parametrize("ties", TIES)
def test_places_are_numbered_as_the_ties_say(ties):
    standing = Standing(ties, FIVE)

    assert ranks_of(standing.top(9)) == list(zip(RANKS[ties], IN_ORDER, strict=True))
    assert [standing.place(who) for who in IN_ORDER] == standing.top(9).places
    assert standing.top(2).total == len(standing) == 5


def test_a_place_tells_the_score_and_when_it_was_reached():
    assert Standing("earliest", FIVE).place("eve") == (5, "eve", -10, 0)


def test_whoever_was_there_first_goes_first_and_then_names_decide():
    standing = Standing("earliest", [("b", 1, -7), ("é", 1, -7), ("a", 1, 0), ("z", 1, -7)])

    assert [place.participant for place in standing.top(4).places] == ["b", "z", "é", "a"]


@pytest.mark.parametrize("ties", TIES)
def test_a_page_that_begins_among_equals_goes_on_with_their_rank(ties):
    standing = Standing(ties, FIVE)
    expected = list(zip(RANKS[ties], IN_ORDER, strict=True))

    assert ranks_of(standing.around("bob", each_side=0)) == expected[2:3]
    assert ranks_of(standing.around("bob", each_side=1)) == expected[1:4]
    assert ranks_of(standing.around("ann", each_side=1)) == expected[:2]
    assert ranks_of(standing.around("eve", each_side=2)) == expected[2:]


def test_strangers_have_no_place():
    standing = Standing("earliest", FIVE)
    standing.remove("nobody")

    assert standing.place("nobody") is None
    assert standing.around("nobody", each_side=2) == ([], 5)
    assert Standing("dense").top(3) == ([], 0)


@pytest.mark.parametrize("ties", TIES)
def test_whoever_leaves_lets_the_others_move_up(ties):
    standing = Standing(ties, FIVE)
    standing.remove("ann")
    standing.remove("bob")

    assert ranks_of(standing.top(9)) == [(1, "cid"), (2, "dan"), (3, "eve")]
    assert standing.place("ann") is None


@pytest.mark.parametrize("ties", TIES)
def test_the_largest_numbers_have_their_place(ties):
    most = 2**63 - 1
    standing = Standing(ties, [("low", -most, most), ("high", most, -most)])

    assert standing.top(2).places == [(1, "high", most, -most), (2, "low", -most, most)]


people = st.sampled_from(["ann", "bob", "cid", "", "élan", "an", "🦊", "annä"])
scores = st.integers(-2, 3)
moments = st.integers(NOON, NOON + 2)
entries = st.tuples(people, scores, moments)
moves = st.lists(entries | people, max_size=30)


class Naive:
    """What a ranking is, without any haste."""

    def __init__(self, ties, entries):
        self.ties = ties
        self.scores = {who: (score, at) for who, score, at in entries}

    def places(self):
        order = sorted((-score, at, who.encode(), who) for who, (score, at) in self.scores.items())
        heights = [-entry[0] for entry in order]
        distinct = sorted(set(heights), reverse=True)
        ranks = {
            "earliest": list(range(1, len(order) + 1)),
            "shared": [1 + sum(other > height for other in heights) for height in heights],
            "dense": [1 + distinct.index(height) for height in heights],
        }[self.ties]
        return [
            (rank, who, -fallen, at)
            for rank, (fallen, at, _, who) in zip(ranks, order, strict=True)
        ]


@settings(max_examples=100 * LONG)
@given(st.sampled_from(TIES), st.lists(entries, max_size=8), moves, st.integers(0, 3))
def test_a_ranking_is_what_sorting_would_make_of_it(ties, first, moves, few):
    naive, standing = Naive(ties, first), Standing(ties, first)
    for move in moves:
        if isinstance(move, str):
            naive.scores.pop(move, None)
            standing.remove(move)
        else:
            who, *score = move
            naive.scores[who] = tuple(score)
            standing.put(*move)
    expected = naive.places()

    assert standing.top(100) == (expected, len(expected))
    assert standing.top(few).places == expected[:few]
    for index, place in enumerate(expected):
        near = standing.around(place[1], each_side=few)
        assert near.places == expected[max(0, index - few) : index + few + 1]
        assert standing.place(place[1]) == place
    assert len(standing) == len(expected)


@pytest.mark.parametrize("ties", TIES)
def test_a_place_among_a_hundred_thousand_is_found_in_no_time(ties):
    chance = random.Random(7)
    standing = Standing(
        ties,
        ((f"user-{n}", chance.randrange(10_000), NOON + n % 1000) for n in range(MEMBERS)),
    )
    for n in range(100):
        standing.put(f"user-{n}", chance.randrange(10_000), NOON)

    assert median_ms(lambda n: standing.place(f"user-{n * 77}")) < 5
    assert median_ms(lambda n: standing.top(10)) < 1
    assert median_ms(lambda n: standing.around(f"user-{n * 77}", each_side=5)) < 5


def median_ms(question):
    taken = []
    for n in range(51):
        began = time.perf_counter()
        question(n)
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000
