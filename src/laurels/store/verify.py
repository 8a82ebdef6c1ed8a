"""Holds the data against its own promises: sums, gaps, and states that are folds of the journal."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from laurels.core.change import ParticipantReset, PointsPosted
from laurels.core.draft import Draft
from laurels.core.event import EventId, TenantId
from laurels.core.evolve import evolve
from laurels.core.ledger import NOTHING, Balance, is_in_hand, total
from laurels.core.section import HOLD, LOTS
from laurels.core.state import State, decode_progress
from laurels.store.hand import Hand
from laurels.store.rows import decode_changes
from laurels.store.verify_standings import verify_standings


def verify(reader: Hand) -> Iterator[str]:
    """Yield every finding of every world as a sentence. Reads all of it, in one snapshot."""
    for (world,) in reader.run("all_worlds").fetchall():
        for finding in _verify_world(reader, world):
            yield f"{world}: {finding}"


def _verify_world(reader: Hand, world: TenantId) -> Iterator[str]:
    for head, count, last in reader.run("verify_heads", world):
        yield f"the journal should end at {head}; it has {count} rows and ends at {last}."
    for event, count in reader.run("verify_events", world):
        yield f"event {event} is in the journal {count} times."
    for number, event in reader.run("verify_journal", world):
        yield f"journal row {number} tells of event {event}, which is not there."
    for participant, operation, number in reader.run("verify_receipts", world):
        points = f"a receipt of {participant} ({operation}) points at journal row {number}"
        yield f"{points}, which is not there, or is somebody else's."
    for reward, taken, count in reader.run("verify_pools", world):
        yield f"reward {reward} was taken {taken} times, but there are {count} claims of it."
    for (contest,) in reader.run("verify_contests", world):
        yield f"contest {contest} is closed, and the journal does not tell by what."
    yield from _verify_figures(reader, world)
    yield from _verify_states(reader, world)
    yield from verify_standings(reader, world)


def _verify_figures(reader: Hand, world: TenantId) -> Iterator[str]:
    for name, hour, told, count in reader.run("verify_figures", world):
        yield f"the analytics tell of {told} events {name!r} in hour {hour}, but there are {count}."
    for told, count in reader.run("verify_sum_of_figures", world):
        yield f"the analytics tell of {told} events in all, but {count} were accepted."


def _verify_states(reader: Hand, world: TenantId) -> Iterator[str]:
    """Compare each state with the sum of its postings and with the fold of its journal."""
    posted: dict[str, dict[str, Balance]] = {}
    for participant, currency, *sums in reader.stream("sum_postings", world):
        posted.setdefault(participant, {})[currency] = Balance(*sums)

    journals = groupby(reader.stream("all_journal", world), key=itemgetter(0))
    folds = ((participant, _Fold(rows)) for participant, rows in journals)
    folded = next(folds, None)
    # Both come in the order of the participants, so that neither has to be held whole.
    for participant, text in reader.stream("all_states", world):
        state = State(text)
        yield from _verify_sums(participant, state, posted.pop(participant, {}))
        _unfold(reader, world, participant, state)
        while folded is not None and folded[0] < participant:
            yield f"{folded[0]} has a journal but no state."
            folded = next(folds, None)
        if folded is None or folded[0] != participant:
            yield f"{participant} has a state but no journal."
            continue
        yield from _verify_fold(participant, state, folded[1])
        folded = next(folds, None)
    while folded is not None:
        yield f"{folded[0]} has a journal but no state."
        folded = next(folds, None)
    yield from (f"{participant} has postings but no state." for participant in sorted(posted))


def _verify_sums(participant: str, state: State, posted: dict[str, Balance]) -> Iterator[str]:
    held: dict[str, int] = {}
    for hold in filter(None, (state.read(HOLD, key) for key in state.keys(HOLD))):
        held[hold.currency] = held.get(hold.currency, 0) + hold.amount
    for currency in sorted({*posted, *state.balances}):
        has, summed = state.balances.get(currency, NOTHING), posted.get(currency, NOTHING)
        if has != summed:
            yield f"{participant} holds {has} of {currency}, but the postings sum to {summed}."
        if has.held != held.get(currency, 0):
            yield f"{participant} has set aside {has.held} of {currency}, not what the holds say."
        if total(state.read(LOTS, currency) or ()) > has.amount:
            yield f"{participant} has lots of more {currency} than the balance."


def _verify_fold(participant: str, state: State, fold: "_Fold") -> Iterator[str]:
    if fold.state.picture() != state.picture():
        yield f"the state of {participant} is not the fold of its journal."
    if fold.posted != state.posted or not fold.is_chained:
        yield f"the ledger of {participant} cannot be walked back to its beginning."


class _Fold:
    """One participant's journal, folded: the state, and the chain of those that made postings."""

    def __init__(self, rows: Iterable[tuple[str, EventId, str, EventId | None]]) -> None:
        self.state = State()
        self.posted: tuple[int, EventId] | None = None
        self.is_chained = True
        for _, command, text, before in rows:
            changes = decode_changes(text)
            draft = Draft(self.state)
            for change in changes:
                evolve(draft, change)
            draft.fold_in()
            if any(isinstance(one, ParticipantReset) for one in changes):
                self.posted = None
            postings = sum(isinstance(one, PointsPosted) and is_in_hand(one) for one in changes)
            self._walk(command, postings, before)

    def _walk(self, command: EventId, postings: int, before: EventId | None) -> None:
        count, last = self.posted or (0, None)
        if before != (last if postings else None):
            self.is_chained = False
        if postings:
            self.posted = (count + postings, command)


def _unfold(reader: Hand, world: TenantId, participant: str, state: State) -> None:
    """Put the folded windows back. A live one is newer than its row."""
    if state.folded:
        rows = reader.run("all_windows", world, participant)
        for challenge, window, progress in rows:
            if window not in state.windows(challenge):
                state.put_window(challenge, window, decode_progress(progress))
