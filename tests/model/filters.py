"""What `where` lets through, for the operators that the random rulebooks use."""

from tests.model.days import number

MISSING = object()


def lets_through(where, data):
    return all(holds(name, wanted, data) for name, wanted in (where or {}).items())


def holds(name, wanted, data):
    if name == "all":
        return all(lets_through(each, data) for each in wanted)
    if name == "any":
        return any(lets_through(each, data) for each in wanted)
    if name == "not":
        return not lets_through(wanted, data)
    value = data.get(name, MISSING)
    if not isinstance(wanted, dict):
        return compare("eq", value, wanted)
    return all(compare(operator, value, other) for operator, other in wanted.items())


def compare(operator, value, other):
    if operator == "exists":
        return (value is not MISSING) == other
    if value is MISSING:
        return False
    if operator in ("gt", "gte", "lt", "lte"):
        mine, theirs = number(value), number(other)
        if mine is None:
            return False
        return {
            "gt": mine > theirs,
            "gte": mine >= theirs,
            "lt": mine < theirs,
            "lte": mine <= theirs,
        }[operator]
    return {
        "eq": lambda: same(value, other),
        "ne": lambda: not same(value, other),
        "in": lambda: any(same(value, each) for each in other),
        "not_in": lambda: not any(same(value, each) for each in other),
    }[operator]()


def same(value, other):
    """`1` equals `1.0`, but `true` is not `1` and `"1"` is not `1`."""
    if number(value) is not None and number(other) is not None:
        return number(value) == number(other)
    return type(value) is type(other) and value == other
