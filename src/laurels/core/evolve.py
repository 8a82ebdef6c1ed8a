"""How a change changes the state. It never judges: the change says all there is to know."""

from bisect import insort
from typing import assert_never

from laurels.core.change import (
    BadgeAwarded,
    ChallengeClaimed,
    ChallengeCompleted,
    Change,
    ItemGranted,
    Parked,
    PointsPosted,
    ProgressMoved,
)
from laurels.core.ledger import credit, debit, is_house
from laurels.core.state import Draft, Progress


def evolve(draft: Draft, change: Change) -> None:
    """Carry one change over into the draft. A state is the fold of its journal by this function."""
    match change:
        case ProgressMoved():
            _move(draft, change)
        case PointsPosted():
            _post(draft, change)
        case ChallengeCompleted():
            before = draft.progress(change.challenge, change.window)
            after = Progress(before.measures, before.seen, change.at, before.claimed_at)
            draft.set_progress(change.challenge, change.window, after)
        case ChallengeClaimed():
            before = draft.progress(change.challenge, change.window)
            after = Progress(before.measures, before.seen, before.completed_at, change.at)
            draft.set_progress(change.challenge, change.window, after)
        case BadgeAwarded():
            draft.add_badge(change.badge, change.at)
        case ItemGranted():
            draft.add_item(change.item, change.quantity)
        case Parked():
            pass
        case _:
            assert_never(change)


def _move(draft: Draft, move: ProgressMoved) -> None:
    before = draft.progress(move.challenge, move.window)
    seen = before.seen
    if move.value is not None:
        values = list(seen.get(move.objective, ()))
        insort(values, move.value)
        seen = {**seen, move.objective: values}
    after = Progress(
        {**before.measures, move.objective: move.after},
        seen,
        before.completed_at,
        before.claimed_at,
    )
    draft.set_progress(move.challenge, move.window, after)


def _post(draft: Draft, posting: PointsPosted) -> None:
    # One side is always a house account, so the other one is this participant's.
    balance = draft.balance(posting.currency)
    after = (credit if is_house(posting.source) else debit)(balance, posting.amount)
    draft.set_balance(posting.currency, after)
