"""Listens to what other processes tell, on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from laurels.link import FAILURES, BlockingLink
from laurels.notify.wake import CHANNEL, Hearing, Topic

log: Final = logging.getLogger("laurels.notify")

LOOK_S: Final = 0.25
"""How often it is looked whether to stop."""
PING_S: Final = 5.0
SILENT_S_MAX: Final = 15.0
"""Who does not even answer a ping for so long is gone, whatever the connection says."""
PAUSE_S_MIN: Final = 0.1
PAUSE_S_MAX: Final = 1.0


class Listener:
    """
    Hands messages to whom they concern; those must neither block nor fail.

    Whenever it begins to listen, the first time too, everybody hears that any may have been missed.
    """

    def __init__(
        self, connect: Callable[[], BlockingLink], hearings: Mapping[Topic, Hearing]
    ) -> None:
        self._connect = connect
        self._hearings = {
            (CHANNEL + topic).encode(): hearing for topic, hearing in hearings.items()
        }
        self._stopping = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="laurels-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, but not for long."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause = PAUSE_S_MIN
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self._listen()
            except FAILURES as problem:
                if not self._is_away:
                    self._is_away = True
                    log.warning("Redis is away (%s): all is found by looking, and later", problem)
            except Exception:
                log.exception("the listener stumbled, and goes on")
            if time.monotonic() - begun > PAUSE_S_MAX:
                pause = PAUSE_S_MIN
            self._stopping.wait(pause)
            pause = min(2 * pause, PAUSE_S_MAX)

    def _listen(self) -> None:
        link: Any = self._connect()
        try:
            subscription = link.pubsub()
            try:
                subscription.subscribe(*self._hearings)
                self._hear_all(subscription)
            finally:
                with suppress(*FAILURES):
                    subscription.close()
        finally:
            with suppress(*FAILURES):
                link.close()

    def _hear_all(self, subscription: Any) -> None:
        missing = len(self._hearings)
        heard_at = pinged_at = time.monotonic()
        while not self._stopping.is_set():
            message = subscription.get_message(timeout=LOOK_S)
            now = time.monotonic()
            if message is not None:
                heard_at = now
                missing -= message["type"] == "subscribe"
                if message["type"] == "subscribe" and not missing:
                    self._began()
                elif message["type"] == "message":
                    self._hear(message["channel"], message["data"])
            elif now - heard_at > SILENT_S_MAX:
                raise TimeoutError("it is silent")
            elif now - max(heard_at, pinged_at) > PING_S:
                pinged_at = now
                subscription.ping()

    def _began(self) -> None:
        if self._is_away:
            self._is_away = False
            log.warning("Redis is back: all is heard at once again")
        for channel in self._hearings:
            self._hear(channel, None)

    def _hear(self, channel: bytes, message: bytes | None) -> None:
        try:
            self._hearings[channel](message)
        except Exception:  # A bug of ours; what it was about is found by looking.
            log.exception("a message on %r could not be heard", channel)
