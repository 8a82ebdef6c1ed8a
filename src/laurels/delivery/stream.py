"""One open stream: what is still to be sent, and when its reader is too slow."""

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from laurels.core import limits
from laurels.core.event import ParticipantId, TenantId
from laurels.delivery.cursor import Cursor
from laurels.engine.answers import JournalEntry

WhyReset: TypeAlias = Literal["unreadable", "unknown", "too_old"]
"""A cursor that is none, one that is ahead of us, or a gap that is not kept any more."""


Since: TypeAlias = Cursor | WhyReset | None
"""Where a stream goes on, or why it cannot; None begins now."""


class Subscriber(Struct, frozen=True, kw_only=True):
    """Whose stream it is, and the credential that it lives by."""

    tenant: TenantId
    participant: ParticipantId
    token_id: str
    issued_at_s: int
    expires_at_s: int


class Outlet(Protocol):
    """Where a stream's bytes leave. Nothing here waits, and nothing fails once it is closed."""

    @property
    def is_clear(self) -> bool:
        """Say whether all that was written has left."""
        ...

    def write(self, data: bytes) -> None: ...
    def close(self) -> None:
        """End the stream in good order."""
        ...

    def abort(self) -> None:
        """End it at once, and give back what has not left."""
        ...


class Dialect(Protocol):
    """How a stream speaks; each text is whole. The updates of an entry follow from it alone."""

    def greeting(self, at: Cursor) -> bytes:
        """Say what stands first, and where the stream begins."""
        ...

    def reset(self, why: WhyReset, at: Cursor) -> bytes:
        """Say that what came before is not told, and where the stream goes on."""
        ...

    def still_here(self, at: Cursor | None) -> bytes:
        """Say that nothing happened up to there."""
        ...

    def updates(self, entry: JournalEntry) -> list[bytes]: ...


class Stream:
    """
    One reader's end of a feed.

    What it has not taken in yet waits in its outlet. A reader who lets too much wait is cut off: it
    comes back to where it was by its own cursor.
    """

    __slots__ = (
        "_bytes_waiting",
        "_messages_waiting",
        "_outlet",
        "after",
        "is_ended",
        "is_live",
        "is_open",
        "since",
        "slot",
        "subscriber",
    )

    def __init__(self, subscriber: Subscriber, since: Since, slot: int) -> None:
        self.subscriber = subscriber
        self.since: Since = since
        self.slot = slot
        self.after = -1
        """While it is behind: the number up to which all has been handed to it."""
        self.is_live = False
        self.is_open = False
        self.is_ended = False
        self._outlet: Outlet | None = None
        self._messages_waiting = 0
        self._bytes_waiting = 0

    def begin(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.is_open = True
        if self.is_ended:
            self.end()

    @property
    def is_clear(self) -> bool:
        return self._outlet is not None and self._outlet.is_clear

    def hand(self, data: bytes, messages: int = 1) -> None:
        """Send some whole messages; cut the stream off when too many wait already."""
        outlet = self._outlet
        if outlet is None or not self.is_open:
            return
        if outlet.is_clear:
            # However much it is at once: nobody has been slow yet.
            self._messages_waiting, self._bytes_waiting = messages, len(data)
            outlet.write(data)
            return
        self._messages_waiting += messages
        self._bytes_waiting += len(data)
        if (
            self._messages_waiting > limits.STREAM_MESSAGES_MAX
            or self._bytes_waiting > limits.STREAM_BYTES_MAX
        ):
            self.cut_off()
        else:
            outlet.write(data)

    def end(self) -> None:
        """End it in good order, unless its reader would have to be waited for."""
        self.is_ended = True
        if self._outlet is None or not self.is_open:
            return
        if self._outlet.is_clear:
            self.is_open = False
            self._outlet.close()
        else:
            self.cut_off()

    def cut_off(self) -> None:
        if self._outlet is not None and self.is_open:
            self.is_open = False
            self._outlet.abort()
