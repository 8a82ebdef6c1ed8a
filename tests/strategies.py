"""Random data and random filters over the same few properties, so that they often meet."""

from hypothesis import strategies as st

from laurels.core.filter import All, Clause, Not, Some, path_of
from laurels.core.limits import NUMBER_MAX

NAMES = ["amount", "currency", "cart", "cart.total", "cart.items.count", "missing"]

near_numbers = st.sampled_from(
    [0, 1, 1.0, 5, -5, 4.9999995, 5.0000004, 0.0000005, 1.15, NUMBER_MAX, -NUMBER_MAX]
)
in_range = near_numbers | st.floats(-NUMBER_MAX, NUMBER_MAX) | st.integers(-10, 10)
out_of_range = st.sampled_from(
    [NUMBER_MAX + 1, -NUMBER_MAX - 1, NUMBER_MAX + 0.01, 10**400, 1e300, float("inf")]
)
numbers = in_range | in_range | out_of_range
texts = st.sampled_from(["", "1", "5", "USD", "EUR", "a USD b", "amount"])
scalars = st.none() | st.booleans() | numbers | texts


def _nested(inner):
    keys = st.sampled_from(["total", "items", "count", "x"])
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)


flat_values = scalars | _nested(scalars)
json_values = scalars | scalars | _nested(flat_values)
payloads = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5)

paths = st.sampled_from(NAMES).map(path_of)
bounds = st.integers(-NUMBER_MAX * 10**6, NUMBER_MAX * 10**6) | in_range.map(
    lambda number: round(number * 10**6)
)
clauses = st.one_of(
    st.builds(Clause, paths, st.sampled_from(["eq", "ne", "contains"]), json_values),
    st.builds(Clause, paths, st.sampled_from(["gt", "gte", "lt", "lte"]), bounds),
    st.builds(Clause, paths, st.sampled_from(["in", "not_in"]), st.lists(json_values, max_size=4)),
    st.builds(Clause, paths, st.just("exists"), st.booleans()),
)


def _groups(inner):
    several = st.lists(inner, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Some, several) | st.builds(Not, inner)


filters = clauses | clauses | _groups(clauses | _groups(clauses))
