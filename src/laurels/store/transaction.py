"""Values ↔ rows, for one tenant within one transaction."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import LiteralString

from laurels.core.compile import Compiled
from laurels.core.event import ParticipantId, TenantId
from laurels.core.shared import Pool, Shared
from laurels.core.state import Progress, State, decode_progress
from laurels.engine.ports import Address, Record, Remembered, WindowName
from laurels.store.cache import Cache
from laurels.store.ranks import Told, standing_rows
from laurels.store.rows import (
    Row,
    encode_list,
    event_row,
    figure_rows,
    journal_row,
    posting_rows,
    rare_rows,
    receipt_rows,
    to_remembered,
)


class Transaction:
    """What the engine asks of the store, for one tenant. Every statement binds the tenant."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        statements: Mapping[str, LiteralString],
        cache: Cache,
        tenant: TenantId,
        told: list[Told],
    ) -> None:
        self._connection = connection
        self._sql = statements
        self._cache = cache
        self._tenant = tenant
        self._told = told

    def rulebook(self) -> Compiled:
        return self._cache.rulebook(self._tenant, lambda: self._run("rulebook_in_force").fetchone())

    def lock_states(self, participants: Sequence[ParticipantId]) -> Mapping[ParticipantId, State]:
        states, missing = self._cache.states(self._tenant, participants)
        if missing:
            # All of them before the first is read: a cursor that a damaged one has stopped keeps
            # the old snapshot for as long as anybody holds the traceback, and the writer with it.
            rows = self._run("lock_states", encode_list(missing), self._tenant).fetchall()
            found = {participant: State(text) for participant, text in rows}
            for participant in missing:
                states[participant] = found.get(participant) or State()
        return states

    def find_receipts(self, addresses: Sequence[Address]) -> dict[Address, Remembered]:
        found: dict[Address, Remembered] = {}
        for operation, group in groupby(sorted(addresses, key=itemgetter(1)), key=itemgetter(1)):
            wanted = list(group)
            rows = self._run(
                "find_receipts",
                encode_list(participant for participant, _, _ in wanted),
                self._tenant,
                operation,
                b"".join(digest for _, _, digest in wanted),
            ).fetchall()
            for participant, digest, *columns in rows:
                found[participant, operation, digest] = to_remembered(*columns)
        return found

    def find_windows(self, names: Sequence[WindowName]) -> dict[WindowName, Progress]:
        found: dict[WindowName, Progress] = {}
        for name in set(names):
            row = self._run("find_window", self._tenant, *name).fetchone()
            if row is not None:
                found[name] = decode_progress(row[0])
        return found

    def shared(self, offers: Collection[str]) -> Shared:
        pools = {
            offer: Pool(*self._run("find_pool", self._tenant, offer).fetchone())
            for offer in sorted(offers)
        }
        closed = frozenset[str]()
        if self.rulebook().rulebook.contests:
            closed = frozenset(row[0] for row in self._run("closed_contests"))
        return Shared(pools, closed)

    def record(self, records: Sequence[Record], states: Mapping[ParticipantId, State]) -> None:
        self._put_states(states)
        tenant = self._tenant
        if not records:  # Only due dates moved.
            self._cache.keep(tenant, states)
            return
        self._many("insert_events", filter(None, (event_row(record) for record in records)))
        (last,) = self._run("take_numbers", tenant, len(records)).fetchone()
        numbered = list(enumerate(records, start=last - len(records) + 1))
        self._many("insert_journal", (journal_row(number, record) for number, record in numbered))
        self._many("insert_postings", (row for one in numbered for row in posting_rows(*one)))
        self._many("put_receipts", sorted(receipt_rows(numbered)))
        self._many("insert_figures", figure_rows(numbered[0][0], records))
        moves = standing_rows(records)
        self._many("put_standings", moves)
        self._told.append((tenant, range(last - len(records) + 1, last + 1), moves))
        for name, row in rare_rows(numbered):
            self._run(name, *row)
        self._cache.keep(tenant, states)

    def _put_states(self, states: Mapping[ParticipantId, State]) -> None:
        tenant = self._tenant
        rows: list[Row] = []
        due: list[Row] = []
        windows: list[Row] = []
        for participant in sorted(states):
            state = states[participant]
            windows += [(tenant, participant, *window) for window in state.fold_away()]
            rows.append((tenant, participant, state.encode()))
            state.is_new = False
            due_at = state.due_at
            if due_at != state.due_kept:
                due.append((due_at, tenant, participant))
                state.due_kept = due_at
        self._many("put_participants", rows)
        if due:
            self._many("set_due", due)
        if windows:
            self._many("put_windows", windows)

    def _run(self, name: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(self._sql[name], values or (self._tenant,))

    def _many(self, name: str, rows: Iterable[Row]) -> None:
        self._connection.executemany(self._sql[name], rows)
