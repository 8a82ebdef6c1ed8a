"""`laurels` with workers that die where they are told to, or choke. Run as a program of its own."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial

from laurels.cli import main
from laurels.core.event import Event
from laurels.engine.engine import Engine
from laurels.engine.worker import Worker
from laurels.wiring import with_redis


def die_at(point: str) -> None:
    """End as SIGKILL ends a worker, when it first gets there."""

    def reached(at: str) -> None:
        if at == point:
            print(f"died at {point}", file=sys.stderr, flush=True)  # noqa: T201 - for who reads logs
            os.kill(os.getpid(), signal.SIGKILL)

    with_redis.Worker = partial(Worker, reached=reached)


def choke_on(name: str) -> None:
    """Have a bug in the engine that shows with events of one name only."""
    submit = Engine.submit

    def choke(self, commands, *, waited=False):
        if any(isinstance(one, Event) and one.name == name for one in commands):
            raise RuntimeError(f"{name} sticks in the throat")
        return submit(self, commands, waited=waited)

    Engine.submit = choke


WAYS: dict[str, Callable[[str], None]] = {"die-at": die_at, "choke-on": choke_on}

if __name__ == "__main__":
    WAYS[sys.argv.pop(1)](sys.argv.pop(1))
    main()
