"""A move in another window than the present one says so: whoever looks now does not see it."""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.cast import DAY, HOUR, NOON, SECOND

from laurels.core.change import ProgressMoved
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide_fact
from laurels.core.event import Fact
from laurels.core.rules.chain import Occasion
from laurels.core.state import State
from laurels.engine.rulebook_text import load_rulebook

MINUTE = 60 * SECOND
KOLKATA_MIDNIGHT = int(datetime(2024, 5, 15, 18, 30, tzinfo=UTC).timestamp()) * 1000


def moves(window, *moments, timezone="UTC"):
    """Say of each fact, by when it was and when it was decided, whether its move was aside."""
    rulebook = compile_rulebook(
        load_rulebook(
            f"timezone: {timezone}\n"
            f"challenges: [{{id: a, window: {window}, objectives: [{{event: go, count: 9}}]}}]"
        ),
        1,
    )
    state, told = State(), []
    for at, now in moments:
        decision = decide_fact(rulebook, state, Fact("custom.go", {}, at), Occasion("ann", now))
        (move,) = decision.changes
        assert isinstance(move, ProgressMoved)
        told.append(move.aside)
        decision.draft.fold_in()
    return told


@pytest.mark.parametrize(
    ("window", "at", "aside"),
    [
        ("daily", NOON - 12 * HOUR, False),
        ("daily", NOON - 12 * HOUR - 1, True),
        ("daily", NOON + DAY, True),
        ("weekly", NOON - 2 * DAY, False),
        ("weekly", NOON - 3 * DAY, True),
        ("monthly", NOON - 14 * DAY, False),
        ("monthly", NOON - 15 * DAY, True),
        ("lifetime", NOON - 200 * DAY, False),
        ("{from: 2024-01-01, to: 2024-05-01}", NOON - 100 * DAY, False),
    ],
)
def test_it_is_aside_if_its_window_is_not_that_of_its_decision(window, at, aside):
    assert moves(window, (at, NOON)) == [aside]


def test_a_day_begins_where_its_participant_is():
    midnight = KOLKATA_MIDNIGHT

    assert moves(
        "daily",
        (midnight - 1, midnight),
        (midnight, midnight + 5),
        (midnight, midnight + 10 * MINUTE),
        (midnight - 1, midnight - 1),
        timezone="Asia/Kolkata",
    ) == [True, False, False, False]


def test_a_clock_that_is_a_little_ahead_tells_of_the_present():
    midnight = NOON + 12 * HOUR

    assert moves(
        "daily",
        (midnight, midnight - MINUTE),
        (midnight + 1, midnight - MINUTE),
    ) == [False, True]


def test_a_rolling_window_is_present_while_it_lasts_and_no_later_one_has_begun():
    assert moves(
        "{days: 3}",
        (NOON - DAY, NOON),  # Begins one that still lasts.
        (NOON, NOON),
        (NOON - 2 * DAY, NOON),  # Begins one that lasts too, but is not the latest.
        (NOON - DAY, NOON + 2 * DAY),  # Was in one that is over.
    ) == [False, False, True, True]


def test_a_rolling_window_that_lies_ahead_does_not_take_the_place_of_the_present_one():
    assert moves(
        "{days: 3}",
        (NOON - DAY, NOON),
        (NOON + 5 * DAY, NOON),
        (NOON - DAY + 1, NOON),
        (NOON + 5 * DAY + 1, NOON + 6 * DAY),
    ) == [False, True, False, False]


def test_what_is_not_aside_costs_no_byte():
    move = ProgressMoved("a", "b", "", 0, 1, 2)

    assert b"aside" not in msgspec.json.encode(move)
