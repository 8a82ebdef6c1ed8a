"""Filters: each line is what a rulebook asks, what an event carries, and whether it holds."""

import pytest

from laurels.core.errors import NumberOutOfRange
from laurels.core.filter import (
    MISSING,
    All,
    Clause,
    Not,
    Some,
    path_of,
    read,
    read_number,
    same,
    satisfies,
)

HUGE = 9_000_000_001
FIVE = 5_000_000
"""Bounds are held in millionths."""


@pytest.mark.parametrize(
    ("operator", "literal", "value", "holds"),
    [
        ("eq", 1, 1.0, True),
        ("eq", 1, True, False),
        ("eq", True, 1, False),
        ("eq", True, True, True),
        ("eq", False, True, False),
        ("eq", 1, "1", False),
        ("eq", "USD", "USD", True),
        ("eq", "USD", "usd", False),
        ("eq", None, None, True),
        ("eq", None, False, False),
        ("eq", 0.3, 0.1 + 0.2, True),
        ("eq", 0, -0.0, True),
        ("eq", HUGE, HUGE, True),
        ("eq", HUGE, HUGE + 1, False),
        ("eq", 1, HUGE, False),
        ("eq", [1, 2], [1.0, 2], True),
        ("eq", [1, 2], [2, 1], False),
        ("eq", [1, 2], [1], False),
        ("eq", [1], [True], False),
        ("eq", {"a": 1, "b": [None]}, {"b": [None], "a": 1.0}, True),
        ("eq", {"a": 1}, {"a": 1, "b": 2}, False),
        ("eq", {"a": 1}, {"a": "1"}, False),
        ("eq", {}, [], False),
        ("ne", 1, 2, True),
        ("ne", 1, 1.0, False),
        ("ne", 1, "1", True),
        ("gte", FIVE, 5, True),
        ("gte", FIVE, 4.9999996, True),
        ("gte", FIVE, 4.9999994, False),
        ("gt", FIVE, 5, False),
        ("gt", FIVE, 5.000001, True),
        ("lt", FIVE, 5, False),
        ("lt", FIVE, -7.5, True),
        ("lte", FIVE, 5, True),
        ("lte", FIVE, 5.1, False),
        ("gte", FIVE, "7", False),
        ("gte", FIVE, True, False),
        ("lt", FIVE, False, False),
        ("lt", FIVE, None, False),
        ("lt", FIVE, [1], False),
        ("in", ["USD", "EUR"], "EUR", True),
        ("in", ["USD", 1], True, False),
        ("in", [1, None], None, True),
        ("in", [[1]], [1.0], True),
        ("in", [], 1, False),
        ("not_in", ["USD", "EUR"], "GBP", True),
        ("not_in", ["USD", "EUR"], "USD", False),
        ("contains", "vip", ["new", "vip"], True),
        ("contains", 1, [True, "1"], False),
        ("contains", 1, [1.0], True),
        ("contains", "vi", "a vip", True),
        ("contains", "", "", True),
        ("contains", 1, "1", False),
        ("contains", "a", {"a": 1}, False),
        ("exists", True, None, True),
        ("exists", False, None, False),
    ],
)
def test_an_operator_holds(operator, literal, value, holds):
    assert satisfies(Clause(path_of("x"), operator, literal), {"x": value}) is holds


@pytest.mark.parametrize(
    ("operator", "literal", "holds"),
    [
        ("eq", None, False),
        ("ne", 1, False),
        ("gt", 0, False),
        ("gte", 0, False),
        ("lt", 0, False),
        ("lte", 0, False),
        ("in", [None], False),
        ("not_in", [1], False),
        ("contains", "", False),
        ("exists", True, False),
        ("exists", False, True),
    ],
)
def test_a_missing_property_fails_all_but_exists_false(operator, literal, holds):
    assert satisfies(Clause(path_of("x"), operator, literal), {"y": 1}) is holds


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("total", {"total": 5}, 5),
        ("total", {"total": None}, None),
        ("total", {}, MISSING),
        ("cart.total", {"cart": {"total": 5}}, 5),
        ("cart.total", {"cart": {"total": 5}, "cart.total": 7}, 7),
        ("cart.total", {"cart": {}}, MISSING),
        ("cart.total", {"cart": [5]}, MISSING),
        ("cart.total", {"cart": "total"}, MISSING),
        ("cart.total", {}, MISSING),
        ("a.b.c", {"a": {"b": {"c": False}}}, False),
        ("a.b.c", {"a": {"b.c": 1}}, MISSING),
    ],
)
def test_a_path_is_a_key_first_and_then_its_parts(name, data, value):
    assert read(data, path_of(name)) is value


@pytest.mark.parametrize(
    ("data", "number"),
    [({"x": 1.15}, 1_150_000), ({"x": True}, None), ({"x": "7"}, None), ({}, None)],
)
def test_a_number_is_read_in_millionths(data, number):
    assert read_number(data, path_of("x")) == number


YES, NO = Clause(path_of("a"), "exists", True), Clause(path_of("a"), "exists", False)
REFUSES = Clause(path_of("cart.total"), "gte", FIVE)


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        (All(()), True),
        (All((YES, YES)), True),
        (All((YES, NO)), False),
        (Some(()), False),
        (Some((NO, YES)), True),
        (Some((NO, NO)), False),
        (Not(NO), True),
        (Not(YES), False),
        (All((NO, REFUSES)), False),
        (Some((YES, REFUSES)), True),
        (Not(Some((YES, REFUSES))), False),
    ],
)
def test_groups_hold_and_stop_as_soon_as_they_know(where, holds):
    assert satisfies(where, {"a": 1, "cart": {"total": HUGE}}) is holds


@pytest.mark.parametrize("number", [HUGE, -HUGE, 10**400, float("inf"), float("nan")])
def test_comparing_a_number_out_of_range_is_refused_by_name(number):
    with pytest.raises(NumberOutOfRange) as refused:
        satisfies(REFUSES, {"cart": {"total": number}})
    assert refused.value.problems[0].path == "cart.total"


def test_what_is_missing_is_the_same_as_no_json_value():
    assert not any(same(MISSING, value) for value in (None, False, 0, "", [], {}))
