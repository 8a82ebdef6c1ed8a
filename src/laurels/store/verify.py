"""Holds the data against its own promises: sums, gaps, and states that are folds of the journal."""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from laurels.core.event import TenantId
from laurels.core.evolve import evolve
from laurels.core.ledger import NOTHING, Balance, account_of
from laurels.core.state import Draft, State, decode_progress
from laurels.store.connections import STATEMENTS
from laurels.store.transaction import decode_changes


def verify(reader: sqlite3.Connection) -> Iterator[str]:
    """Yield every finding of every world as a sentence. Reads all of it, in one snapshot."""
    for (verdict,) in reader.execute("PRAGMA quick_check"):
        if verdict != "ok":
            yield f"The file is damaged: {verdict}."
    for (world,) in reader.execute(STATEMENTS["all_worlds"]).fetchall():
        for finding in _verify_world(reader, world):
            yield f"{world}: {finding}"


def _verify_world(reader: sqlite3.Connection, world: TenantId) -> Iterator[str]:
    for head, count, last in reader.execute(STATEMENTS["verify_heads"], (world,)):
        yield f"the journal should end at {head}; it has {count} rows and ends at {last}."
    for event, count in reader.execute(STATEMENTS["verify_events"], (world,)):
        yield f"event {event} is in the journal {count} times."
    for number, event in reader.execute(STATEMENTS["verify_journal"], (world,)):
        yield f"journal row {number} tells of event {event}, which is not there."
    for participant, operation, number in reader.execute(STATEMENTS["verify_receipts"], (world,)):
        yield f"a receipt of {participant} ({operation}) points at journal row {number} in vain."
    yield from _verify_states(reader, world)


def _verify_states(reader: sqlite3.Connection, world: TenantId) -> Iterator[str]:
    """Compare each state with the sum of its postings and with the fold of its journal."""
    posted: dict[str, dict[str, Balance]] = {}
    for account, currency, *sums in reader.execute(STATEMENTS["sum_postings"], (world,)):
        posted.setdefault(account, {})[currency] = Balance(*sums)

    journals = groupby(reader.execute(STATEMENTS["all_journal"], (world,)), key=itemgetter(0))
    folds = ((participant, _fold(text for _, text in rows)) for participant, rows in journals)
    folded = next(folds, None)
    # Both come in the order of the participants, so that neither has to be held whole.
    for participant, text in reader.execute(STATEMENTS["all_states"], (world,)):
        state = State(text)
        yield from _verify_sums(participant, state, posted.pop(account_of(participant), {}))
        _unfold(reader, world, participant, state)
        while folded is not None and folded[0] < participant:
            yield f"{folded[0]} has a journal but no state."
            folded = next(folds, None)
        if folded is None or folded[0] != participant:
            yield f"{participant} has a state but no journal."
            continue
        if folded[1].picture() != state.picture():
            yield f"the state of {participant} is not the fold of its journal."
        folded = next(folds, None)
    while folded is not None:
        yield f"{folded[0]} has a journal but no state."
        folded = next(folds, None)
    yield from (f"account {account} has postings but no participant." for account in posted)


def _verify_sums(participant: str, state: State, posted: dict[str, Balance]) -> Iterator[str]:
    for currency in sorted({*posted, *state.balances}):
        held, summed = state.balances.get(currency, NOTHING), posted.get(currency, NOTHING)
        if held != summed:
            yield f"{participant} holds {held} of {currency}, but the postings sum to {summed}."


def _fold(journal: Iterator[str]) -> State:
    state = State()
    for text in journal:
        draft = Draft(state)
        for change in decode_changes(text):
            evolve(draft, change)
        draft.fold_in()
    return state


def _unfold(reader: sqlite3.Connection, world: TenantId, participant: str, state: State) -> None:
    """Put the folded windows back. A live one is newer than its row."""
    if state.folded:
        rows = reader.execute(STATEMENTS["all_windows"], (world, participant))
        for challenge, window, progress in rows:
            if window not in state.windows(challenge):
                state.put_window(challenge, window, decode_progress(progress))
