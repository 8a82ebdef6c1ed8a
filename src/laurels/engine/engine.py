"""One path for whatever changes a participant: fetch, decide, record, for a batch at a time."""

import logging
from collections.abc import Sequence
from typing import Final

from laurels.core import limits
from laurels.core.command import Command, Reset
from laurels.core.errors import LimitMet, StateTooLarge, Unavailable
from laurels.core.event import TenantId
from laurels.engine.batch import Batch
from laurels.engine.clock import stopwatch
from laurels.engine.metrics import Metrics
from laurels.engine.ports import (
    Clock,
    Conflict,
    Meter,
    Notifier,
    Outcome,
    Receipt,
    Record,
    Remembered,
    Store,
    Unnoticed,
)
from laurels.engine.recent import Recent
from laurels.engine.replay import is_expired, replay

log = logging.getLogger(__name__)

REFUSED: Final = "The store does not take what would come of it."


class Engine:
    """
    Turns commands into receipts, exactly once each.

    `submit` is for one thread at a time: on the embedded store there is one writer. `recall` may be
    called from any thread.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        meter: Meter | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._meter = meter or Metrics()  # Which then nobody reads.
        self._notifier = notifier or Unnoticed()
        self._recent = Recent[tuple[str, ...], Remembered](limits.RECEIPTS_CACHED_MAX)

    def submit(self, commands: Sequence[Command], *, waited: bool = False) -> list[Outcome]:
        """
        Take a batch all the way. Commands may be of any tenants; each is judged on its own.

        Those that `waited` were accepted before, under the ids they carry: one whose id is decided
        already, however long ago, is answered as it was then.

        Raises Unavailable when nothing could be committed.
        """
        try:
            return self._commit(commands, waited=waited) if commands else []
        except Unavailable:
            self._meter.failed()
            raise
        except Exception as failure:
            self._meter.failed()
            # Somebody in the batch brings it down: alone, everybody else goes through.
            if not isinstance(failure, StateTooLarge):
                log.exception("a batch of %d is run again, one by one", len(commands))
            return [self._submit_alone(command, waited=waited) for command in commands]

    def has_decided(self, command: Command) -> bool:
        """
        Say whether a command is decided under the id that it carries, however long ago.

        Raises Unavailable when the store cannot say.
        """
        with self._store.transaction() as of_tenant:
            return command.id in of_tenant(command.tenant).find_decided([command.id])

    def recall(self, command: Command) -> Receipt | None:
        """Answer a replay from memory. A cache may answer a replay; it never decides one."""
        if command.key is None:
            return None
        remembered = self._recent.get(_cache_key(command, command.key))
        if remembered is None or is_expired(remembered.receipt, command):
            return None
        self._meter.recalled()
        return replay(remembered, command, "cache")

    def _submit_alone(self, command: Command, *, waited: bool) -> Outcome:
        """Take one command all the way, or park it. What its neighbours came to stands by now."""
        try:
            return self._commit([command], waited=waited)[0]
        except Unavailable as refusal:
            return refusal
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is this command's own
            reason = failure if isinstance(failure, LimitMet) else LimitMet(_said(failure))
            if reason is not failure:
                log.warning("event %s is not decided: %r", command.id, failure)
        try:
            return self._commit([command], waited=waited, park=reason)[0]
        except Exception:
            # Its id or its participant's state is no good, so it cannot even be parked.
            log.exception("event %s could be neither decided nor parked", command.id)
            return Unavailable()

    def _commit(
        self, commands: Sequence[Command], *, waited: bool, park: LimitMet | None = None
    ) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        records: list[Record] = []
        begun = stopwatch()
        with self._store.transaction() as of_tenant:
            for tenant, positions in _by_tenant(commands):
                own = [commands[position] for position in positions]
                batch = Batch(of_tenant(tenant), self._clock, own, waited=waited)
                outcomes.update(zip(positions, batch.judge(park), strict=True))
                records += batch.record()
        seconds = stopwatch() - begun
        for record in records:  # Only what is committed may be remembered.
            self._remember(record)
        in_order = [outcomes[position] for position in range(len(commands))]
        self._meter.committed(seconds, records, in_order)
        self._notifier.moved(records)
        return in_order

    def _remember(self, record: Record) -> None:
        command, remembered = record.command, record.remembered
        if isinstance(command, Reset):
            # Whoever begins anew may use their keys again.
            whose = command.tenant, command.participant
            self._recent.drop(lambda key: key[:2] == whose)
        if command.key is None:
            return
        if len(remembered.content) <= limits.RECEIPT_CACHED_BYTES_MAX:
            self._recent.put(_cache_key(command, command.key), remembered)


def _said(failure: Exception) -> str:
    """Say why something is parked, to whoever sent it: not in the words of a database."""
    return REFUSED if isinstance(failure, Conflict) else repr(failure)


def _cache_key(command: Command, key: str) -> tuple[str, ...]:
    return command.tenant, command.participant, command.operation, key


def _by_tenant(commands: Sequence[Command]) -> list[tuple[TenantId, Sequence[int]]]:
    """Return the positions of each tenant's commands, tenants in the order that locks are taken."""
    first = commands[0].tenant
    if all(command.tenant == first for command in commands):
        return [(first, range(len(commands)))]
    positions: dict[TenantId, list[int]] = {}
    for position, command in enumerate(commands):
        positions.setdefault(command.tenant, []).append(position)
    return sorted(positions.items())
