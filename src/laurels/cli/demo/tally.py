"""What a played history came to: counted as it is played, told as a few lines."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Final

from laurels.core.change import (
    BadgeAwarded,
    ChallengeCompleted,
    Parked,
    PointsPosted,
    StreakExtended,
    TierChanged,
)
from laurels.core.command import Command
from laurels.core.ledger import is_house
from laurels.engine.ports import Outcome, Receipt

PLACES: Final = 10
BADGES_NAMED_MAX: Final = 4
NAME_CHARS_MAX: Final = 32


class Tally:
    """Who earned what, as the receipts of a history tell it."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.completed: Counter[str] = Counter()
        self.badges: defaultdict[str, list[str]] = defaultdict(list)
        self.tiers: dict[str, str] = {}
        self.streaks: dict[str, int] = {}
        self.seen = self.duplicates = self.parked = self.refused = 0

    def add(self, commands: Sequence[Command], outcomes: Sequence[Outcome]) -> None:
        """Count what came of a batch."""
        for command, outcome in zip(commands, outcomes, strict=True):
            self.seen += 1
            if isinstance(outcome, Receipt):
                self._add(command.participant, outcome)
            else:
                self.refused += 1

    def _add(self, participant: str, receipt: Receipt) -> None:
        self.duplicates += receipt.duplicate
        self.events[participant] += 1
        for change in receipt.changes:
            match change:
                case PointsPosted() if change.currency == receipt.currency:
                    self.points[participant] += 0 if is_house(change.target) else change.amount
                case BadgeAwarded():
                    self.badges[participant].append(change.title)
                case ChallengeCompleted():
                    self.completed[participant] += 1
                case TierChanged():
                    self.tiers[participant] = change.title
                case StreakExtended():
                    self.streaks[participant] = change.longest
                case Parked():
                    self.parked += 1
                case _:
                    pass

    def leaders(self) -> list[str]:
        """Return the participants by points, the most first."""
        return sorted(self.events, key=lambda who: (-self.points[who], who))

    def board(self) -> list[str]:
        """Return the leaderboard as lines of text."""
        leaders = self.leaders()
        lines = [self._row(rank, who) for rank, who in enumerate(islice(leaders, PLACES), 1)]
        more = len(leaders) - PLACES
        return [*lines, f"      … and {more} more"] if more > 0 else lines

    def sums(self) -> str:
        """Return one sentence about everybody together."""
        badges = sum(map(len, self.badges.values()))
        return (
            f"{counted(len(self.events), 'person', 'people')} earned "
            f"{counted(self.points.total(), 'point')} and {counted(badges, 'badge')}, "
            f"and completed {counted(self.completed.total(), 'challenge')}."
        )

    def _row(self, rank: int, who: str) -> str:
        badges = self.badges[who]
        named = ", ".join(badges[:BADGES_NAMED_MAX])
        if more := len(badges[BADGES_NAMED_MAX:]):
            named += f" and {more} more"
        weeks, tier = self.streaks.get(who, 0), self.tiers.get(who, "")
        return (
            f"  {rank:>2}. {shortened(who):<{NAME_CHARS_MAX}} {self.points[who]:>9,}  {tier:<8}"
            f"{weeks:>4} wk   {named}"
        )


def counted(number: int, noun: str, plural: str = "") -> str:
    """
    Return so many of something, in words.

    >>> counted(1, "badge"), counted(1200, "person", "people")
    ('1 badge', '1,200 people')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shortened(name: str) -> str:
    r"""
    Return a name that fits its column and cannot move the cursor.

    >>> shortened("Zoë\x1b[31m")
    'Zoë?[31m'
    """
    visible = "".join(character if character.isprintable() else "?" for character in name)
    return visible if len(visible) <= NAME_CHARS_MAX else visible[: NAME_CHARS_MAX - 1] + "…"
