"""What the engine asks of the world, and the receipts it hands out."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from laurels.core.change import ChallengeClaimed, Change, Parked
from laurels.core.command import Command
from laurels.core.compile import Compiled
from laurels.core.errors import Refusal
from laurels.core.event import Event, EventId, Instant, ParticipantId, TenantId
from laurels.core.shared import Pool, Shared
from laurels.core.state import Progress, State
from laurels.engine.answers import (
    Analytics,
    AnalyticsAsked,
    BoardName,
    ClaimRow,
    Completion,
    ContestRow,
    Feed,
    History,
    HistoryEntry,
    JournalEntry,
    Ledger,
    Met,
    Placed,
    Ranking,
    Snapshot,
)

Answerer: TypeAlias = Literal["decision", "cache", "store"]


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """
    What we remember of our answer. Each API renders it in its own words, from this alone.

    `answered_by` tells a first answer from a replay, and which memory the replay came from.
    """

    id: EventId
    name: str
    """The event's name; empty for what is no event."""
    version: int
    """The rulebook's that judged it; 0 when there was none."""
    currency: str = "points"
    """That rulebook's first currency: what "points" without a name means."""
    recorded_at: Instant
    received_at: Instant
    changes: tuple[Change, ...]
    answered_by: Answerer = "decision"
    mismatch: bool = False
    """The same key came with other content; the first content stands."""
    known: bool = True
    """Whether any rule names this event. Only told in a first answer."""

    @property
    def duplicate(self) -> bool:
        return self.answered_by != "decision"

    @property
    def parked(self) -> Parked | None:
        """Why it could not be decided, if it could not: then that is all that came of it."""
        first = self.changes[0] if self.changes else None
        return first if isinstance(first, Parked) else None

    @property
    def is_paid_now(self) -> bool:
        """Whether this very answer is to a claim that paid."""
        return not self.duplicate and any(
            isinstance(change, ChallengeClaimed) and not change.quiet for change in self.changes
        )


Outcome: TypeAlias = Receipt | Refusal
"""What came of one command. Refusals are values here: one never harms its neighbours."""


class Queries(Protocol):
    """What can be asked. Each call reads one committed snapshot and may block: call in a thread."""

    def rulebook(self, tenant: TenantId) -> Compiled:
        """Return the rulebook in force; an empty one where there is none."""
        ...

    def rulebook_of(self, tenant: TenantId, version: int) -> Compiled:
        """Return a rulebook that was in force once."""
        ...

    def participant(self, tenant: TenantId, participant: ParticipantId) -> Met:
        """Return a state of its own: the caller may settle it. Whoever is unknown has a new one."""
        ...

    def ledger(
        self, tenant: TenantId, participant: ParticipantId, *, page: int, page_size: int
    ) -> Ledger: ...
    def count_events(self, tenant: TenantId, participant: ParticipantId) -> int: ...
    def claims(self, tenant: TenantId, participant: ParticipantId) -> list[ClaimRow]:
        """Return all claims, newest first."""
        ...

    def code(self, tenant: TenantId, offer: str, number: int) -> str | None:
        """Return the uploaded code of that number, from 1."""
        ...

    def pools(self, tenant: TenantId) -> dict[str, Pool]: ...
    def contests(self, tenant: TenantId) -> dict[str, ContestRow]:
        """Return the contests whose standings are final."""
        ...

    def receipts(
        self, tenant: TenantId, addresses: Sequence["Address"]
    ) -> dict["Address", "Remembered"]:
        """Return what is remembered under these addresses, expired or not."""
        ...

    def top(self, tenant: TenantId, name: BoardName, count: int) -> Ranking: ...
    def around(
        self, tenant: TenantId, name: BoardName, participant: ParticipantId, *, each_side: int
    ) -> Ranking:
        """Return the places next to a participant's, their own among them; none for strangers."""
        ...

    def place(
        self, tenant: TenantId, name: BoardName, participant: ParticipantId
    ) -> Placed | None: ...
    def total(self, tenant: TenantId, name: BoardName) -> int: ...
    def snapshot(self, tenant: TenantId, name: BoardName, *, day: int) -> Snapshot | None:
        """Return the ranks as they were when that day of the board's zone began."""
        ...

    def due(self, now: Instant, count: int) -> list[tuple[TenantId, ParticipantId]]:
        """Return some participants with something to settle, of all tenants, longest due first."""
        ...

    def worlds(self) -> list[TenantId]:
        """Return every world with a rulebook."""
        ...

    def history(
        self,
        tenant: TenantId,
        participant: ParticipantId,
        *,
        name: str | None,
        since: Instant | None,
        until: Instant | None,
        page: int,
        page_size: int,
    ) -> History:
        """Events with `since <= occurred_at < until`."""
        ...

    def latest_events(
        self, tenant: TenantId, participant: ParticipantId, *, count: int
    ) -> list[HistoryEntry]:
        """Return a participant's newest events by their own time, the latest first."""
        ...

    def completions(self, tenant: TenantId, *, rows: int, count: int) -> list[Completion]:
        """Return what was completed lately, oldest first: at most `count`, within `rows` rows."""
        ...

    def journal(self, tenant: TenantId, *, after: int, count: int) -> list[JournalEntry]:
        """Return what was decided after a cursor: journal numbers rise by one, without gaps."""
        ...

    def feed(
        self,
        tenant: TenantId,
        *,
        after: int,
        participants: Collection[ParticipantId],
        upto: int | None = None,
    ) -> Feed:
        """
        Return what was decided about these after a cursor, up to a number if one is given.

        It is a piece of bounded size. A cursor below 0 asks for the head alone.
        """
        ...

    def number_at(self, tenant: TenantId, at: Instant) -> int:
        """Return the number of the last entry that was recorded before then; 0 for none."""
        ...

    def analytics(self, tenant: TenantId, asked: AnalyticsAsked) -> Analytics:
        """Add up what events came to; those of the batches of late are among them."""
        ...

    def is_ready(self) -> bool: ...


class Snapshots(Protocol):
    def take_snapshot(self, tenant: TenantId, name: BoardName, *, day: int) -> None:
        """Keep the ranks of a board as they are when a day begins; the first of a day stays."""
        ...


class Upkeep(Snapshots, Protocol):
    """What the scheduler sees to beside commands."""

    def merge_analytics(self) -> bool:
        """Add up a bounded number of batches' figures by the hour; say whether more wait."""
        ...

    def forget_receipts(self, before: Instant) -> bool:
        """Look through some receipts for those received before, and say if there were many."""
        ...


class Clock(Protocol):
    """The only way to learn the time or a new id."""

    def now(self) -> Instant: ...
    def accept(self, count: int) -> tuple[Instant, list[EventId]]:
        """Return the moment of acceptance, and ids of that moment, rising."""
        ...


class Submitter(Protocol):
    """The async edge of the engine: what waits at the same moment becomes one transaction."""

    def submit(self, commands: Sequence[Command]) -> Awaitable[list[Outcome]]:
        """Await one outcome a command, in order, once all of them are committed."""
        ...

    def recall(self, command: Command) -> Awaitable[Receipt | None]:
        """Return the cached receipt of a committed command with this key, if there is one."""
        ...


class Remembered(Struct, frozen=True, gc=False):
    """A receipt with the content it was given for, to tell a reused key from a retry."""

    receipt: Receipt
    content: str
    """The properties of an event as they were sent, or what another command asked for, as JSON."""
    occurred_at: Instant = 0


Address: TypeAlias = tuple[ParticipantId, str, bytes]
"""Whose key, for which operation, and the key's 16-byte digest."""


class Record(Struct, frozen=True, gc=False):
    """One decided command, ready to be written. Without a key it has no address."""

    command: Command
    remembered: Remembered
    address: Address | None
    before: EventId | None = None
    """Where this one makes postings: the participant's command before it that did."""


WindowName: TypeAlias = tuple[ParticipantId, str, str]
"""One window of one challenge of one participant."""


class Transaction(Protocol):
    """
    One unit of work on one tenant's data: it all happens, or none of it does.

    Values are locked in the order in which these methods stand.
    """

    def exclude(self) -> None:
        """Let no batch of the tenant run beside this one, wherever it runs."""
        ...

    def rulebook(self) -> Compiled: ...
    def lock_states(self, participants: Sequence[ParticipantId]) -> Mapping[ParticipantId, State]:
        """Return every participant's state to work on, a fresh one for those never met."""
        ...

    def find_receipts(self, addresses: Sequence[Address]) -> dict[Address, Remembered]: ...
    def find_decided(self, commands: Sequence[EventId]) -> dict[EventId, Remembered]:
        """Return what is remembered of commands, by their ids alone and however old."""
        ...

    def find_twins(self, events: Sequence[Event]) -> dict[EventId, EventId]:
        """
        Return for events with keys which other one stands for them: no receipt may tell any more.

        That is the first with the same key that was received within a receipt's lifetime of them,
        before or after.
        """
        ...

    def find_windows(self, names: Sequence[WindowName]) -> dict[WindowName, Progress]: ...
    def shared(self, offers: Collection[str]) -> Shared:
        """Return the pools of these offers, and all contests that are closed."""
        ...

    def record(self, records: Sequence[Record], states: Mapping[ParticipantId, State]) -> None:
        """
        Write the records and the states they moved; last of all, take their journal numbers.

        Raises StateTooLarge when a state has outgrown its limit.
        """
        ...

    def put_duplicates(self, duplicates: Mapping[EventId, EventId]) -> None:
        """Keep ids that were answered, beside those whose receipts stand for them."""
        ...


class Store(Protocol):
    def transaction(self) -> AbstractContextManager[Callable[[TenantId], Transaction]]:
        """
        Begin; leaving normally commits, leaving by an exception rolls everything back.

        Raises Unavailable when the store cannot be asked, and Conflict when a constraint fired.
        """
        ...


class Meter(Protocol):
    """Hears what the engine does, on whichever thread does it. It must not fail, nor block."""

    def committed(
        self, seconds: float, records: Sequence[Record], outcomes: Sequence[Outcome]
    ) -> None:
        """Hear of a batch that was committed: what was decided, and the answer to each command."""
        ...

    def failed(self) -> None:
        """Hear of a batch that could not be committed as a whole."""
        ...

    def recalled(self) -> None:
        """Hear of a replay out of memory."""
        ...


class Notifier(Protocol):
    """
    Hears whom a commit moved, on whichever thread committed, so that readers look sooner.

    It carries no news: what is missed here is found by looking. It must not fail, nor block.
    """

    def moved(self, records: Sequence[Record]) -> None: ...


class Unnoticed(Notifier):
    """A notifier where nobody waits."""

    def moved(self, records: Sequence[Record]) -> None:
        """Leave it at that."""


class Conflict(Exception):
    """A constraint of the store fired: a bug of ours, contained by running the batch one by one."""
