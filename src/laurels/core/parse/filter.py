"""From `where` to a filter."""

from typing import Final

from laurels.core.filter import All, Clause, Filter, Json, Not, Path, Some, path_of
from laurels.core.limits import FILTER_DEPTH_MAX, JSON_DEPTH_MAX
from laurels.core.parse.node import Node, describe, unknown

OPERATORS: Final = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "exists", "contains")
GROUPS: Final = ("any", "all", "not")


def parse_where(node: Node) -> Filter | None:
    """Read the filter of a rule; an absent or an empty one holds for every fact."""
    if node.is_absent or (node.is_mapping and node.is_empty):
        return None
    return _filter(node, depth=1)


def _filter(node: Node, depth: int) -> Filter:
    if depth > FILTER_DEPTH_MAX:
        node.refuse(f"filters may nest {FILTER_DEPTH_MAX} deep; this one is deeper")
        return All(())
    parts: list[Filter] = []
    for key, child in node.mapping().items():
        if key in GROUPS:
            parts.append(_group(key, child, depth + 1))
        elif key:
            parts.extend(_clauses(path_of(key), child))
        else:
            child.refuse("a property's name must have at least one character")
    if node.is_mapping and node.is_empty:
        node.refuse("must name at least one property; an empty filter says nothing")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _group(word: str, node: Node, depth: int) -> Filter:
    if word == "not":
        return Not(_filter(node, depth))
    parts = tuple(_filter(child, depth) for child in _filled(node))
    return Some(parts) if word == "any" else All(parts)


def _clauses(path: Path, node: Node) -> list[Filter]:
    """Read what is said of one property; a scalar or a list is `eq`."""
    if not node.is_mapping:
        return [Clause(path, "eq", _literal(node))]
    if node.is_empty:
        node.refuse("must have an operator such as `eq` or `gte`; or write the value itself")
    clauses: list[Filter] = []
    for word, child in node.mapping().items():
        if word in OPERATORS:
            clauses.append(Clause(path, word, _operand(word, child)))
        else:
            child.refuse(unknown("operator", word, OPERATORS))
    return clauses


def _operand(word: str, node: Node) -> Json:
    match word:
        case "gt" | "gte" | "lt" | "lte":
            return node.number()
        case "in" | "not_in":
            return [_literal(child) for child in _filled(node)]
        case "exists":
            if not isinstance(node.value, bool):
                node.expect("true or false, without quotes")
            return node.value is True
        case _:
            return _literal(node)


def _filled(node: Node) -> list[Node]:
    if node.is_list and node.is_empty:
        node.refuse("must have at least one entry; an empty list says nothing")
    return node.items()


def _literal(node: Node, depth: int = 1) -> Json:
    """Read a JSON value to compare with, into plain types."""
    if depth > JSON_DEPTH_MAX:
        node.refuse(f"values may nest {JSON_DEPTH_MAX} deep; this one is deeper")
        return None
    if node.is_list:
        return [_literal(child, depth + 1) for child in node.items()]
    if node.is_mapping:
        return {key: _literal(child, depth + 1) for key, child in node.mapping().items()}
    return _scalar(node)


def _scalar(node: Node) -> Json:
    match node.value:
        case None | bool():
            return node.value
        case str():
            return str(node.value)
        case int() | float():
            node.number()
            return int(node.value) if isinstance(node.value, int) else float(node.value)
        case _:
            node.refuse(f"must be a value of JSON, not {describe(node.value)}; put it in quotes")
            return None
