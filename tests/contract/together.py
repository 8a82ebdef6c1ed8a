"""Several processes on one store, as threads: each has connections, engine and clock of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier
from typing import Any

from tests.cast import Place, Stage, a_stage

IDS_EACH = 1_000_000
"""So many ids lie between those of one process and the next."""


@contextmanager
def several(place: Place, count: int, rulebook: str = "", **more: Any) -> Iterator[list[Stage]]:
    with ExitStack() as stack:
        stages = [
            stack.enter_context(a_stage(place, "" if number else rulebook, **more))
            for number in range(count)
        ]
        for number, stage in enumerate(stages):
            stage.clock.count = IDS_EACH * (number + 1)
        yield stages


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all of these, beginning at one moment; return what came of each."""
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [each.result(30) for each in [threads.submit(run, work) for work in works]]


def each_at_once(stages: Sequence[Stage], work: Callable[[Stage], Any]) -> list[Any]:
    return at_once(*(lambda stage=stage: work(stage) for stage in stages))
