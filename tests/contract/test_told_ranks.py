"""Rankings beside the one writer: it tells them of every commit, and they notice a gap."""

import pytest
from tests.contract.ranking import Scene, move
from tests.contract.test_ranks import test_what_is_committed_after_the_snapshot_is_not_lost as late

from laurels.store.ranks import Tended


@pytest.fixture
def scene(tmp_path, loads):
    scene = Scene(tmp_path / "laurels.db", loads)
    yield scene
    scene.connections.close()


def test_what_is_committed_before_the_snapshot_is_not_taken_in_again(scene):
    scene.commit(move("ann", 5))
    commits = []

    def commit_before():
        commits.append(scene.commit(move("ann", 9), told=False))
        commits.append(scene.commit(move("ann", 7), told=False))

    scene.connections.before = commit_before
    scene.connections.after = lambda: scene.ranks.moved(*commits[0])

    assert scene.order() == [("ann", 7)]
    scene.ranks.moved(*commits[1])
    assert scene.order() == [("ann", 7)]
    assert len(scene.loads) == 1


def test_a_commit_shows_when_it_is_told(scene):
    scene.commit(move("ann", 5))
    commits = []
    scene.connections.after = lambda: commits.append(scene.commit(move("ann", 9), told=False))

    assert scene.order() == [("ann", 5)]
    scene.ranks.moved(*commits[0])
    assert scene.order() == [("ann", 9)]


def test_when_somebody_else_has_written_the_ranking_is_loaded_again(scene):
    scene.commit(move("ann", 5))
    scene.order()
    scene.commit(move("bob", 7), told=False)
    scene.commit(move("cid", 6))

    assert scene.order() == [("bob", 7), ("cid", 6), ("ann", 5)]
    assert len(scene.loads) == 2


def test_when_somebody_else_writes_during_a_load_it_is_done_again(scene):
    scene.commit(move("ann", 5))

    def commit_after():
        scene.commit(move("bob", 7), told=False)
        scene.commit(move("cid", 6))

    scene.connections.after = commit_after

    assert scene.order() == [("bob", 7), ("cid", 6), ("ann", 5)]
    assert len(scene.loads) == 2


def test_a_ranking_that_cannot_be_moved_is_loaded_again(scene, monkeypatch, caplog):
    scene.commit(move("ann", 5))
    scene.order()

    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Tended, "_take_in", fail)
        scene.commit(move("ann", 6))

    assert scene.order() == [("ann", 6)]
    assert "loaded again" in caplog.text


def forget_what_is_committed_meanwhile(tended, _numbers, _moves):
    return tended._standing is None or tell(tended, _numbers, _moves)


def take_in_everything(tended, standing, _numbers, moves):
    for each in moves:
        standing.put(each.participant, each.score, each.reached_at)
    return True


tell = Tended.tell


@pytest.mark.parametrize(
    ("method", "bug", "story"),
    [
        (
            "tell",
            forget_what_is_committed_meanwhile,
            late,
        ),
        (
            "_take_in",
            take_in_everything,
            test_what_is_committed_before_the_snapshot_is_not_taken_in_again,
        ),
        (
            "_take_in",
            take_in_everything,
            test_when_somebody_else_has_written_the_ranking_is_loaded_again,
        ),
    ],
)
def test_a_bug_put_in_is_noticed(scene, monkeypatch, method, bug, story):
    monkeypatch.setattr(Tended, method, bug)
    with pytest.raises(AssertionError):
        story(scene)
