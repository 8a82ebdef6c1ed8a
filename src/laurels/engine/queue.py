"""The queue between accepting an event and deciding it: what it is asked, what it answers."""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from laurels.core.errors import Unavailable
from laurels.core.event import Event, EventId, Instant
from laurels.engine.ports import Receipt
from laurels.engine.replay import remember, replay

LANES: Final = 64
"""All of a participant's events wait in one of them, in the order in which they came."""
CLAIM_LIFETIME_MS: Final = 60 * 60 * 1000
"""How long a waiting key is known, unless it is parked; after that the store recognises it."""
WAIT_MS_MAX: Final = CLAIM_LIFETIME_MS // 2
"""While the oldest entry has waited longer than this, nothing more is accepted."""
CLAIM_SETTLED_MS: Final = 10_000
"""How long the claim of a decided event stays: for who asked the store just before."""


class Waiting(Struct, frozen=True, array_like=True):
    """Under which name a key waits in its lane, and a digest of what was sent with it."""

    id: EventId
    received_at: Instant
    content: bytes
    entry: str = ""
    """Where in the lane it stands."""


class Entry(Struct, frozen=True, kw_only=True):
    """One accepted event as it lies in its lane."""

    lane: int
    id: str
    raw: bytes
    event: Event | None
    """None for what nobody can read."""
    problem: str = ""
    """Why nobody can read it."""
    is_again: bool = False
    """Whether it was handed out before, to someone who never said what became of it."""


class Tries(NamedTuple):
    """What came of the times when an entry was tried alone."""

    failures: int
    deaths: int
    """How many others began and never told the end."""


class Original(NamedTuple):
    """What was sent first with a key."""

    event: Event
    is_parked: bool


class Backlog(NamedTuple):
    """What lies in all lanes together."""

    entries: int
    """Those that were parked among them."""
    oldest_ms: int
    """For how long the first of all has been waiting."""


class ParkedEntry(Struct, frozen=True, kw_only=True):
    """An entry that was taken out of its lane undecided, with the reason and as it was."""

    lane: int
    id: str
    reason: str
    parked_at: Instant
    raw: bytes
    event: Event | None


class Lanes(Protocol):
    """
    Where events are accepted. Made and used on one event loop.

    Everything raises Unavailable when the queue cannot be asked.
    """

    async def append(self, events: Sequence[Event]) -> list[Waiting | Unavailable | None]:
        """
        Keep each event, unless its key waits already: then say under which name.

        Where only a part of the lanes can be reached, the events of the others are Unavailable.
        """
        ...

    async def waiting(self, events: Sequence[Event]) -> list[Waiting | None]:
        """Return under which name the key of each event waits, if it does."""
        ...

    async def original(self, event: Event) -> Original | None:
        """
        Return what was sent first with the key of an event, while it waits or is parked.

        Raises Unavailable, too, when nobody can read it.
        """
        ...

    async def backlog(self) -> Backlog: ...


class Reader(Protocol):
    """
    Where events wait to be decided: for one thread at a time, but for `beat`.

    A lane is held by one reader at a time. Everything raises Unavailable when the queue cannot be
    asked.
    """

    @property
    def held(self) -> Collection[int]: ...
    def beat(self) -> None:
        """Say that this reader lives, and goes on holding its lanes. For any thread."""
        ...

    def share(self) -> None:
        """Take free lanes up to a fair share of them, or give back those above it."""
        ...

    def read(self, lanes: Collection[int], count: int) -> list[Entry]:
        """
        Return some entries of held lanes, each lane's in order.

        The first reads of a lane bring what was handed out before and not settled.
        """
        ...

    def look_again(self) -> None:
        """Begin all lanes anew with what was handed out before and not settled."""
        ...

    def done(self, entries: Sequence[Entry]) -> None:
        """Remove what is committed."""
        ...

    def begin(self, entry: Entry) -> Tries:
        """Note that an entry is tried alone from now on; return what came of that before."""
        ...

    def failed(self, entry: Entry) -> None:
        """Note that a trial ended in a failure that was the entry's own."""
        ...

    def spared(self, entry: Entry) -> None:
        """Take back that a trial began, if it did: what came of it was not the entry's fault."""
        ...

    def park(self, entry: Entry, reason: str, at: Instant) -> None: ...
    def leave(self) -> None:
        """Give back all lanes."""
        ...


class ParkedEntries(Protocol):
    """What was parked, for whoever looks after it. Blocking."""

    def installation(self) -> str | None:
        """Return whose queue it is; None where nobody has used it yet."""
        ...

    def listed(self, count: int) -> list[ParkedEntry]:
        """Return some, oldest first."""
        ...

    def requeue(self, lane: int, id_: str) -> bool:
        """Put an entry at the end of its lane, as it was; say whether there was one."""
        ...

    def discard(self, lane: int, id_: str) -> bool:
        """Give up an entry and free its key; say whether there was one."""
        ...


def content_of(event: Event) -> bytes:
    """Return a digest of what an event says, as it was spelled."""
    at = event.occurred_at if event.dated else ""
    return blake2b(f"{event.name}\0{at}\0{event.properties_json}".encode(), digest_size=16).digest()


def receipt_of(event: Event, *, known: bool = True) -> Receipt:
    """Return the answer to an event that is kept and not decided yet: no rulebook has judged it."""
    return Receipt(
        id=event.id,
        name=event.name,
        version=0,
        recorded_at=event.received_at,
        received_at=event.received_at,
        changes=(),
        known=known,
    )


def answer_to_twin(first: Event, event: Event, *, known: bool = True) -> Receipt:
    """Return the answer to an event whose key the first one has, both undecided."""
    return replay(remember(first, receipt_of(first, known=known)), event, "cache")
