"""A transaction among others: whoever it is about is locked before anything is read of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from laurels.core.compile import Compiled
from laurels.core.event import ParticipantId, TenantId
from laurels.core.shared import Shared
from laurels.core.state import State
from laurels.engine.ports import Address, Conflict, Record, Remembered
from laurels.engine.recent import Recent
from laurels.store.hand import Row
from laurels.store.postgres.connections import PostgresHand
from laurels.store.ranks import Told
from laurels.store.rows import encode_list
from laurels.store.rulebooks import NO_RULEBOOK, compiled
from laurels.store.transaction import SqlTransaction

NAMES_KNOWN_MAX: Final = 200_000
AGO: Final = "participants that were there are gone: this is an earlier state of the database"
"""
As a backup is, or a standby that took over and had not heard of the last commits. Locks are taken
in order, and ours were not: with nothing remembered, all of it is done again from its beginning.
"""


class Memory:
    """What one process remembers that no other can change: rulebooks by version, rows that stay."""

    def __init__(self) -> None:
        self.rulebooks: dict[TenantId, Compiled] = {}
        self.participants = Recent[tuple[TenantId, ParticipantId], bool](NAMES_KNOWN_MAX)
        """Whose rows are known to be there."""

    def clear(self) -> None:
        """Forget it all: the database is another one than we knew."""
        self.rulebooks.clear()
        self.participants.clear()


class PostgresTransaction(SqlTransaction):
    """
    Locks are taken in one order: the tenant's contests, participants, stock, the tenant's head.

    A row that is not there cannot be locked, so it is made first, in the order of its key. What was
    made and not written by the end is deleted again.
    """

    def __init__(self, hand: PostgresHand, tenant: TenantId, memory: Memory) -> None:
        super().__init__(hand, tenant)
        self._database_hand = hand
        self._memory = memory
        self._rulebook: Compiled | None = None
        self._made: set[ParticipantId] = set()
        self._has_receipts = False
        """Whether one was found, expired or not, under the keys that this is about."""
        self.rows = 0
        """Of the journal, written so far."""

    def exclude(self) -> None:
        self._hand.lock(self._contests)

    def rulebook(self) -> Compiled:
        if self._rulebook is None:
            self._rulebook = self._in_force()
            if self._rulebook.rulebook.contests:
                # Whoever closes one waits for those who score, and they for the closing.
                self._hand.lock(self._contests, shared=True)
        return self._rulebook

    def lock_states(self, participants: Sequence[ParticipantId]) -> Mapping[ParticipantId, State]:
        if not participants:
            return {}
        tenant, known = self._tenant, self._memory.participants
        strangers = [name for name in participants if known.get((tenant, name)) is None]
        if strangers:
            self._hand.run("make_participants", tenant, encode_list(strangers))
        rows = self._hand.run("lock_states", encode_list(participants), tenant).fetchall()
        if len(rows) < len(participants):
            self._memory.clear()
            raise Conflict(AGO)
        self._made = {name for name, text in rows if not text}
        for name in strangers:
            if name not in self._made:
                known.put((tenant, name), True)  # noqa: FBT003 - a set would have no such argument
        return {name: State(text or None) for name, text in rows}

    def shared(self, offers: Collection[str]) -> Shared:
        if offers:
            names = encode_list(sorted(offers))
            self._hand.run("make_pools", self._tenant, names)
            self._hand.run("lock_pools", names, self._tenant)
        return super().shared(offers)

    def find_receipts(self, addresses: Sequence[Address]) -> dict[Address, Remembered]:
        found = super().find_receipts(addresses)
        self._has_receipts = bool(found)
        return found

    def record(self, records: Sequence[Record], states: Mapping[ParticipantId, State]) -> None:
        rows = sum(1 + len(each.remembered.receipt.changes) for each in records)
        self.rows += len(records)
        with self._database_hand.together(rows):
            super().record(records, states)

    def give_back(self) -> None:
        """Delete what was made to be locked, and nothing came of."""
        if self._made:
            self._hand.run("delete_participants", encode_list(self._made), self._tenant)

    def _put_receipts(self, rows: Sequence[Row]) -> None:
        # A key may be used again once its receipt has expired, be it within a batch of those that
        # waited for long; no statement writes a row twice.
        rows = list({row[:4]: row for row in rows}.values())
        if self._has_receipts:
            super()._put_receipts(rows)
        else:  # Whoever could write one has to lock its participant first.
            self._hand.many("insert_receipts", (row[:-1] for row in rows))

    def _keep(self, states: Mapping[ParticipantId, State], told: Sequence[Told]) -> None:  # noqa: ARG002 - rankings here read the journal
        self._made -= states.keys()

    @property
    def _contests(self) -> str:
        return f"contests of {self._tenant}"

    def _in_force(self) -> Compiled:
        tenant, known = self._tenant, self._memory.rulebooks
        (version,) = self._hand.run("rulebook_version", tenant).fetchone()
        if version is None:
            return NO_RULEBOOK
        if tenant not in known or known[tenant].version != version:
            row = self._hand.run("rulebook_of_version", tenant, version).fetchone()
            known[tenant] = compiled(row)
        return known[tenant]
