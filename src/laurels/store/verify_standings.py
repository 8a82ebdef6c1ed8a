"""Holds the rankings against the journal: everybody stands where their last score put them."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from laurels.core.change import ScoreMoved
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.number import Millionths, plain
from laurels.store.hand import Hand
from laurels.store.rows import decode_changes

Place: TypeAlias = tuple[str, str]
"""A board and its window."""
Score: TypeAlias = tuple[str | None, Millionths, Instant]
"""Segment, score, and when it was reached."""


def verify_standings(reader: Hand, world: TenantId) -> Iterator[str]:
    """Yield what is wrong with the rankings of a world, one participant at a time."""
    decided = ((who, True, changes) for who, changes in reader.stream("all_scores", world))
    standing = ((row[0], False, row) for row in reader.stream("all_standings", world))
    # Both come in the order of the participants, so that neither has to be held whole.
    told = merge(decided, standing, key=itemgetter(0))
    for who, mixed in groupby(told, key=itemgetter(0)):
        yield from _verify_scores(who, mixed)


def _verify_scores(
    who: ParticipantId, mixed: Iterable[tuple[ParticipantId, bool, Any]]
) -> Iterator[str]:
    scores: dict[Place, Score] = {}
    stands: dict[Place, Score] = {}
    for _, is_decided, what in mixed:
        if is_decided:
            scores |= _last_scores(what)
        else:
            _, board, window, *score = what
            stands[board, window] = tuple(score)
    for place in sorted({*scores, *stands}):
        score, stand = scores.get(place), stands.get(place)
        if score != stand:
            yield f"{who} {_say(stand)} {_where(place)}, but by the journal {_say(score)}."


def _last_scores(changes: str) -> dict[Place, Score]:
    return {
        (change.board, change.window): (change.segment, change.after, change.reached_at)
        for change in decode_changes(changes)
        if isinstance(change, ScoreMoved)
    }


def _say(score: Score | None) -> str:
    if score is None:
        return "has no score"
    segment, amount, reached_at = score
    within = "" if segment is None else f" in {segment}"
    return f"has {plain(amount)}{within} since {reached_at}"


def _where(place: Place) -> str:
    board, window = place
    return f"on {board} {window}".rstrip()
