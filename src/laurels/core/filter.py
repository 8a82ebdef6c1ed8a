"""Whether a fact's data satisfies a filter. The plain reading; `compile` makes the fast one."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

Operator: TypeAlias = Literal[
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "exists", "contains"
]


class Path(Struct, frozen=True):
    """
    Where a property stands: a top-level key, or dotted parts where no such key exists.

    `cart.total` first means the key spelled `cart.total`, then `total` inside `cart`.
    """

    key: str
    parts: tuple[str, ...] = ()


class Clause(Struct, frozen=True):
    """One operator on one property. A missing property fails all but `exists: false`."""

    path: Path
    operator: Operator
    value: Any


class All(Struct, frozen=True):
    filters: tuple["Filter", ...]


class Any_(Struct, frozen=True):
    filters: tuple["Filter", ...]


class Not(Struct, frozen=True):
    filter: "Filter"


Filter: TypeAlias = Clause | All | Any_ | Not
