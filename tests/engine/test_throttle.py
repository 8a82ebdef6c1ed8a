"""Sliding logs: never more than allowed, never a dishonest wait, never unbounded."""

from hypothesis import given
from hypothesis import strategies as st

from laurels.api.throttle import whole_seconds
from laurels.engine.sharing import SlidingLog


@given(st.lists(st.integers(0, 400), max_size=300), st.integers(1, 7))
def test_no_window_holds_more_than_the_limit(gaps, limit):
    log = SlidingLog(limit, window_ms=1_000)
    now, taken = 0, []
    for gap in gaps:
        now += gap
        if not log.wait_ms("a", now):
            taken.append(now)

    for at in taken:
        assert sum(at <= other < at + 1_000 for other in taken) <= limit


@given(st.lists(st.integers(0, 400), min_size=1, max_size=100), st.integers(1, 5))
def test_the_wait_is_exact(gaps, limit):
    """One millisecond sooner is too soon; at that moment there is room."""
    log = SlidingLog(limit, window_ms=1_000)
    now = 0
    for gap in gaps:
        now += gap
        wait = log.wait_ms("a", now)
        if wait:
            assert log.wait_ms("a", now + wait - 1)
            assert not log.wait_ms("a", now + wait)
            now += wait


def test_who_is_refused_waits_no_longer_for_it():
    log = SlidingLog(1, window_ms=1_000)
    assert log.wait_ms("a", 0) == 0

    assert [log.wait_ms("a", at) for at in (100, 500, 999)] == [900, 500, 1]
    assert log.wait_ms("a", 1_000) == 0


def test_keys_do_not_disturb_each_other():
    log = SlidingLog(1)

    assert log.wait_ms("a", 0) == 0
    assert log.wait_ms("b", 0) == 0
    assert log.wait_ms("a", 0) > 0


def test_a_clock_set_back_lets_nobody_through():
    log = SlidingLog(2, window_ms=1_000)
    assert [log.wait_ms("a", at) for at in (5_000, 5_000)] == [0, 0]

    assert log.wait_ms("a", 10) > 0


def test_idle_keys_are_forgotten_first():
    log = SlidingLog(1, window_ms=1_000, logs_max=3)
    for at, key in enumerate("abc"):
        log.wait_ms(key, at)

    assert log.wait_ms("d", 1_000) == 0
    assert len(log) == 3
    assert log.wait_ms("c", 1_000) > 0


def test_a_full_key_is_never_forgotten():
    log = SlidingLog(2, window_ms=1_000, logs_max=3)
    for key in ("a", "a", "b", "c"):
        log.wait_ms(key, 0)

    assert log.wait_ms("d", 1) == 0, "b had room left and went"
    assert log.wait_ms("a", 1) == 999
    assert len(log) == 3


def test_where_all_are_full_a_newcomer_waits():
    log = SlidingLog(1, window_ms=1_000, logs_max=2)
    log.wait_ms("a", 0)
    log.wait_ms("b", 300)

    assert log.wait_ms("c", 400) == 600
    assert log.wait_ms("c", 1_000) == 0
    assert log.wait_ms("b", 1_000) == 300


def test_seconds_are_rounded_up():
    assert [whole_seconds(ms) for ms in (1, 999, 1_000, 1_001, 12_000)] == [1, 1, 1, 2, 12]
