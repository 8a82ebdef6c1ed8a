"""
What goes round in circles: rules that hear what they post, names that come before each other.

A set of things is a mask here: an integer with one bit for each, so that a rulebook at its limit is
checked in a moment.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, assert_never

from laurels.core.filter import All, Clause, Filter, Not, Some, satisfies
from laurels.core.rulebook import EarnRule

POSTED: Final = "points.posted"


def circles(befores: Sequence[int]) -> Iterator[list[int]]:
    """
    Find circles that share nothing, at least one in each tangle; the least of each stands first.

    The mask at an index tells what comes before that thing, and so does each next one in a circle.

    >>> list(circles([0b010, 0b100, 0b001, 0b1000]))
    [[0, 1, 2], [3]]
    """
    left = (1 << len(befores)) - 1
    while left:
        walk, on_walk = [_lowest(left)], left & -left
        fresh = left & ~on_walk
        while walk:
            before = befores[walk[-1]] & left
            if before & on_walk:  # The walk meets itself.
                circle = walk[walk.index(_lowest(before & on_walk)) :]
                first = circle.index(min(circle))
                yield circle[first:] + circle[:first]
                left &= ~sum(1 << index for index in circle)
                break
            if before & fresh:
                walk.append(_lowest(before & fresh))
                on_walk |= 1 << walk[-1]
                fresh &= ~on_walk
            else:
                left &= ~(1 << walk.pop())
                on_walk &= left


def feeds(rules: Sequence[EarnRule]) -> list[int]:
    """
    Tell for each earn rule, as a mask, which of them may post points that it hears.

    Of such a fact, `currency` and `rule` are known beforehand, and `amount` is not.
    """
    every = sum(1 << index for index, rule in enumerate(rules) if rule.hears.kind == POSTED)
    postings = _Postings(rules, every)
    return [
        postings.judge(rule.hears.where).possible if rule.hears.kind == POSTED else 0
        for rule in rules
    ]


class _Verdict(NamedTuple):
    """The postings that satisfy a filter for certain, and those that may."""

    certain: int
    possible: int


class _Postings:
    """What earn rules post, to be judged by a filter all at once."""

    def __init__(self, rules: Sequence[EarnRule], every: int) -> None:
        self.every = every
        self.known: dict[str, dict[str, int]] = {"currency": {}, "rule": {}}
        for index, rule in enumerate(rules):
            for key, value in (("currency", rule.currency), ("rule", rule.id)):
                masks = self.known[key]
                masks[value] = masks.get(value, 0) | (every & (1 << index))
        self.texts = {key: "\0".join(masks) for key, masks in self.known.items()}

    def judge(self, where: Filter | None) -> _Verdict:
        match where:
            case None:
                return _Verdict(self.every, self.every)
            case Clause():
                return self.judge_clause(where)
            case All():
                return self.judge(Not(Some(tuple(map(Not, where.filters)))))
            case Some():
                verdicts = [self.judge(each) for each in where.filters]
                certain = _union(verdict.certain for verdict in verdicts)
                return _Verdict(certain, _union(verdict.possible for verdict in verdicts))
            case Not():
                verdict = self.judge(where.filter)
                return _Verdict(self.every & ~verdict.possible, self.every & ~verdict.certain)
            case _:
                assert_never(where)

    def judge_clause(self, clause: Clause) -> _Verdict:
        key, literal = clause.path.key, clause.value
        masks = self.known.get(key)
        if masks is None:
            return _Verdict(0, self.every)
        match clause.operator:
            case "eq" | "ne":
                held = masks.get(literal, 0) if isinstance(literal, str) else 0
            case "in" | "not_in":
                held = _union(masks.get(each, 0) for each in literal if isinstance(each, str))
            case "contains" if not isinstance(literal, str) or literal not in self.texts[key]:
                held = 0  # In none, so that we need not look at each.
            case _:
                held = _union(masks[text] for text in masks if satisfies(clause, {key: text}))
        if clause.operator in ("ne", "not_in"):
            held = self.every & ~held
        return _Verdict(held, held)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
