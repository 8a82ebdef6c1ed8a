"""Ids: of one form, rising, and other names can be read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.core import limits
from laurels.core.ulid import (
    ALPHABET,
    EVENTS_PER_DRAW_MAX,
    chance_part,
    event_id,
    fact_id,
    message_id,
    time_part,
)

times = st.integers(0, 2**48 - 1)
sequences = st.integers(0, EVENTS_PER_DRAW_MAX - 1)
CHANCE = "0123456789AB"


@given(times, sequences)
def test_an_id_tells_its_moment_and_its_place(at, sequence):
    made = event_id(time_part(at), CHANCE, sequence)

    assert len(made) == 26
    assert set(made) <= set(ALPHABET)
    assert message_id(made) == f"{at}-{sequence}"


@given(times, sequences)
def test_the_fact_of_an_event_has_the_next_id(at, sequence):
    made = event_id(time_part(at), CHANCE, sequence)

    assert made < fact_id(made)
    if sequence + 1 < EVENTS_PER_DRAW_MAX:
        assert fact_id(made) < event_id(time_part(at), CHANCE, sequence + 1)


@given(times, times)
def test_ids_sort_by_time(one, other):
    assert (time_part(one) < time_part(other)) == (one < other)


@pytest.mark.parametrize("at", [0, limits.INSTANT_MAX_MS])
def test_every_moment_that_is_accepted_has_an_id(at):
    assert message_id(event_id(time_part(at), CHANCE, 0)) == f"{at}-0"


@given(st.integers(0, 2**60 - 1), st.integers(0, 2**60 - 1))
def test_chance_has_twelve_characters_that_tell_it_apart(one, other):
    parts = chance_part(one), chance_part(other)

    assert [len(part) for part in parts] == [12, 12]
    assert set("".join(parts)) <= set(ALPHABET)
    assert (parts[0] == parts[1]) == (one == other)
