"""What the one writer remembers between transactions, and drops when anybody else has written."""

from collections.abc import Callable, Mapping, Sequence

from laurels.core import limits
from laurels.core.compile import Compiled
from laurels.core.event import ParticipantId, TenantId
from laurels.core.state import State
from laurels.engine.recent import Recent
from laurels.store.rulebooks import compiled


class Cache:
    """
    Decoded states and compiled rulebooks.

    It is only right because there is one writer: whoever else writes changes the file's
    `data_version`, and whatever fails leaves states half moved; both call `clear`.
    """

    def __init__(self) -> None:
        self._states = Recent[tuple[TenantId, ParticipantId], State](limits.STATES_CACHED_MAX)
        self._rulebooks: dict[TenantId, Compiled] = {}

    def clear(self) -> None:
        self._states.clear()
        self._rulebooks.clear()

    def rulebook(
        self, tenant: TenantId, in_force: Callable[[], tuple[int, str] | None]
    ) -> Compiled:
        rulebook = self._rulebooks.get(tenant)
        if rulebook is None:
            rulebook = self._rulebooks[tenant] = compiled(in_force())
        return rulebook

    def states(
        self, tenant: TenantId, participants: Sequence[ParticipantId]
    ) -> tuple[dict[ParticipantId, State], list[ParticipantId]]:
        """Return the states at hand, and whose are missing."""
        states: dict[ParticipantId, State] = {}
        missing: list[ParticipantId] = []
        for participant in participants:
            state = self._states.get((tenant, participant))
            if state is None:
                missing.append(participant)
            else:
                states[participant] = state
        return states, missing

    def keep(self, tenant: TenantId, states: Mapping[ParticipantId, State]) -> None:
        """Keep states that have been written."""
        for participant, state in states.items():
            self._states.put((tenant, participant), state)
