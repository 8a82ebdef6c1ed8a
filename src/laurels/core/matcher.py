"""
The filters of many rules as one generated function: it finds those that a fact's data satisfies.

The generated text holds only our own words; everything a rulebook says is handed in as a value
named K0, K1 and so on. What comes out equals `satisfies`, refusals included.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, nan, nextafter
from typing import Any, Final, TypeAlias, assert_never

from laurels.core.filter import (
    MISSING,
    All,
    Clause,
    Filter,
    Not,
    Path,
    Some,
    contains,
    read,
    same,
    satisfies,
)
from laurels.core.limits import NUMBER_MAX
from laurels.core.number import ONE, Millionths
from laurels.core.rulebook import Rule

Matcher: TypeAlias = Callable[[dict[str, Any]], list[Rule]]

BORDERS: Final = {"gte": (">=", 0), "gt": (">=", 1), "lt": ("<", 0), "lte": ("<", 1)}
"""How a number is compared, and with the least float of which bound: `gt` is one millionth more."""


def compile_matcher(rules: Sequence[tuple[Rule, Filter | None]]) -> Matcher:
    """
    Write the function that returns, in order, the rules whose filter the data satisfies.

    A number out of range is left to `satisfies`, which knows whether any rule comes to read it.
    """

    def interpret(data: dict[str, Any]) -> list[Rule]:
        return [rule for rule, where in rules if where is None or satisfies(where, data)]

    return _Source(interpret).matcher(rules)


def least(bound: Millionths) -> float:
    """
    Return the smallest float that is `bound` or more once it is held in millionths.

    Rounding never changes an order, so comparing a number with this is comparing its millionths.

    >>> round(least(2_000_000) * ONE), round(nextafter(least(2_000_000), -inf) * ONE)
    (2000000, 1999999)
    """
    number = (bound - 0.5) / ONE
    while round(number * ONE) < bound:
        number = nextafter(number, inf)
    while round((below := nextafter(number, -inf)) * ONE) >= bound:
        number = below
    return number


def is_plain_number(literal: float) -> bool:
    """Say whether the literal has millionths; a boolean has none."""
    return not isinstance(literal, bool) and -NUMBER_MAX <= literal <= NUMBER_MAX


class _Source:
    """The text of one matcher while it is written, and the values that it names."""

    def __init__(self, interpret: Matcher) -> None:
        self.values: dict[str, Any] = {
            "MISSING": MISSING,
            "NAN": nan,
            "contains": contains,
            "interpret": interpret,
            "read": read,
            "same": same,
        }
        self.loads: list[str] = []
        self.properties: dict[tuple[str, Path], str] = {}

    def matcher(self, rules: Iterable[tuple[Rule, Filter | None]]) -> Matcher:
        """Put the whole together and run it into a function."""
        lines: list[str] = []
        for rule, where in rules:
            hit = f"hits.append({self.value(rule)})"
            lines.append(hit if where is None else f"if {self.test(where)}: {hit}")
        body = "\n    ".join(["hits = []", *self.loads, *lines, "return hits"])
        source = f"def match(data):\n    {body}\n"
        exec(compile(source, "<matcher>", "exec"), self.values)  # noqa: S102 - our own words only
        return self.values["match"]

    def value(self, value: object) -> str:
        """Name a value of the rulebook's, which itself never stands in the text."""
        name = f"K{len(self.values)}"
        self.values[name] = value
        return name

    def test(self, where: Filter) -> str:
        match where:
            case Clause():
                return f"({self.clause(where)})"
            case All():
                return f"({' and '.join(map(self.test, where.filters)) or 'True'})"
            case Some():
                return f"({' or '.join(map(self.test, where.filters)) or 'False'})"
            case Not():
                return f"(not {self.test(where.filter)})"
            case _:
                assert_never(where)

    def clause(self, clause: Clause) -> str:
        path, literal = clause.path, clause.value
        match clause.operator:
            case "exists":
                return f"{self.raw(path)} is {'not ' if literal else ''}MISSING"
            case "contains":
                return f"contains({self.raw(path)}, {self.value(literal)})"
            case "eq":
                return self.equals(path, literal)
            case "in":
                return self.is_among(path, literal)
            case "ne" | "not_in":
                opposite = Clause(path, "eq" if clause.operator == "ne" else "in", literal)
                return f"{self.raw(path)} is not MISSING and not ({self.clause(opposite)})"
            case "gt" | "gte" | "lt" | "lte":
                sign, more = BORDERS[clause.operator]
                return f"{self.number(path)} {sign} {self.value(least(literal + more))}"
            case _:
                assert_never(clause.operator)

    def equals(self, path: Path, literal: object) -> str:
        """Compare with `is`, `==` or two borders where those mean the same as `same`."""
        match literal:
            case None | bool():
                return f"{self.raw(path)} is {literal}"
            case str():
                return f"{self.raw(path)} == {self.value(literal)}"
            case int() | float() if is_plain_number(literal):
                low = round(literal * ONE)
                low_name, high_name = self.value(least(low)), self.value(least(low + 1))
                return f"{low_name} <= {self.number(path)} < {high_name}"
            case _:
                return f"same({self.raw(path)}, {self.value(literal)})"

    def is_among(self, path: Path, literals: list[object]) -> str:
        """Look texts and numbers up in sets, however many there are; compare with the others."""
        texts, numbers, others = set[str](), set[Millionths](), list[object]()
        for literal in literals:
            match literal:
                case str():
                    texts.add(literal)
                case int() | float() if is_plain_number(literal):
                    numbers.add(round(literal * ONE))
                case _:
                    others.append(literal)
        tests = [self.equals(path, literal) for literal in others]
        if texts:
            tests.append(f"{self.text(path)} in {self.value(frozenset(texts))}")
        if numbers:
            name = self.number(path)
            tests.append(f"{name} == {name} and round({name} * {ONE}) in {self.value(numbers)}")
        return " or ".join(tests) or "False"

    def raw(self, path: Path) -> str:
        """Name a property as it was sent."""
        return self.load("v", path, self.raw_loads)

    def number(self, path: Path) -> str:
        """Name a property as a number in range: what is none compares like none, as NaN does."""
        return self.load("n", path, self.number_loads)

    def text(self, path: Path) -> str:
        """Name a property as something that can be looked up in a set."""
        return self.load("t", path, self.text_loads)

    def load(self, prefix: str, path: Path, loads: Callable[[str, Path], Iterator[str]]) -> str:
        """Load a property at the first mention, once for all filters."""
        name = self.properties.get((prefix, path))
        if name is None:
            name = self.properties[prefix, path] = f"{prefix}{len(self.properties)}"
            self.loads.extend(loads(name, path))
        return name

    def raw_loads(self, name: str, path: Path) -> Iterator[str]:
        if path.parts:
            yield f"{name} = read(data, {self.value(path)})"
        else:
            yield f"{name} = data.get({self.value(path.key)}, MISSING)"

    def number_loads(self, name: str, path: Path) -> Iterator[str]:
        raw = self.raw(path)
        yield f"{name} = NAN"
        yield f"if type({raw}) is int or type({raw}) is float:"
        yield f"    if not {-NUMBER_MAX} <= {raw} <= {NUMBER_MAX}: return interpret(data)"
        yield f"    {name} = {raw}"

    def text_loads(self, name: str, path: Path) -> Iterator[str]:
        raw = self.raw(path)
        yield f"{name} = {raw} if type({raw}) is str else MISSING"
