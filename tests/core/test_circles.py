"""What goes round in circles is found, and what could only seem to is let be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import clauses

from laurels.core.circles import circles, feeds
from laurels.core.filter import All, Clause, Not, Path, Some, satisfies
from laurels.core.rulebook import EarnRule, Listener


def masks(edges, count):
    unique = set(edges)
    return [
        sum(1 << before for before, after in unique if after == index) for index in range(count)
    ]


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([], []),
        ([(0, 1), (0, 2), (1, 2)], []),
        ([(0, 0)], [[0]]),
        ([(1, 2), (2, 1)], [[1, 2]]),
        # Each comes after the next.
        ([(0, 1), (1, 2), (2, 0)], [[0, 2, 1]]),
        # What leads into a circle or out of it is no part of it.
        ([(0, 1), (1, 2), (2, 1), (2, 3)], [[1, 2]]),
        ([(0, 1), (1, 0), (2, 3), (3, 2)], [[0, 1], [2, 3]]),
        # Of two that share something, one is told.
        ([(0, 1), (1, 0), (1, 2), (2, 1)], [[0, 1]]),
    ],
)
def test_circles_are_found(edges, found):
    assert list(circles(masks(edges, 4))) == found


SIZE = 6
EDGES = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=14)


@given(EDGES)
def test_without_the_circles_that_are_found_none_is_left(edges):
    found = list(circles(masks(edges, SIZE)))
    for circle in found:
        for after, before in zip(circle, circle[1:] + circle[:1], strict=True):
            assert (before, after) in edges
    away = {index for circle in found for index in circle}
    left = {edge for edge in edges if not away & set(edge)}
    while left:  # What nothing comes before is taken away, with all that it leads to.
        afters = {after for _, after in left}
        firsts = {edge for edge in left if edge[0] not in afters}
        assert firsts
        left -= firsts


def rule(name, where=None, currency="points", kind="points.posted"):
    return EarnRule(id=name, hears=Listener(kind=kind, where=where), currency=currency, fixed=1)


def about(key, operator, value):
    return Clause(Path(key), operator, value)


A, GEM, MUCH = about("rule", "eq", "a"), about("currency", "eq", "gem"), about("amount", "gt", 5)


@pytest.mark.parametrize(
    ("where", "heard"),
    [
        (None, "ab"),
        (A, "a"),
        (GEM, "b"),
        (about("rule", "ne", "a"), "b"),
        (about("rule", "eq", 5), ""),
        (about("rule", "ne", 5), "ab"),
        (about("rule", "in", ["a", "c", 5]), "a"),
        (about("rule", "not_in", ["a", "c", 5]), "b"),
        (about("rule", "contains", "b"), "b"),
        (about("rule", "contains", "x"), ""),
        (about("rule", "contains", 5), ""),
        (about("rule", "gt", 5), ""),
        (about("currency", "exists", value=True), "ab"),
        (about("currency", "exists", value=False), ""),
        # What is not known beforehand may hold, and may not.
        (MUCH, "ab"),
        (Not(MUCH), "ab"),
        (Not(Not(MUCH)), "ab"),
        (All((MUCH, A)), "a"),
        (Some((MUCH, A)), "ab"),
        (Not(Some((MUCH, A))), "b"),
        (Not(All((MUCH, A))), "ab"),
        (Not(A), "b"),
        (All(()), "ab"),
        (Some(()), ""),
        (about("rule.x", "eq", "a"), "ab"),
    ],
)
def test_a_rule_hears_what_its_filter_does_not_shut_out(where, heard):
    rules = [rule("a", A), rule("b", A, currency="gem"), rule("x", where)]
    hears = feeds(rules)[2]
    assert "".join(name for index, name in enumerate("ab") if hears >> index & 1) == heard


def test_rules_that_hear_no_points_are_left_out():
    rules = [rule("a", kind="custom.x"), rule("b"), rule("c", kind="badge.awarded")]
    assert feeds(rules) == [0, 0b010, 0]


texts = st.sampled_from(["a", "ab", "b"])
known_clauses = st.one_of(
    st.builds(about, st.sampled_from(["rule", "currency"]), st.sampled_from(["eq", "ne"]), texts),
    st.builds(about, st.just("rule"), st.just("contains"), texts),
    st.builds(about, st.just("rule"), st.sampled_from(["in", "not_in"]), st.lists(texts)),
    clauses.filter(lambda clause: clause.path.key in ("amount", "currency")),
)
wheres = st.recursive(
    known_clauses,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Some, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


@given(texts, texts, wheres, st.integers(1, 10))
def test_no_posting_is_heard_that_was_thought_to_be_shut_out(name, currency, where, amount):
    posting = {"rule": name, "currency": currency, "amount": amount}
    hears = feeds([rule(name, currency=currency), rule("listener", where)])[1]
    assert hears & 1 or not satisfies(where, posting)
