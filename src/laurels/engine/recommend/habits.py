"""What participants of one tenant complete, and what they complete next."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from laurels.core import limits
from laurels.core.number import ONE, Millionths
from laurels.engine.answers import Completion

DOUBT: Final = 3
"""Participants who are taken to have done something else, so that one alone is no habit."""


class Habits(Struct, frozen=True):
    """Counted in participants: who does the same a hundred times counts once."""

    completed_by: Mapping[str, int]
    """By challenge."""
    followed: Mapping[str, Mapping[str, int]]
    """By challenge, how many completed which one right after it."""

    def next_after(self, done: Iterable[str]) -> dict[str, tuple[Millionths, str]]:
        """Return what is often completed next: how often, and after which of those `done`."""
        best: dict[str, tuple[Millionths, str]] = {}
        for before in done:
            for after, count in self.followed.get(before, {}).items():
                share = count * ONE // (self.completed_by[before] + DOUBT)
                if share > best.get(after, (0, ""))[0]:
                    best[after] = (share, before)
        return best


def habits_of(completions: Iterable[Completion]) -> Habits:
    """
    Learn from what was completed, in the order in which it happened.

    >>> habits = habits_of(Completion(who, what) for who in "xyz" for what in "aab")
    >>> habits.completed_by, habits.followed, habits.next_after(["a"])
    ({'a': 3, 'b': 3}, {'a': {'b': 3}}, {'b': (500000, 'a')})
    """
    last: dict[str, str] = {}
    completed = set[Completion]()
    pairs = set[tuple[str, str, str]]()
    for completion in completions:
        who, what = completion
        completed.add(completion)
        before = last.get(who, what)
        if before != what:
            pairs.add((who, before, what))
        last[who] = what
    followed: defaultdict[str, dict[str, int]] = defaultdict(dict)
    counted = Counter((before, after) for _, before, after in pairs)
    # Among equals the order of a set would decide, and that is another one in each process.
    often = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    for (before, after), count in often[: limits.HABIT_PAIRS_MAX]:
        followed[before][after] = count
    return Habits(dict(sorted(Counter(what for _, what in completed).items())), dict(followed))
