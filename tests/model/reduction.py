"""
From a long failing history to a short one: what the failure does not need is left out.

It is quicker here than Hypothesis' own shrinking, which does not know what a step or a rule is.
"""

import copy
import json
import time

from laurels.core.errors import RulebookRefused
from laurels.engine.rulebook_text import load_rulebook

GIVE_UP_AFTER_S = 60


def reduce(book, history, fails):
    """Return the smallest rulebook and history that we find and that still fail."""
    give_up_at, before = time.monotonic() + GIVE_UP_AFTER_S, None
    while (book, history) != before and time.monotonic() < give_up_at:
        before = book, history
        history = fewer_steps(book, history, fails)
        book = smaller_book(book, history, fails, give_up_at)
    return book, history


def fewer_steps(book, history, fails):
    """Leave out as many steps as possible, by halves at first and one by one at last."""
    size = max(len(history) // 2, 1)
    while size:
        place = 0
        while place < len(history):
            rest = history[:place] + history[place + size :]
            if fails(book, rest):
                history = rest
            else:
                place += size
        size //= 2
    return history


def smaller_book(book, history, fails, give_up_at):
    """Leave out entries and keys of the tree, whole sections first."""
    paths = list(paths_of(book))
    while paths and time.monotonic() < give_up_at:
        path = paths.pop(0)
        smaller = without(book, path)
        if is_valid(smaller) and fails(smaller, history):
            book, paths = smaller, list(paths_of(smaller))
    return book


def paths_of(tree, path=()):
    keys = list(tree) if isinstance(tree, dict) else range(len(tree) - 1, -1, -1)
    for key in keys:
        yield (*path, key)
        if isinstance(tree[key], dict | list):
            yield from paths_of(tree[key], (*path, key))


def without(tree, path):
    """Return a copy of a tree without what stands at a path."""
    copied = copy.deepcopy(tree)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return copied


def is_valid(book):
    try:
        load_rulebook(json.dumps(book))
    except RulebookRefused:
        return False
    return True
