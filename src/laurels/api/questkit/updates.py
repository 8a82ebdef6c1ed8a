"""
From a journal entry to what a stream says of it.

Everything follows from the entry alone, and always in the same order: an update is known by its
place in it, so that a stream can be resumed in the middle of a command.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeAlias

from laurels.api.questkit.translate_missions import reached, to_claimed_progress, to_rewards
from laurels.api.questkit.wire_missions import (
    BadgeReward,
    Balance,
    ItemReward,
    Progress,
    Reward,
)
from laurels.api.questkit.wire_recommendations import Recommendations
from laurels.api.questkit.wire_updates import (
    BalanceChanged,
    Granted,
    MissionClaimed,
    MissionCompleted,
    MissionProgress,
    Recommendation,
    Reset,
    RewardGranted,
    Update,
)
from laurels.core.change import (
    BadgeAwarded,
    ChallengeClaimed,
    ChallengeCompleted,
    Change,
    ItemGranted,
    ParticipantReset,
    PointsPosted,
    ProgressMoved,
    Recommended,
)
from laurels.core.ledger import is_in_hand
from laurels.core.number import ONE
from laurels.engine.answers import JournalEntry

Window: TypeAlias = tuple[str, str]
"""One window of one challenge."""

TOLD: Final = frozenset((
    ProgressMoved, ChallengeCompleted, ChallengeClaimed, PointsPosted,
    BadgeAwarded, ItemGranted, Recommended, ParticipantReset,
))  # fmt: skip


def updates_of(entry: JournalEntry) -> list[Update | Reset]:
    """Return all that its participant hears of an entry, in the order it came about."""
    if TOLD.isdisjoint(map(type, entry.changes)):
        return []
    story = _Story(entry)
    return [
        update
        for position, change in enumerate(entry.changes)
        for update in story.told(position, change)
    ]


class _Story:
    """An entry as it is told: of what moves several times only the last is worth a word."""

    def __init__(self, entry: JournalEntry) -> None:
        self._entry = entry
        self._user = entry.participant
        self._last_moves: dict[Window, tuple[int, ProgressMoved]] = {}
        self._last_postings: dict[str, int] = {}
        self._completed: set[Window] = set()
        self._paid = Counter[tuple[str, Reward]]()
        """What a claim has told of already, and what then follows in the entry."""
        for position, change in enumerate(entry.changes):
            if isinstance(change, ProgressMoved) and not change.quiet:
                self._last_moves[change.challenge, change.window] = position, change
            elif isinstance(change, ChallengeCompleted):
                self._completed.add((change.challenge, change.window))
            elif isinstance(change, PointsPosted) and is_in_hand(change):
                self._last_postings[change.currency] = position

    def told(self, position: int, change: Change) -> Iterator[Update | Reset]:
        match change:
            case ProgressMoved():
                yield from self._progress(position, change)
            case ChallengeCompleted():
                yield MissionCompleted(self._completion(change))
            case ChallengeClaimed(quiet=False):
                yield from self._claim(change)
            case PointsPosted():
                yield from self._balance(position, change)
            case BadgeAwarded():
                yield from self._grant(change.rule, BadgeReward(change.badge))
            case ItemGranted():
                yield from self._grant(change.rule, ItemReward(change.item, change.quantity))
            case Recommended() | ParticipantReset():
                yield _said(change)
            case _:
                pass

    def _progress(self, position: int, change: ProgressMoved) -> Iterator[Update]:
        window = change.challenge, change.window
        if window in self._completed or self._last_moves.get(window) != (position, change):
            return
        if change.aside:
            return  # A mission has one progress to a client, and that is not it.
        share, count, target = _measured(change)
        at = change.at or self._entry.recorded_at
        yield MissionProgress(
            Progress(self._user, change.challenge, "active", share, count, target, at),
        )

    def _completion(self, change: ChallengeCompleted) -> Progress:
        move = self._last_moves.get((change.challenge, change.window))
        target = 1 if move is None else _measured(move[1])[2]
        return Progress(self._user, change.challenge, "completed", 1.0, target, target, change.at)

    def _claim(self, change: ChallengeClaimed) -> Iterator[Update]:
        yield MissionClaimed(to_claimed_progress(self._user, change))
        for reward in to_rewards(change.rewards):
            self._paid[change.challenge, reward] += 1
            yield RewardGranted(Granted(self._user, reward, change.challenge))

    def _balance(self, position: int, change: PointsPosted) -> Iterator[Update]:
        if self._last_postings.get(change.currency) == position:
            at = self._entry.recorded_at
            yield BalanceChanged(Balance(self._user, change.currency, change.balance, at))

    def _grant(self, rule: str, reward: Reward) -> Iterator[Update]:
        if self._paid[rule, reward]:
            self._paid[rule, reward] -= 1
        else:
            yield RewardGranted(Granted(self._user, reward))


def _said(change: Recommended | ParticipantReset) -> Recommendation | Reset:
    if isinstance(change, ParticipantReset):
        return Reset("began_anew")
    names = [*change.challenges]
    return Recommendation(Recommendations(names, change.why, cached=False, count=len(names)))


def _measured(change: ProgressMoved) -> tuple[float, int, int]:
    """Return how much of a mission is done, and both its numbers, whole."""
    if change.overall is None:
        return reached(change.after, change.target)
    count, target, mean = change.overall
    return min(max(mean / ONE, 0.0), 1.0), min(count, target), target
