"""Matchers: the generated function says what the plain reading of every filter says."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests import strategies

from laurels.core.errors import NumberOutOfRange
from laurels.core.filter import All, Clause, Not, Some, path_of, satisfies
from laurels.core.limits import NUMBER_MAX
from laurels.core.matcher import compile_matcher, least
from laurels.core.number import millionths
from laurels.core.rulebook import EarnRule, Listener

FIVE = 5_000_000


def earns(rule_id):
    return EarnRule(id=rule_id, hears=Listener(kind="custom.buy"), currency="points", fixed=1)


def outcome(ask, data):
    """Return what came of it, or the name of the property that it was refused for."""
    try:
        return ask(data)
    except NumberOutOfRange as refused:
        return refused.problems[0].path


@settings(max_examples=800)
@given(
    st.lists(st.none() | strategies.filters, min_size=1, max_size=3),
    st.lists(strategies.payloads, min_size=1, max_size=3),
)
def test_compiled_is_interpreted(filters, payloads):
    rules = [(earns(str(n)), where) for n, where in enumerate(filters)]
    compiled = compile_matcher(rules)

    def interpret(data):
        return [rule for rule, where in rules if where is None or satisfies(where, data)]

    for data in payloads:
        assert outcome(compiled, data) == outcome(interpret, data)


@pytest.mark.parametrize(
    ("where", "data", "matches"),
    [
        (Clause(path_of("x"), "eq", "import os"), {"x": "import os"}, True),
        (Clause(path_of('"]); boom('), "eq", '"""'), {'"]); boom(': '"""'}, True),
        (Clause(path_of("a.b"), "eq", None), {"a": {"b": None}}, True),
        (Clause(path_of("a.b"), "eq", None), {}, False),
        (Clause(path_of("x"), "in", ["a", 1, True, None, [1]]), {"x": [1.0]}, True),
        (Clause(path_of("x"), "in", ["a", 1, True, None, [1]]), {"x": 1.0}, True),
        (Clause(path_of("x"), "in", ["a", 1]), {"x": True}, False),
        (Clause(path_of("x"), "in", ["a", 1]), {"x": ["a"]}, False),
        (Clause(path_of("x"), "not_in", ["a", 1]), {"x": {}}, True),
        (Clause(path_of("x"), "not_in", ["a", 1]), {}, False),
        (Clause(path_of("x"), "in", []), {"x": 1}, False),
        (Clause(path_of("x"), "eq", NUMBER_MAX + 1), {"x": NUMBER_MAX + 1}, True),
        (Clause(path_of("x"), "eq", 1), {"x": NUMBER_MAX + 1}, False),
        (Clause(path_of("x"), "exists", False), {"x": None}, False),
        (All(()), {}, True),
        (Some(()), {}, False),
        (Not(All((Clause(path_of("x"), "contains", 1),))), {"x": [2]}, True),
    ],
)
def test_a_compiled_filter_holds(where, data, matches):
    rule = earns("rule")
    assert compile_matcher([(rule, where)])(data) == ([rule] if matches else [])
    assert satisfies(where, data) is matches


def test_a_number_out_of_range_is_refused_only_when_it_comes_to_be_compared():
    reads = Clause(path_of("amount"), "gte", FIVE)
    asks_first = compile_matcher([(earns("rule"), All((Clause(path_of("x"), "eq", 1), reads)))])
    assert asks_first({"amount": NUMBER_MAX + 1, "x": 2}) == []
    with pytest.raises(NumberOutOfRange) as refused:
        asks_first({"amount": NUMBER_MAX + 1, "x": 1})
    assert refused.value.problems[0].path == "amount"


@given(strategies.bounds, strategies.in_range)
@example(-2_968, 0)  # Its least float lies below the first guess,
@example(-2_981, 0)  # and this one's above.
def test_comparing_with_the_least_float_is_comparing_millionths(bound, number):
    for each in (number, least(bound), bound / 1_000_000):
        if abs(each) <= NUMBER_MAX:
            assert (each >= least(bound)) is (millionths(each) >= bound)
