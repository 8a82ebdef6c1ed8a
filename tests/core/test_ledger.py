"""Postings between accounts: what is taken on one side is given on the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.core import limits
from laurels.core.change import Parked, PointsPosted
from laurels.core.draft import Draft
from laurels.core.errors import AmountTooLarge, WouldOverdraw
from laurels.core.evolve import evolve
from laurels.core.ledger import (
    EXPIRED,
    MINT,
    NOTHING,
    SPENT,
    Balance,
    account_of,
    add_lot,
    held_account_of,
    is_earned,
    is_house,
    is_in_hand,
    post,
    take_lots,
    total,
)
from laurels.core.section import LOTS
from laurels.core.state import State

ANN, HELD = account_of("ann"), held_account_of("ann")

lots_of_days = st.dictionaries(st.integers(1, 9), st.integers(1, 9), max_size=5).map(
    lambda lots: tuple(sorted(lots.items()))
)


def fold(state, *changes):
    draft = Draft(state)
    for change in changes:
        evolve(draft, change)
    draft.fold_in()


def test_what_is_earned_and_spent_is_summed_for_life():
    state = State()
    fold(state, PointsPosted(MINT, ANN, "points", 10, "a"))
    fold(state, PointsPosted(ANN, SPENT, "points", 4, "b"), PointsPosted(MINT, ANN, "gem", 1, "c"))

    assert state.balances == {"points": Balance(6, earned=10, spent=4), "gem": Balance(1, 1, 0)}


@pytest.mark.parametrize(
    ("source", "target", "after"),
    [
        (MINT, ANN, Balance(14, earned=24, spent=5, held=5)),
        (ANN, SPENT, Balance(6, earned=20, spent=9, held=5)),
        # What expires is not spent.
        (ANN, EXPIRED, Balance(6, earned=20, spent=5, held=5)),
        (ANN, HELD, Balance(6, earned=20, spent=5, held=9)),
        (HELD, ANN, Balance(14, earned=20, spent=5, held=1)),
        (HELD, SPENT, Balance(10, earned=20, spent=9, held=1)),
        # What is given back was not spent after all, and is not earned anew.
        (SPENT, ANN, Balance(14, earned=20, spent=1, held=5)),
    ],
)
def test_a_posting_moves_points_between_two_accounts(source, target, after):
    assert post(Balance(10, earned=20, spent=5, held=5), source, target, 4) == after


def test_nobody_spends_what_they_do_not_hold():
    with pytest.raises(WouldOverdraw) as refused:
        post(Balance(3, 3, 0), ANN, SPENT, 4)
    assert (refused.value.available, refused.value.required) == (3, 4)
    with pytest.raises(WouldOverdraw) as refused:
        post(Balance(9, 9, 0, held=3), HELD, SPENT, 4)
    assert (refused.value.available, refused.value.required) == (3, 4)
    assert post(Balance(3, 3, 0), ANN, SPENT, 3) == Balance(0, 3, 3)


def test_a_lifetime_has_its_largest_sum():
    assert post(NOTHING, MINT, ANN, limits.AMOUNT_MAX).amount == limits.AMOUNT_MAX
    with pytest.raises(AmountTooLarge):
        post(Balance(0, limits.AMOUNT_MAX, limits.AMOUNT_MAX), MINT, ANN, 1)


def test_no_participant_can_pose_as_a_house_account():
    assert is_house(MINT)
    assert not is_house(account_of(MINT))
    assert not is_house(held_account_of(MINT))


def test_only_what_is_new_is_earned():
    assert is_earned(MINT, ANN)
    assert not any(
        is_earned(source, target)
        for source, target in [(SPENT, ANN), (HELD, ANN), (ANN, SPENT), (MINT, HELD)]
    )


def test_what_is_captured_from_a_hold_is_not_in_the_ledger_twice():
    assert is_in_hand(PointsPosted(ANN, HELD, "points", 1, "@hold"))
    assert is_in_hand(PointsPosted(HELD, ANN, "points", 1, "@release"))
    assert not is_in_hand(PointsPosted(HELD, SPENT, "points", 1, "@capture"))


@given(lots_of_days, st.integers(0, 60))
def test_lots_are_taken_from_the_front_and_none_is_lost(lots, amount):
    taken, left = take_lots(lots, amount)

    assert total(taken) == min(amount, total(lots))
    assert total(taken) + total(left) == total(lots)
    assert all(part for _, part in (*taken, *left))
    assert not taken or not left or taken[-1][0] <= left[0][0]


@given(lots_of_days, lots_of_days)
def test_lots_that_come_back_stand_where_they_stood(lots, others):
    for expires_at, amount in others:
        lots = add_lot(lots, expires_at, amount)
    days = [expires_at for expires_at, _ in lots]

    assert days == sorted(set(days))
    assert {expires_at for expires_at, _ in others} <= set(days)


def test_the_next_lot_to_expire_is_due():
    state = State()
    fold(state, PointsPosted(MINT, ANN, "points", 5, "a", expires_at=20))
    fold(state, PointsPosted(MINT, ANN, "points", 5, "a", expires_at=10))
    assert (state.read(LOTS, "points"), state.due_at) == (((10, 5), (20, 5)), 10)
    fold(state, PointsPosted(ANN, SPENT, "points", 7, "b"))
    assert (state.read(LOTS, "points"), state.due_at) == (((20, 3),), 20)
    fold(state, PointsPosted(ANN, SPENT, "points", 3, "b"))
    assert (state.read(LOTS, "points"), state.due_at) == (None, None)


def test_what_was_parked_changes_nothing():
    state = State()
    fold(state, Parked("ChainTooLong", "…"))

    assert state.picture() == State().picture()
