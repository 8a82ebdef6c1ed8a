"""A transaction of the one writer: what it read or wrote before, it need not read again."""

from collections.abc import Mapping, Sequence

from laurels.core.compile import Compiled
from laurels.core.event import ParticipantId, TenantId
from laurels.core.state import State
from laurels.store.ranks import Told
from laurels.store.rows import encode_list
from laurels.store.sqlite.cache import Cache
from laurels.store.sqlite.connections import SqliteHand
from laurels.store.transaction import SqlTransaction


class SqliteTransaction(SqlTransaction):
    """`told` is where it says what it has done to rankings."""

    def __init__(self, hand: SqliteHand, tenant: TenantId, cache: Cache, told: list[Told]) -> None:
        super().__init__(hand, tenant)
        self._cache = cache
        self._told = told

    def exclude(self) -> None:
        """Do nothing: no batch ever runs beside another."""

    def rulebook(self) -> Compiled:
        return self._cache.rulebook(
            self._tenant, lambda: self._hand.run("rulebook_in_force", self._tenant).fetchone()
        )

    def lock_states(self, participants: Sequence[ParticipantId]) -> Mapping[ParticipantId, State]:
        states, missing = self._cache.states(self._tenant, participants)
        if missing:
            # All of them before the first is read: a cursor that a damaged one has stopped keeps
            # the old snapshot for as long as anybody holds the traceback, and the writer with it.
            rows = self._hand.run("lock_states", encode_list(missing), self._tenant).fetchall()
            found = {participant: State(text) for participant, text in rows}
            for participant in missing:
                states[participant] = found.get(participant) or State()
        return states

    def _keep(self, states: Mapping[ParticipantId, State], told: Sequence[Told]) -> None:
        self._cache.keep(self._tenant, states)
        self._told.extend(told)
