"""Whether a fact's data satisfies a filter. The plain reading; `compile` makes the fast one."""

from typing import Any, Final, Literal, TypeAlias, assert_never

from msgspec import Struct

from laurels.core.errors import NumberOutOfRange, Problem
from laurels.core.limits import NUMBER_MAX
from laurels.core.number import Millionths, millionths

Operator: TypeAlias = Literal[
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "exists", "contains"
]

Json: TypeAlias = "bool | float | str | list[Json] | dict[str, Json] | None"

MISSING: Final[Any] = object()
"""What `read` finds where there is nothing; null is something."""


class Path(Struct, frozen=True):
    """
    Where a property stands: a top-level key, or dotted parts where no such key exists.

    `cart.total` first means the key spelled `cart.total`, then `total` inside `cart`.
    """

    key: str
    parts: tuple[str, ...] = ()


class Clause(Struct, frozen=True):
    """
    One operator on one property. A missing property fails all but `exists: false`.

    The value of `gt gte lt lte` is held in millionths; all others as they were written.
    """

    path: Path
    operator: Operator
    value: Any


class All(Struct, frozen=True):
    filters: tuple["Filter", ...]


class Some(Struct, frozen=True):
    """At least one of them; the rulebook's word is `any`."""

    filters: tuple["Filter", ...]


class Not(Struct, frozen=True):
    filter: "Filter"


Filter: TypeAlias = Clause | All | Some | Not


def path_of(text: str) -> Path:
    """
    Read a property's name as a rulebook writes it.

    >>> path_of("amount"), path_of("cart.total")
    (Path(key='amount', parts=()), Path(key='cart.total', parts=('cart', 'total')))
    """
    return Path(text, tuple(text.split(".")) if "." in text else ())


def read(data: dict[str, Any], path: Path) -> Any:
    """
    Return what stands at `path`, or MISSING.

    >>> read({"cart": {"total": 5}}, path_of("cart.total"))
    5
    >>> read({"cart": {"total": 5}, "cart.total": 7}, path_of("cart.total"))
    7
    """
    value = data.get(path.key, MISSING)
    if value is not MISSING or not path.parts:
        return value
    value = data
    for part in path.parts:
        if type(value) is not dict or part not in value:
            return MISSING
        value = value[part]  # pyright: ignore[reportUnknownVariableType] - JSON is Any
    return value  # pyright: ignore[reportUnknownVariableType] - the same


def read_number(data: dict[str, Any], path: Path) -> Millionths | None:
    """
    Return the number at `path` in millionths, or None where there is none.

    Raises NumberOutOfRange with the property's name.
    """
    try:
        return millionths(read(data, path))
    except NumberOutOfRange:
        message = f"a rule reads this number, and it lies outside ±{NUMBER_MAX:,}"
        raise NumberOutOfRange(Problem(path.key, message)) from None


def satisfies(where: Filter, data: dict[str, Any]) -> bool:
    """Say whether the filter holds, trying its parts in the order they were written."""
    match where:
        case Clause():
            return _holds(where, data)
        case All():
            return all(satisfies(part, data) for part in where.filters)
        case Some():
            return any(satisfies(part, data) for part in where.filters)
        case Not():
            return not satisfies(where.filter, data)
        case _:
            assert_never(where)


def same(one: Json, other: Json) -> bool:
    """
    Compare two JSON values deeply, each type with its own kind; numbers in millionths.

    >>> same(1, 1.0), same(True, 1), same("1", 1), same([1, 2], [2, 1])
    (True, False, False, False)
    """
    match one, other:
        case bool(), _:
            return one is other
        case _, bool():
            return False
        case ((int() | float()), (int() | float())):
            return _same_number(one, other)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case _:
            return one == other


def contains(value: Json, literal: Json) -> bool:
    """Say whether a list has an element, or a text a part, that is the same as `literal`."""
    match value:
        case str():
            return isinstance(literal, str) and literal in value
        case list():
            return any(same(element, literal) for element in value)
        case _:
            return False


def _holds(clause: Clause, data: dict[str, Any]) -> bool:
    value = read(data, clause.path)
    if clause.operator == "exists":
        return (value is not MISSING) is clause.value
    if value is MISSING:
        return False
    match clause.operator:
        case "eq" | "ne":
            return same(value, clause.value) is (clause.operator == "eq")
        case "in" | "not_in":
            found = any(same(value, literal) for literal in clause.value)
            return found is (clause.operator == "in")
        case "contains":
            return contains(value, clause.value)
        case "gt" | "gte" | "lt" | "lte":
            return _compares(clause.operator, read_number(data, clause.path), clause.value)
        case _:
            assert_never(clause.operator)


def _compares(
    operator: Literal["gt", "gte", "lt", "lte"], number: Millionths | None, bound: Millionths
) -> bool:
    if number is None:
        return False
    match operator:
        case "gt":
            return number > bound
        case "gte":
            return number >= bound
        case "lt":
            return number < bound
        case "lte":
            return number <= bound
        case _:
            assert_never(operator)


def _same_number(one: Json, other: Json) -> bool:
    """A number out of range, which has no millionths, is the same only as itself."""
    try:
        return millionths(one) == millionths(other)
    except NumberOutOfRange:
        return one == other
