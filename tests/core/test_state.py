"""States: what is remembered of a participant, what is folded away, and drafts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.story import Stage

from laurels.core import limits
from laurels.core.compile import compile_rulebook
from laurels.core.draft import Draft
from laurels.core.ledger import Balance
from laurels.core.section import DONE, LOTS, PACE, TAKEN, TIER, Pace
from laurels.core.state import Progress, State, decode_progress, is_owed
from laurels.engine.rulebook_text import load_rulebook

DAYS = [f"2024-05-{day:02}" for day in range(1, 32)]
LIVE = limits.WINDOWS_LIVE_MAX


def reopened(state):
    return State(state.encode())


def test_nobody_is_known_from_the_beginning():
    state = State()

    assert state.is_new
    assert not reopened(state).is_new
    assert state.due_at is None
    assert state.timezone is None
    assert state.picture() == reopened(state).picture()


def test_sections_are_opened_where_somebody_looks():
    state = State()
    state.put(LOTS.at("gem"), ((5, 10),))
    state.put(DONE.at("walk"), 2)
    state.put(TAKEN.at("mug"), 1)
    state = reopened(state)
    state.put(TAKEN.at("mug"), None)
    state.put(LOTS.at("points"), ((7, 1),))

    for each in (state, reopened(state)):
        assert list(each.keys(LOTS)) == ["gem", "points"]
        assert list(each.keys(TAKEN)) == list(each.keys(PACE)) == []
        assert each.read(LOTS, "gem") == ((5, 10),)
        assert each.read(DONE, "walk") == 2
        assert each.read(TAKEN, "mug") is each.read(TIER, "") is None


def test_what_counts_is_found_by_how_it_begins():
    state = State()
    for name in ("walk", "/board/top", "/board/all"):
        state.put_window(name, "", Progress({"": 1}))
    state = reopened(state)
    state.put_window("/board/new", "", Progress({"": 1}))

    assert list(state.counted("/board/")) == ["/board/all", "/board/new", "/board/top"]


def test_the_ledger_can_be_walked_back():
    state = State()

    assert state.walk_back("a", 0) is None
    assert (state.walk_back("b", 2), state.posted) == (None, (2, "b"))
    assert (state.walk_back("c", 0), state.posted) == (None, (2, "b"))
    assert (state.walk_back("d", 1), state.posted) == ("b", (3, "d"))
    assert reopened(state).posted == (3, "d")


@given(st.sets(st.sampled_from(DAYS), max_size=20), st.sets(st.sampled_from(DAYS), max_size=3))
def test_the_oldest_windows_are_folded_away_but_for_what_is_owed(days, owed):
    state = State()
    for day in days:
        progress = Progress({"o": 1}, completed_at=5 if day in owed else None)
        state.put_window("walk", day, progress)
    before = dict(state.windows("walk"))

    away = state.fold_away()

    names = [name for _, name, _ in away]
    settled = sorted(day for day in days if not is_owed(before[day]))
    assert names == settled[: max(0, len(days) - LIVE)]
    assert {name: decode_progress(text) for _, name, text in away} == {
        name: before[name] for name in names
    }
    assert state.windows("walk") == {name: before[name] for name in days - set(names)}
    assert state.folded == ({"walk": max(names)} if names else {})
    for day in DAYS:
        assert state.misses("walk", day) == (
            day not in days - set(names) and day <= max(["", *names])
        )
    assert reopened(state).folded == state.folded


def test_what_was_folded_away_stays_folded():
    state = State()
    for day in DAYS[: LIVE + 2]:
        state.put_window("walk", day, Progress({"o": 1}))
    assert len(state.fold_away()) == 2
    state = reopened(state)
    assert state.fold_away() == []
    # A late window that was fetched again is folded away once more, and the newest name stays.
    state.put_window("walk", DAYS[0], Progress({"o": 2}))
    assert [name for _, name, _ in state.fold_away()] == [DAYS[0]]
    assert state.folded == {"walk": DAYS[1]}
    assert not state.misses("run", DAYS[0])


def test_a_ladder_counts_on_when_its_months_are_folded_away():
    ladder = """
tiers: {by: {event: visit}, levels: [{id: regular, at: 12}], requalify: {every: monthly}}
"""
    stage = Stage(compile_rulebook(load_rulebook(ladder), 1))
    for month in range(1, 12):
        assert list(stage.play([f"@2025-{month:02}-10T00:00Z", "visit"])) == []
        stage.states["ann"].fold_away()

    assert list(stage.play(["@2025-12-10T00:00Z", "visit"])) == ["tier None>regular"]


def test_a_draft_shows_nothing_until_it_is_folded_in():
    state = State()
    state.put(LOTS.at("gem"), ((5, 10),))
    state.put(LOTS.at("points"), ((5, 10),))
    state.items["boots"] = 1
    state.set_due({"lots/gem": 5})
    picture = state.picture()
    draft = Draft(state)
    draft.set_balance("points", Balance(3, 3))
    draft.add_badge("first", 5)
    draft.add_item("boots", 2)
    draft.add_item("hat", 1)
    draft.set_progress("walk", "b", Progress({"o": 1}))
    draft.put(LOTS, "gem", None)
    draft.put(PACE, "cup", Pace(held=2))
    draft.set_due("lots/gem", None)
    draft.set_due("hold/x", 9)

    assert (draft.keys(LOTS), draft.keys(PACE), draft.keys(TAKEN)) == (["points"], ["cup"], [])
    assert (draft.read(LOTS, "gem"), draft.read(PACE, "cup")) == (None, Pace(held=2))
    assert (draft.due("lots/gem"), draft.due("hold/x"), draft.due("hold/y")) == (None, 9, None)
    assert draft.windows("walk") == {"b": Progress({"o": 1})}
    assert draft.folded("walk") is None
    assert draft.has_badge("first")
    assert draft.is_due_moved
    assert (state.picture(), state.due) == (picture, {"lots/gem": 5})

    draft.fold_in()

    assert (state.items, state.badges, state.due) == (
        {"boots": 3, "hat": 1},
        {"first": 5},
        {"hold/x": 9},
    )
    assert (list(state.keys(LOTS)), state.due_at, state.due_kept) == (["points"], 9, None)
    assert reopened(state).due_kept == 9


@pytest.mark.parametrize(
    ("due", "is_moved"), [({}, False), ({"a": 5}, False), ({"b": None}, False), ({"a": 6}, True)]
)
def test_a_draft_knows_whether_anything_is_due_at_another_time(due, is_moved):
    state = State()
    state.set_due({"a": 5})
    draft = Draft(state)
    for name, at in due.items():
        draft.set_due(name, at)

    assert draft.is_due_moved is is_moved
