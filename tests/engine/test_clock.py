"""The machine's clock: ids rise, whatever happens to the time."""

import time
from concurrent.futures import ThreadPoolExecutor

from laurels.core.ulid import EVENTS_PER_DRAW_MAX, message_id
from laurels.engine.clock import SystemClock


class SetClock(SystemClock):
    """A system clock whose time we set."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def now(self) -> int:
        return self.at


def test_now_is_now():
    before = time.time_ns() // 1_000_000

    assert before <= SystemClock().now() <= time.time_ns() // 1_000_000


def test_ids_of_one_moment_count_up():
    clock = SetClock(5_000)
    at, ids = clock.accept(2)
    again, more = clock.accept(1)

    assert (at, again) == (5_000, 5_000)
    assert [message_id(each) for each in ids + more] == ["5000-0", "5000-1", "5000-2"]


def test_a_later_moment_draws_anew():
    clock = SetClock(5_000)
    _, (first,) = clock.accept(1)
    clock.at = 5_001
    at, (second,) = clock.accept(1)

    assert at == 5_001
    assert message_id(second) == "5001-0"
    assert first[10:22] != second[10:22]


def test_ids_rise_when_the_clock_is_set_back():
    clock = SetClock(5_000)
    _, (first,) = clock.accept(1)
    clock.at = 4_000
    at, (second,) = clock.accept(1)

    assert at == 5_000
    assert first < second


def test_a_moment_that_is_used_up_borrows_from_the_next():
    clock = SetClock(5_000)
    clock.accept(EVENTS_PER_DRAW_MAX - 1)
    at, ids = clock.accept(2)

    assert at == 5_001
    assert [message_id(each) for each in ids] == ["5001-0", "5001-1"]


def test_threads_never_share_an_id():
    clock = SystemClock()
    with ThreadPoolExecutor(8) as threads:
        drawn = [each for _, ids in threads.map(clock.accept, [50] * 40) for each in ids]

    assert len(set(drawn)) == 2_000
