"""Who wins what, once it is known who came where."""

from tests.cast import NOON

from laurels.engine.answers import Placed
from laurels.engine.contests import prizes
from laurels.engine.rulebook_text import load_rulebook

RULEBOOK = """
contests:
  - id: cup
    event: goal
    score: count
    starts: 2024-05-15
    ends: 2024-05-16
    prizes:
      - {ranks: 1, rewards: [{points: 100}]}
      - {ranks: 3, rewards: [{points: 10}]}
"""


def test_a_rank_between_prizes_wins_nothing_and_holds_up_nobody():
    (cup,) = load_rulebook(RULEBOOK).contests
    places = [Placed(rank, f"p{rank}", 10 - rank, NOON) for rank in (1, 2, 3, 4)]

    assert [place.rank for place, _ in prizes(cup, places, "points")] == [1, 3]
