"""A new rulebook no longer has what an old one promised: what is still due then does no harm."""

import pytest
from tests.cast import DAY, NOON
from tests.core.story import Stage

from laurels.core import limits
from laurels.core.change import PointsPosted
from laurels.core.compile import compile_rulebook
from laurels.core.rulebook import FreezeReward, OfferReward, PointsReward
from laurels.core.rules.chain import Chain, Occasion
from laurels.core.rules.reward import pay
from laurels.core.state import State
from laurels.core.timer import decide_tick, settle_all
from laurels.engine.rulebook_text import load_rulebook

OLD = """
tiers: {by: points, levels: [{id: silver, at: 5, multiplier: 2}], requalify: {every: monthly}}
streaks: [{id: visits, event: visit}]
challenges: [{id: course, drop_off_hours: 24, objectives: [{event: visit, count: 2}]}]
earn: [{id: visit, event: visit, points: 5, expires: {days: 1}}]
"""
NEW = "earn: [{id: visit, event: visit, points: 5}]"
BEGUN = ["visit"]


def compiled(rulebook):
    return compile_rulebook(load_rulebook(rulebook), 1)


@pytest.mark.parametrize(
    ("rulebook", "outcome"),
    [
        # Points that were given with a life die all the same, and what was begun stands still.
        (NEW, ["points 5", "course dropped off", "points 5 expired"]),
        (
            NEW + "\ntiers: {by: points, levels: [{id: silver, at: 5}]}",
            ["points 5", "course dropped off", "points 5 expired"],
        ),
        (
            OLD.replace("silver", "gold"),
            ["points 5", "course 1>2", "course done", "course paid"],
        ),
    ],
)
def test_what_is_due_outlives_its_rule(rulebook, outcome):
    stage = Stage(compiled(OLD))
    list(stage.play(BEGUN))
    stage.rulebook = compiled(rulebook)

    told = list(stage.play(["visit", "+90d", "balance?"]))

    assert told[: len(outcome)] == outcome


def test_a_tier_that_is_gone_multiplies_nothing():
    stage = Stage(compiled(OLD))
    assert "tier None>silver" in list(stage.play(["visit"]))
    stage.rulebook = compiled(OLD.replace("silver", "gold"))

    assert next(stage.play(["visit"])) == "points 5"


def test_a_reward_that_is_gone_is_not_paid():
    chain = Chain(compiled(NEW), State(), Occasion("ann", NOON))
    rewards = OfferReward("mug", "Mug"), FreezeReward("visits", 2), PointsReward("points", 1)
    changes = list(pay(chain, rewards, "goal", NOON, -1))

    assert [type(change) for change in changes] == [PointsPosted]


@pytest.mark.parametrize("name", ["lots/points", "hold/x", "streak/visits", "tier/", "drop/course"])
def test_what_is_due_and_was_settled_otherwise_changes_nothing(name):
    state = State()
    state.set_due({name: NOON})
    changes, draft = decide_tick(compiled(OLD), state, NOON, Occasion("ann", NOON))
    draft.fold_in()

    assert changes == ()
    assert state.due == {}


def test_a_look_settles_a_bounded_number_of_moments():
    state = State()
    for n in range(limits.TICKS_AT_ONCE_MAX + 5):
        state.set_due({f"hold/{n}": NOON + n})
    settle_all(compiled(OLD), state, Occasion("ann", NOON + DAY))
    assert len(state.due) == 5
    settle_all(compiled(OLD), state, Occasion("ann", NOON + DAY))
    assert state.due == {}


def test_a_badge_by_hand_is_given_once_and_must_exist():
    stage = Stage(compiled("badges: [{id: b, title: The Best}]"))

    assert list(stage.play(["badge b", "badge b", "badge c"])) == ["badge b", "UnknownName"]
    assert stage.states["ann"].badges == {"b": NOON}
