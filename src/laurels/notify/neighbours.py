"""What one process tells the others that share its Redis, and what it hears from them."""

from collections.abc import Callable, Collection
from typing import Final

from laurels.core.event import ParticipantId, TenantId
from laurels.engine.clock import stopwatch
from laurels.engine.ports import Clock, Meter, Submitter
from laurels.engine.sharing import SeveralWriters
from laurels.link import BlockingLink, Link
from laurels.notify.heard import HeardKeys
from laurels.notify.listener import Listener
from laurels.notify.receipts import SharedReceipts
from laurels.notify.teller import Teller
from laurels.notify.wake import Hearing, Topic, hearing_any, hearing_moved

CLOSE_S_MAX: Final = 3.0


class Neighbours:
    """
    What is told, and what is heard, by one process among several.

    `may_begin_anew` names those whose receipts are the store's alone: a process that forgets them
    cannot make the others forget before the next request.
    """

    def __init__(
        self,
        connect: Callable[[], BlockingLink],
        clock: Clock,
        may_begin_anew: Callable[[ParticipantId], bool],
    ) -> None:
        self._connect = connect
        self._may_begin_anew = may_begin_anew
        self._heard = HeardKeys()
        self._hearings: dict[Topic, Hearing] = {}
        self._listener: Listener | None = None
        self.teller = Teller(self._connect, clock, may_begin_anew)

    def hear(
        self,
        *,
        moved: Callable[[Collection[TenantId] | None], None] | None = None,
        revoked: Callable[[], None] | None = None,
        arrived: Callable[[], None] | None = None,
    ) -> None:
        """Say who wants to hear; they are called on the listener's thread."""
        if moved is not None:
            self._hearings["moved"] = hearing_moved(moved)
        if revoked is not None:
            self._hearings["revoked"] = hearing_any(revoked)
        if arrived is not None:
            self._hearings["arrived"] = hearing_any(arrived)

    def receipts(self, submitter: Submitter, link: Link, meter: Meter) -> Submitter:
        """Let a submitter recall what others committed."""
        self._hearings["kept"] = self._heard.hear
        shared = SharedReceipts(submitter, link, self._heard, meter.recalled)
        return SeveralWriters(shared, self._may_begin_anew)

    def start(self) -> None:
        """Begin to tell and to hear."""
        self.teller.start()
        if self._hearings:
            self._listener = Listener(self._connect, self._hearings)
            self._listener.start()

    def close(self) -> None:
        """Tell the last of it. May block for up to CLOSE_S_MAX."""
        until = stopwatch() + CLOSE_S_MAX
        ending = [self.teller, *filter(None, [self._listener])]
        for one in ending:
            one.stop()
        for one in ending:
            one.join(max(0.0, until - stopwatch()))
