"""Rankings: what was committed is in them, once, and nothing else ever is."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest
from tests.cast import CAFE, NOON, SHOP, SHOP_TEST, out_of_order
from tests.contract.ranking import BLUE, RED, WEEK, Scene, move

from laurels.core import limits
from laurels.core.change import ScoreMoved
from laurels.core.command import Tick
from laurels.core.errors import Unavailable
from laurels.engine.answers import BoardName, Placed
from laurels.engine.ports import Receipt, Record, Remembered
from laurels.store import ranks as ranks_module
from laurels.store.ranks import standing_rows


@pytest.fixture
def scene(place, loads):
    scene = Scene(place, loads)
    yield scene
    scene.connections.close()


def test_a_ranking_is_loaded_when_it_is_first_asked_for(scene):
    scene.commit(move("ann", 5), move("bob", 7), move("cid", 7, NOON - 1))

    assert len(scene.loads) == 0
    assert scene.order() == [("cid", 7), ("bob", 7), ("ann", 5)]
    assert scene.ranks.place(SHOP, WEEK, "ann") == Placed(3, "ann", 5, NOON)
    near = scene.ranks.around(SHOP, WEEK, "ann", each_side=1)
    assert [place.rank for place in near.places] == [2, 3]
    assert near.total == 3
    assert scene.ranks.place(SHOP, WEEK, "nobody") is None
    assert len(scene.loads) == 1


def test_moves_show_once_they_are_committed(scene):
    scene.commit(move("ann", 5), move("bob", 7))
    scene.order()
    scene.commit(move("ann", 9))
    scene.commit(move("cid", 8))

    assert scene.order() == [("ann", 9), ("cid", 8), ("bob", 7)]
    assert len(scene.loads) == 1


def test_each_board_window_and_world_has_its_own_ranking(scene):
    other = WEEK._replace(window="2024-W21")
    scene.commit(move("ann", 5), move("ann", 6, name=other))
    scene.commit(move("ann", 7, world=SHOP_TEST), world=SHOP_TEST)
    for _ in range(2):
        assert scene.order() == [("ann", 5)]
        assert scene.order(other) == [("ann", 6)]
        assert scene.order(world=SHOP_TEST) == [("ann", 7)]
        assert scene.order(world=CAFE) == []
        assert scene.order(WEEK._replace(board="other")) == []
        scene.commit(move("ann", 5), move("ann", 6, name=other))


def test_the_same_board_can_be_numbered_another_way(scene):
    scene.commit(move("ann", 5), move("bob", 5), move("cid", 4))
    ranks = [
        scene.ranks.place(SHOP, WEEK._replace(ties=ties), "cid").rank
        for ties in ("earliest", "shared", "dense")
    ]

    assert ranks == [3, 3, 2]


def test_what_is_rolled_back_was_never_there(scene):
    scene.commit(move("ann", 5))
    scene.order()

    def think_better_of_it():
        with scene.connections.writing() as writer:
            writer.many("put_standings", [move("ann", 9), move("bob", 1)])
            assert scene.order() == [("ann", 5)]
            scene.ranks.clear()
            assert scene.order() == [("ann", 5)]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        think_better_of_it()
    scene.ranks.clear()

    assert scene.order() == [("ann", 5)]


def test_segments_are_boards_of_their_own_and_people_move_between_them(scene):
    scene.commit(move("ann", 5, name=RED), move("bob", 7, name=BLUE), move("cid", 9))
    for _ in range(2):
        assert scene.order() == [("cid", 9), ("bob", 7), ("ann", 5)]
        assert (scene.order(RED), scene.order(BLUE)) == ([("ann", 5)], [("bob", 7)])
        scene.ranks.clear()
    for name in (WEEK, RED, BLUE):
        scene.order(name)
    scene.commit(move("ann", 8, name=BLUE))
    for _ in range(2):
        assert scene.order() == [("cid", 9), ("ann", 8), ("bob", 7)]
        assert (scene.order(RED), scene.order(BLUE)) == ([], [("ann", 8), ("bob", 7)])
        scene.ranks.clear()


def test_more_entries_than_fit_a_row_are_all_loaded(scene, monkeypatch):
    monkeypatch.setattr(ranks_module, "BLOCK_ENTRIES", 3)
    scene.commit(*(move(f"p{n}", n) for n in range(10)))

    assert [score for _, score in scene.order()] == list(range(9, -1, -1))


STRANGE = ['"quoted"', "back\\slash", "line\nend", "é", "🦊", " ", "\x7f"]


def test_any_name_comes_back_as_it_was(scene):
    scene.commit(*(move(who, 1) for who in STRANGE))

    assert [who for who, _ in scene.order()] == sorted(STRANGE)


# What happens while a ranking is loaded.


def test_what_is_committed_after_the_snapshot_is_not_lost(scene):
    scene.commit(move("ann", 5))
    scene.connections.after = lambda: scene.commit(move("ann", 9), move("bob", 7))
    scene.ranks.total(SHOP, WEEK)  # Whoever asked before may hear of the moment of the snapshot.

    assert scene.order() == [("ann", 9), ("bob", 7)]
    assert len(scene.loads) == 1


def test_commits_that_move_nobody_leave_no_gap(scene):
    scene.commit(move("ann", 5))
    scene.order()
    scene.commit()
    scene.ranks.moved(SHOP, range(0), ())
    scene.commit(move("ann", 6))

    assert scene.order() == [("ann", 6)]
    assert len(scene.loads) == 1


def test_many_who_ask_at_once_wait_for_one_load(scene):
    scene.commit(move("ann", 5))
    asked = Flag()

    def go_on_when_all_have_asked():
        assert asked.wait(5)

    scene.connections.after = go_on_when_all_have_asked
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(scene.ranks.total, SHOP, WEEK) for _ in range(4)]
        asked.set()
        assert [answer.result() for answer in answers] == [1] * 4
    assert len(scene.loads) == 1


def test_other_boards_answer_while_one_is_loaded(scene):
    other = WEEK._replace(board="other")
    scene.commit(move("ann", 5), move("bob", 1, name=other))
    scene.order(other)
    seen = []

    def meanwhile():
        seen.append(scene.order(other))
        scene.commit(move("bob", 2, name=other))
        seen.append(scene.order(other))

    scene.connections.after = meanwhile

    assert scene.order() == [("ann", 5)]
    assert seen == [[("bob", 1)], [("bob", 2)]]


def test_a_load_that_fails_is_tried_again_at_the_next_question(scene):
    scene.commit(move("ann", 5))
    with out_of_order(scene.place, "standings"), pytest.raises(Unavailable):
        scene.order()

    assert scene.order() == [("ann", 5)]


class Race:
    """One thread writes, others ask: whatever they see must have been true at one moment."""

    COMMITS, PEOPLE, READERS = 400, 7, 3

    def __init__(self, scene):
        self.scene = scene
        self.told = 0
        self.done = Flag()

    def moves(self, number):
        """The clock moves with every commit, so that a ranking tells how old it is."""
        who, within = f"p{number % self.PEOPLE}", (RED, BLUE)[number // self.PEOPLE % 2]
        score = number * 7919 % 1000
        return move("clock", 10_000 + number), move(who, score, NOON + number, name=within)

    def expected(self, number):
        last = {each.participant: each for n in range(1, number + 1) for each in self.moves(n)}
        order = sorted(last.values(), key=lambda each: (-each.score, each.reached_at))
        return [(each.participant, each.score) for each in order]

    def write(self):
        for number in range(1, self.COMMITS + 1):
            self.scene.commit(*self.moves(number))
            self.told = number
        self.done.set()

    def ask(self):
        wrong, rounds = 0, 0
        while not self.done.is_set() or not rounds:
            rounds += 1
            if rounds % 3:
                self.scene.ranks.clear()
            told = self.told
            top = self.scene.ranks.top(SHOP, WEEK, 100).places
            number = top[0].score - 10_000 if top else 0
            seen = [(place.participant, place.score) for place in top]
            wrong += number < told or seen != self.expected(number)
        return wrong

    def run(self):
        with ThreadPoolExecutor(self.READERS + 1) as threads:
            readers = [threads.submit(self.ask) for _ in range(self.READERS)]
            threads.submit(self.write).result()
            return sum(reader.result() for reader in readers)


def test_loads_that_race_with_commits_never_lose_a_move(scene):
    race = Race(scene)

    assert race.run() == 0
    assert len(scene.loads) > 20
    assert scene.order() == race.expected(Race.COMMITS)


# Limits.


def test_rankings_without_entries_are_not_kept(scene):
    for n in range(5):
        assert scene.order(WEEK._replace(board=f"junk{n}")) == []

    assert scene.ranks._tended == {}


@pytest.mark.parametrize(
    ("limit", "value"), [("RANKINGS_LOADED_MAX", 2), ("RANKED_ENTRIES_MAX", 5)]
)
def test_past_the_limit_the_ranking_asked_longest_ago_goes(scene, monkeypatch, limit, value):
    monkeypatch.setattr(limits, limit, value)
    names = [WEEK._replace(board=board) for board in "abc"]
    scene.commit(*(move(who, 1, name=name) for name in names for who in ("ann", "bob")))
    for name in (names[0], names[1], names[0], names[2]):
        assert len(scene.order(name)) == 2

    assert [name.board for _, name in scene.ranks._tended] == ["a", "c"]
    assert len(scene.loads) == 3


def test_a_ranking_that_grows_pushes_others_out(scene, monkeypatch):
    monkeypatch.setattr(limits, "RANKED_ENTRIES_MAX", 3)
    other = WEEK._replace(board="other")
    scene.commit(move("ann", 1), move("ann", 1, name=other))
    for name in (other, WEEK):
        scene.order(name)
    scene.commit(move("bob", 1), move("cid", 1), move("dan", 1))

    assert len(scene.order()) == 4
    assert list(scene.ranks._tended) == [(SHOP, WEEK)]


# Rows, and ranks of yesterday.


def record(who, *changes):
    tick = Tick(tenant=SHOP, id="X", participant=who, received_at=NOON, at=NOON)
    receipt = Receipt(
        id="X", name="", version=1, recorded_at=NOON, received_at=NOON, changes=changes
    )
    return Record(tick, Remembered(receipt, "{}"), None)


def scored(board, after, segment=None, window="w"):
    return ScoreMoved(board, window, 0, after, after, NOON, segment=segment)


def test_of_a_batch_the_last_score_of_each_is_written_in_order(scene):
    rows = standing_rows(
        [
            record("bob", scored("a", 1), scored("b", 2), scored("a", 3)),
            record("ann", scored("a", 5, "red")),
            record("bob", scored("a", 4, "red"), scored("a", 9, window="")),
        ]
    )

    assert rows == [
        (SHOP, "a", "", "bob", None, 9, NOON),
        (SHOP, "a", "w", "ann", "red", 5, NOON),
        (SHOP, "a", "w", "bob", "red", 4, NOON),
        (SHOP, "b", "w", "bob", None, 2, NOON),
    ]
    scene.commit(*rows)
    scene.commit(*rows)
    assert scene.order(BoardName("a", "w")) == [("ann", 5), ("bob", 4)]


def snap(scene, day, name=WEEK):
    with scene.connections.writing() as writer:
        scene.ranks.take_snapshot(writer, SHOP, name, day)


def test_the_ranks_of_a_day_stay_as_they_were(scene):
    scene.commit(move("ann", 5, name=RED), move("bob", 7, name=BLUE))
    snap(scene, 20)
    snap(scene, 20, RED)
    scene.commit(move("ann", 9, name=RED))
    snap(scene, 20)
    snap(scene, 21)

    assert scene.ranks.snapshot(SHOP, WEEK, day=20) == ({"bob": 1, "ann": 2}, False)
    assert scene.ranks.snapshot(SHOP, RED, day=20) == ({"ann": 1}, False)
    assert scene.ranks.snapshot(SHOP, WEEK, day=21) == ({"ann": 1, "bob": 2}, False)
    assert scene.ranks.snapshot(SHOP, WEEK, day=19) is None
    assert scene.ranks.snapshot(CAFE, WEEK, day=20) is None


def test_only_the_best_are_in_a_snapshot(scene, monkeypatch):
    monkeypatch.setattr(ranks_module, "SNAPSHOT_RANKS_MAX", 2)
    scene.commit(*(move(who, score) for score, who in enumerate(("ann", "bob", "cid"))))
    snap(scene, 20)

    assert scene.ranks.snapshot(SHOP, WEEK, day=20) == ({"cid": 1, "bob": 2}, True)


def test_snapshots_of_old_days_are_deleted_in_passing(scene):
    for day in range(20, 24):
        snap(scene, day)
    kept = [scene.ranks.snapshot(SHOP, WEEK, day=day) is not None for day in range(20, 24)]

    assert kept == [False, True, True, True]
