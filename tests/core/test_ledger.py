"""Postings between accounts: what is taken on one side is given on the other."""

import pytest

from laurels.core import limits
from laurels.core.change import Parked, PointsPosted
from laurels.core.errors import AmountTooLarge, WouldOverdraw
from laurels.core.evolve import evolve
from laurels.core.ledger import MINT, NOTHING, Balance, account_of, credit, debit, is_house
from laurels.core.state import Draft, State

ANN = account_of("ann")


def fold(state, *changes):
    draft = Draft(state)
    for change in changes:
        evolve(draft, change)
    draft.fold_in()


def test_what_is_earned_and_spent_is_summed_for_life():
    state = State()
    fold(state, PointsPosted(MINT, ANN, "points", 10, "a"))
    fold(
        state, PointsPosted(ANN, "@shop", "points", 4, "b"), PointsPosted(MINT, ANN, "gem", 1, "c")
    )

    assert state.balances == {"points": Balance(6, earned=10, spent=4), "gem": Balance(1, 1, 0)}


def test_nobody_spends_what_they_do_not_hold():
    with pytest.raises(WouldOverdraw):
        debit(Balance(3, 3, 0), 4)
    assert debit(Balance(3, 3, 0), 3) == Balance(0, 3, 3)


def test_a_lifetime_has_its_largest_sum():
    assert credit(NOTHING, limits.AMOUNT_MAX).amount == limits.AMOUNT_MAX
    with pytest.raises(AmountTooLarge):
        credit(Balance(0, limits.AMOUNT_MAX, limits.AMOUNT_MAX), 1)


def test_no_participant_can_pose_as_a_house_account():
    assert is_house(MINT)
    assert not is_house(account_of(MINT))


def test_what_was_parked_changes_nothing():
    state = State()
    fold(state, Parked("ChainTooLong", "…"))

    assert state.picture() == State().picture()
