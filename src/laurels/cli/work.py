"""`laurels work`: decide what waits in the queue until told to stop."""

import logging
import signal
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

import click

from laurels import wiring
from laurels.cli.options import (
    check_queue,
    check_servers,
    queue_options,
    read_settings,
    store_option,
)
from laurels.cli.server import say
from laurels.core.errors import Unavailable
from laurels.engine.queue import Reader
from laurels.engine.worker import Worker
from laurels.settings import SettingRefused, Settings, variable

Made = TypeVar("Made")

FIRST_SERVE_S_MAX: Final = 30
"""How long a worker waits that was started before the first server."""
LOOK_EVERY_S: Final = 0.2
LANES_WITHIN_S: Final = 2
"""How long others may take to leave us lanes before we say how many we have."""
DRAIN_S_MAX: Final = 9
"""How long the batch in hand may take; the rest of the ten seconds is for the process to end."""


class Stop:
    """Whether SIGTERM or Ctrl-C has come."""

    def __init__(self) -> None:
        # What a signal's handler calls may not wait for a lock: this is made for that.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._has_come = False

    def come(self, number: int, _frame: object) -> None:
        self._signals.put(number)

    def has_come(self, within_s: float = 0) -> bool:
        if not self._has_come:
            try:
                self._signals.get(timeout=within_s)
            except Empty:
                return False
            self._has_come = True
        return True


@click.command()
@store_option
@queue_options
def work(**flags: object) -> None:
    """Decide the events that wait in the queue, beside any number of other workers."""
    settings = read_settings(**flags).settings
    logging.basicConfig(level=settings.log_level.upper())
    if settings.queue is None:
        raise SettingRefused(f"laurels work needs --queue or {variable('queue')}.")
    check_queue(settings)
    with ExitStack() as stack, _stopped_by_signals() as stop:
        _patiently(lambda: check_servers(settings), stop)
        store = _patiently(lambda: _opened(settings), stop)
        if store is None:
            return
        stack.enter_context(closing(store))
        _patiently(lambda: _check_tenant(store, settings.bootstrap_tenant), stop)
        built = _patiently(lambda: wiring.build_worker(settings, store), stop)
        if built is not None:
            stack.enter_context(closing(built))
            _run(built.worker, built.reader, stop)


def _run(worker: Worker, reader: Reader, stop: Stop) -> None:
    worker.start()
    until = time.monotonic() + LANES_WITHIN_S
    while not reader.held and time.monotonic() < until and not stop.has_come(0.01):
        pass
    say(f"Laurels is working on {len(reader.held)} lanes")
    while worker.is_running and not stop.has_come(LOOK_EVERY_S):
        pass
    worker.close(DRAIN_S_MAX)
    if worker.is_running:
        raise click.ClickException("The batch in hand took too long; others will decide it again.")
    if not stop.has_come():
        raise click.ClickException("The worker ended without being told to.")


@contextmanager
def _stopped_by_signals() -> Generator[Stop]:
    stop = Stop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, stop.come) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _patiently(make: Callable[[], Made], stop: Stop) -> Made | None:
    """Try for a while what may have to wait for a first server; None when told to stop."""
    until = time.monotonic() + FIRST_SERVE_S_MAX
    told = ""
    while not stop.has_come():
        try:
            return make()
        except (wiring.StoreNotOpened, wiring.SchemaTooOld, Unavailable) as problem:
            if time.monotonic() > until:
                raise
            if problem.message != told:
                told = problem.message
                click.echo(f"Waiting: {told}", err=True)
        stop.has_come(LOOK_EVERY_S)
    return None


def _opened(settings: Settings) -> wiring.Store:
    return wiring.open_store(settings.store, migrate=settings.migrate == "on")


def _check_tenant(store: wiring.Store, tenant: str) -> None:
    if not any(known.name == tenant for known in store.registry.tenants()):
        raise wiring.StoreNotOpened(f"The store has no tenant {tenant!r}; laurels serve makes it.")
