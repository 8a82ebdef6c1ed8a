"""What decides the events of a queue: reads its lanes, hands them to the engine, removes them."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Literal, Protocol, TypeAlias

from laurels.core.command import Command
from laurels.core.errors import Refusal, Unavailable
from laurels.engine.clock import stopwatch
from laurels.engine.ports import Clock, Outcome
from laurels.engine.queue import Entry, Reader

log = logging.getLogger(__name__)

ENTRIES_AT_ONCE_MAX: Final = 256
"""In one batch; as many have to be tried alone when a reader dies with them."""
POLL_S: Final = 0.02
SHARE_S: Final = 0.1
"""How often we look for free lanes, and whether we have too many."""
BEAT_S: Final = 0.2
STUCK_S: Final = 10.0
"""A reader that has got nowhere for so long lets go of its lanes."""
ALONE_S: Final = 0.1
"""How long entries are tried alone before the other lanes have their turn."""
PAUSE_S_MIN: Final = 0.05
PAUSE_S_MAX: Final = 0.5
FAILURES_MAX: Final = 5
DEATHS_MAX: Final = 2
DEATHS_NEAR_MAX: Final = 10
"""So many are too many, though whoever died had it decided."""
REASON_CHARS_MAX: Final = 500

Point: TypeAlias = Literal["read", "alone", "committed", "acknowledged", "parked"]
"""Where a worker may die, for whoever wants to see what comes of it."""


class Decider(Protocol):
    """The engine, for events that were accepted earlier under the ids they carry."""

    def submit(self, commands: Sequence[Command], *, waited: bool) -> list[Outcome]: ...

    def has_decided(self, command: Command) -> bool: ...


class Worker:
    """
    Decides what waits in the lanes that it holds, in a thread of its own.

    It may die anywhere: what it has read is handed out again, and the engine knows an event that it
    has decided by its id. An entry that was handed out before is tried alone, so that what fails,
    or kills us, is found out and parked, and its neighbours go on.
    """

    def __init__(
        self,
        engine: Decider,
        reader: Reader,
        clock: Clock,
        *,
        is_ready: Callable[[], bool],
        reached: Callable[[Point], None] | None = None,
    ) -> None:
        """Ask by `is_ready` whether the store can be written; `reached` hears where we are."""
        self._engine = engine
        self._reader = reader
        self._clock = clock
        self._is_ready = is_ready
        self._reached = reached or _go_on
        self._suspects: dict[int, deque[Entry]] = {}
        """By lane, what has to be tried alone before anything else of that lane."""
        self._committed: list[Entry] = []
        """What the queue has not been told of yet: nobody need find out again."""
        self._tried: Entry | None = None
        """What is tried alone, or was when we stumbled."""
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._shared_at = self._moved_at = 0.0
        self._pause_s = PAUSE_S_MIN
        self._has_committed = False
        """Whether anything was, since the store last refused an entry that was alone."""
        self._thread = threading.Thread(target=self.run, name="laurels-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def wake(self) -> None:
        """Look at the lanes now. For any thread."""
        self._news.set()

    def stop(self) -> None:
        """Finish the batch in hand, give back the lanes, return from `run`. For any thread."""
        self._stopping.set()
        self._news.set()

    def close(self, timeout_s: float | None = None) -> None:
        """Stop, and wait for it."""
        self.stop()
        self._thread.join(timeout_s)

    def run(self) -> None:
        """Go on until stopped."""
        self._moved_at = stopwatch()
        beating = threading.Thread(target=self._beat, name="laurels-beat", daemon=True)
        beating.start()
        while not self._stopping.is_set():
            if not self.step():
                self._news.wait(POLL_S)
                self._news.clear()
        beating.join()  # Else its last beat may come after we have left, and count us as alive.
        with suppress(Unavailable):  # Then the lanes are free when their time is over.
            self._reader.leave()

    def step(self) -> bool:
        """Look at the lanes once; say whether there was anything to do."""
        self._moved_at = stopwatch()
        try:
            is_busy = self._look()
        except Unavailable as refusal:
            self._warn("events have to wait: %r", refusal.__cause__ or refusal)
        except Exception:
            log.exception("the worker stumbled, and goes on")
        else:
            self._pause_s = PAUSE_S_MIN
            return is_busy
        # What of it was done is known from what is handed out again.
        self._suspects.clear()
        self._reader.look_again()
        self._pause()
        return False

    def _beat(self) -> None:
        """Hold on to the lanes beside the work, as long as that goes on."""
        while not self._stopping.wait(BEAT_S):
            if stopwatch() - self._moved_at < STUCK_S:
                with suppress(Unavailable):
                    self._reader.beat()

    def _look(self) -> bool:
        self._settle()
        self._share()
        free = [lane for lane in self._reader.held if lane not in self._suspects]
        entries = self._reader.read(free, ENTRIES_AT_ONCE_MAX)
        if entries:
            self._reached("read")
            self._sort(entries)
        if self._suspects:
            self._try_alone()
        return bool(entries or self._suspects)

    def _share(self) -> None:
        now = stopwatch()
        if now - self._shared_at >= SHARE_S:
            self._shared_at = now
            if not self._reader.held:
                self._reader.beat()  # To be counted before the first lanes are taken.
            self._reader.share()
        for lane in self._suspects.keys() - set(self._reader.held):
            del self._suspects[lane]  # Somebody else reads there now.

    def _sort(self, entries: Sequence[Entry]) -> None:
        new: list[Entry] = []
        for entry in entries:
            if entry.event is None:
                self._park(entry, entry.problem)
            elif entry.is_again:
                self._suspect(entry)
            else:
                new.append(entry)
        if new:
            self._decide(new)

    def _decide(self, entries: Sequence[Entry]) -> None:
        """Take a batch all the way, and see to those that it did not work out for."""
        try:
            outcomes = self._submit_patiently(entries)
        except Exception as failure:
            is_known = isinstance(failure, Unavailable)
            log.warning(
                "%d events are tried again, one by one: %r",
                len(entries),
                failure,
                exc_info=None if is_known else failure,
            )
            for entry in entries:
                self._suspect(entry)
            return
        if outcomes is None:
            return
        self._reached("committed")
        done: list[Entry] = []
        for entry, outcome in zip(entries, outcomes, strict=True):
            if not isinstance(outcome, Refusal):
                done.append(entry)
            elif isinstance(outcome, Unavailable):
                self._suspect(entry)
            else:
                self._park(entry, outcome.message)
        self._acknowledge(done)

    def _acknowledge(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._committed = [*entries]
            self._settle()
            self._reached("acknowledged")

    def _settle(self) -> None:
        """Tell the queue what it could not be told when it was: what is committed, who lives."""
        if self._committed:
            self._reader.done(self._committed)
            self._committed = []
        if self._tried is not None:
            self._reader.spared(self._tried)
            self._tried = None

    def _try_alone(self) -> None:
        """Try the first suspect of each lane in turn, for a while."""
        if self._pause_s > PAUSE_S_MIN and not self._is_ready():
            # Whoever ends us while the store is away does not do so because of an entry.
            raise Unavailable("The store is still away.")
        until = stopwatch() + ALONE_S
        while self._suspects and stopwatch() < until and not self._stopping.is_set():
            self._moved_at = stopwatch()
            lane, entries = next(iter(self._suspects.items()))
            self._tried = entries[0]
            if self._try(self._tried):
                entries.popleft()
            self._tried = None
            del self._suspects[lane]
            if entries:  # The other lanes come first, in the next round too.
                self._suspects[lane] = entries

    def _try(self, entry: Entry) -> bool:
        """Decide one entry alone, which is noted before; say whether that is the end of it."""
        tries = self._reader.begin(entry)
        is_deadly = tries.deaths >= DEATHS_MAX and not self._is_decided(entry)
        if is_deadly or tries.deaths >= DEATHS_NEAR_MAX:
            self._park(entry, f"whoever decided it alone died of it, {tries.deaths} times")
            return True
        self._reached("alone")
        try:
            (outcome,) = self._submit([entry])
        except Unavailable as refusal:
            self._spare_if_away(entry, refusal)
            return self._refused(entry, tries.failures, refusal)
        except Exception as failure:
            log.exception("an event cannot be decided")
            return self._failed(entry, tries.failures + 1, repr(failure))
        if isinstance(outcome, Unavailable):
            self._spare_if_away(entry, outcome)
            return self._failed(entry, tries.failures + 1, outcome.message)
        self._reached("committed")
        if isinstance(outcome, Refusal):
            self._park(entry, outcome.message)
        else:
            self._acknowledge([entry])
        return True

    def _is_decided(self, entry: Entry) -> bool:
        """Say whether those who died had it behind them: then they died near it, not of it."""
        return entry.event is not None and self._engine.has_decided(entry.event)

    def _spare_if_away(self, entry: Entry, refusal: Unavailable) -> None:
        """Go on waiting where the store cannot be written: that is nobody's failure."""
        if not self._is_ready():
            self._reader.spared(entry)
            raise refusal

    def _refused(self, entry: Entry, failures: int, refusal: Unavailable) -> bool:
        """Hold it against the entry only if others were committed since the store last refused."""
        is_its_own = self._has_committed
        self._has_committed = False
        self._warn("the store takes no events: %s", refusal)
        self._pause()
        if is_its_own:
            return self._failed(entry, failures + 1, refusal.message)
        self._reader.spared(entry)
        return False

    def _failed(self, entry: Entry, failures: int, reason: str) -> bool:
        if failures >= FAILURES_MAX:
            self._park(entry, reason)
            return True
        self._reader.failed(entry)
        return False

    def _suspect(self, entry: Entry) -> None:
        self._suspects.setdefault(entry.lane, deque()).append(entry)

    def _park(self, entry: Entry, reason: str) -> None:
        named = entry.event.id if entry.event else entry.id
        log.error("the event %s in lane %d is parked: %s", named, entry.lane, reason)
        self._reader.park(entry, reason[:REASON_CHARS_MAX], self._clock.now())
        self._reached("parked")

    def _submit(self, entries: Sequence[Entry]) -> list[Outcome]:
        events = [entry.event for entry in entries if entry.event is not None]
        outcomes = self._engine.submit(events, waited=True)
        self._pause_s = PAUSE_S_MIN
        self._has_committed = True
        return outcomes

    def _submit_patiently(self, entries: Sequence[Entry]) -> list[Outcome] | None:
        """
        Hand events to the engine until the store takes them; None when it is time to stop.

        Raises Unavailable where the store does not take these, though it can be written.
        """
        while not self._stopping.is_set():
            try:
                return self._submit(entries)
            except Unavailable as refusal:
                if self._is_ready():
                    raise
                self._warn("the store cannot be written: %s", refusal)
                self._pause()
        return None

    def _warn(self, message: str, reason: object) -> None:
        """Say once why we wait, not each time that we look again."""
        if self._pause_s == PAUSE_S_MIN:
            log.warning(message, reason)

    def _pause(self) -> None:
        self._stopping.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
        self._moved_at = stopwatch()


def _go_on(_: Point) -> None:
    """Nobody wants us to die here."""
