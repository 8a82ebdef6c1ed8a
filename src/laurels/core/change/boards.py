"""What can come of leaderboards and contests."""

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.number import Millionths


class ScoreMoved(Struct, frozen=True, omit_defaults=True, gc=False, tag="score.moved"):
    """
    A score of a leaderboard or a contest went from `before` to `after`, both weighed, millionths.

    `measure` is what was measured before any weight; `reached_at` decides ties.
    """

    board: str
    window: str
    before: Millionths
    after: Millionths
    measure: Millionths
    reached_at: Instant
    segment: str | None = None
    is_contest: bool = False
    because: int = -1


class ScorePaced(Struct, frozen=True, omit_defaults=True, gc=False, tag="score.paced"):
    """How much was scored of late in a contest with limits, by the minutes of its facts."""

    contest: str
    minutes: tuple[tuple[int, Millionths], ...]
    """The latest ones, by number, and how much was scored in each."""
    hours: tuple[tuple[int, Millionths], ...]
    because: int = -1


class ScoreQuestioned(Struct, frozen=True, omit_defaults=True, gc=False, tag="score.questioned"):
    """Too much in too short a time: flagged, and when `held` it was not counted. In millionths."""

    contest: str
    limit: str
    """`per_minute` or `per_hour`."""
    amount: Millionths
    at: Instant
    held: bool
    measure: Millionths = 0
    """All that is held back by now, measured as the contest does."""
    reached_at: Instant = 0
    because: int = -1


class ScoreReviewed(Struct, frozen=True, omit_defaults=True, gc=False, tag="score.reviewed"):
    """An operator let what was held count, or dropped it. In millionths."""

    contest: str
    amount: Millionths
    accepted: bool
    because: int = -1


class ScoreTooLate(Struct, frozen=True, omit_defaults=True, gc=False, tag="score.too_late"):
    """A fact of a contest came after its standings were final, and scores nothing."""

    contest: str
    because: int = -1


class PrizeWon(Struct, frozen=True, omit_defaults=True, gc=False, tag="contest.prize"):
    """A place in a contest; what it pays follows."""

    contest: str
    rank: int
    at: Instant
    because: int = -1


class ContestFrozen(Struct, frozen=True, omit_defaults=True, gc=False, tag="contest.frozen"):
    """The standings of a contest are final."""

    contest: str
    at: Instant
    because: int = -1


class ContestCompleted(Struct, frozen=True, omit_defaults=True, gc=False, tag="contest.completed"):
    """All prizes of a contest have been sent out."""

    contest: str
    at: Instant
    because: int = -1
