"""Tells other processes what happened here, on a thread of its own."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from laurels.core.event import ParticipantId, TenantId
from laurels.core.limits import RECEIPTS_TO_SHARE_MAX
from laurels.engine.ports import Clock, Notifier, Record
from laurels.link import FAILURES, BlockingLink
from laurels.notify.receipts import keep, kept_of
from laurels.notify.wake import CHANNEL, TENANTS_NAMED_MAX, Topic, write_moved

log: Final = logging.getLogger("laurels.notify")

GAP_S: Final = 0.02
"""How long what happens next is gathered after something was told: fifty messages a second."""
PAUSE_S_MIN: Final = 0.1
PAUSE_S_MAX: Final = 1.0


class Untold(NamedTuple):
    """What is still to be told. Tenants past a number are any."""

    topics: set[Topic]
    tenants: set[TenantId]
    records: list[Record]


class Teller(Notifier):
    """
    Never fails nor blocks whoever has something to tell, and never holds more than a little of it.

    What happens at the same moment is told as one. While Redis is away the receipts are dropped,
    and the wake-ups come down to one, which says that anything may have happened.
    """

    def __init__(
        self,
        connect: Callable[[], BlockingLink],
        clock: Clock,
        may_begin_anew: Callable[[ParticipantId], bool],
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._may_begin_anew = may_begin_anew
        self._lock = threading.Lock()
        self._untold = Untold(set(), set(), [])
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._link: BlockingLink | None = None
        self._missed: set[Topic] = set()
        self._thread = threading.Thread(target=self._run, name="laurels-teller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tell the last of it, then end."""
        self._stopping.set()
        self._woken.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, but not for long."""
        self._thread.join(timeout_s)

    def moved(self, records: Sequence[Record]) -> None:
        """Tell that these were committed, and share their receipts."""
        if not records:
            return
        tenants = {record.command.tenant for record in records}
        keyed = [record for record in records if record.address is not None]
        with self._lock:
            untold = self._untold
            untold.topics.add("moved")
            if len(untold.tenants) <= TENANTS_NAMED_MAX:
                untold.tenants.update(tenants)
            if len(untold.records) < RECEIPTS_TO_SHARE_MAX:
                untold.records.extend(keyed)
        self._wake()

    def revoked(self) -> None:
        """Tell that tokens were revoked."""
        self._tell_of("revoked")

    def arrived(self) -> None:
        """Tell that events were accepted, and wait to be decided."""
        self._tell_of("arrived")

    def _tell_of(self, topic: Topic) -> None:
        with self._lock:
            self._untold.topics.add(topic)
        self._wake()

    def _wake(self) -> None:
        if not self._woken.is_set():
            self._woken.set()

    def _run(self) -> None:
        pause = PAUSE_S_MIN
        while not self._stopping.is_set():
            self._woken.wait()
            if self._told():
                pause = PAUSE_S_MIN
                self._stopping.wait(GAP_S)
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, PAUSE_S_MAX)
                self._woken.set()  # What was missed is still to be told.
        if not self._missed:
            self._told()
        self._hang_up()

    def _told(self) -> bool:
        """Tell what there is to tell; say whether anybody heard it."""
        untold = self._take()
        try:
            if self._link is None:
                self._link = self._connect()
            self._tell(self._link, untold)
        except FAILURES as problem:
            if not self._missed:
                log.warning("Redis is away (%s): others are told later", problem)
            self._missed |= untold.topics
            return False  # The link finds back by itself.
        except Exception:  # A bug of ours; whoever was not told finds it by looking.
            log.exception("something could not be told to other processes")
        if self._missed:
            log.warning("Redis is back: others are told again")
            self._missed = set()
        return True

    def _take(self) -> Untold:
        self._woken.clear()
        with self._lock:
            untold, self._untold = self._untold, Untold(set(), set(), [])
        return untold

    def _tell(self, link: BlockingLink, untold: Untold) -> None:
        topics = untold.topics | self._missed
        if "moved" in topics:
            _publish(link, "moved", write_moved(None if self._missed else untold.tenants))
        for topic in topics - {"moved"}:
            _publish(link, topic, b"")
        may_begin_anew = self._may_begin_anew
        records = [one for one in untold.records if not may_begin_anew(one.command.participant)]
        if records:
            kept = kept_of(records, self._clock.now())
            _publish(link, "kept", keep(link, kept))

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(*FAILURES):
                link.close()


def _publish(link: Any, topic: Topic, message: bytes) -> None:
    link.execute_command("PUBLISH", CHANNEL + topic, message)
