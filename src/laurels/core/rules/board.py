"""Scores of leaderboards and contests."""

from collections.abc import Generator, Iterator
from typing import assert_never

import msgspec

from laurels.core import limits
from laurels.core.change import (
    Change,
    ContestCompleted,
    ContestFrozen,
    PrizeWon,
    ScoreMoved,
    ScorePaced,
    ScoreQuestioned,
    ScoreReviewed,
    ScoreTooLate,
)
from laurels.core.command import CloseContest, CompleteContest, PayPrize, ReviewScore
from laurels.core.errors import AmountTooLarge, InvalidCommand, UnknownName
from laurels.core.event import Fact, Instant
from laurels.core.filter import read_number
from laurels.core.number import ONE, Millionths
from laurels.core.rulebook import Board, Contest, Score, Velocity
from laurels.core.rules.chain import Chain
from laurels.core.rules.reward import pay
from laurels.core.section import PACE, PRIZE, PROFILE, Pace
from laurels.core.state import BOARD
from laurels.core.window import HOUR_MS, MINUTE_MS, window_key


def score(chain: Chain, board: Board | Contest, fact: Fact) -> Iterator[Change]:
    """Let a fact count for a board, in the period that holds it by the board's own clock."""
    window = window_key(board.window, fact.at, chain.rulebook.calendar)
    if window is None:
        return
    value = ONE if board.score.of is None else read_number(fact.data, board.score.of)
    if value is None or (value == 0 and board.score.measure == "sum"):
        return
    if isinstance(board, Contest):
        if board.id in chain.shared.closed:
            yield ScoreTooLate(board.id, fact.because)
            return
        if board.velocity is not None:
            held = yield from _pace(chain, board, board.velocity, value, fact)
            if held:
                return
    yield from _move(chain, board, window, value, at=fact.at, because=fact.because)


def review(chain: Chain, command: ReviewScore) -> Iterator[Change]:
    """Let what was held of a score count, or drop it."""
    contest = chain.rulebook.boards.get(command.contest)
    if not isinstance(contest, Contest):
        raise UnknownName("The rulebook has no such contest.")
    pace = chain.draft.read(PACE, contest.id)
    if pace is None or pace.held_at is None:
        raise InvalidCommand("Nothing of this participant's score is held.")
    if contest.id in chain.shared.closed:
        raise InvalidCommand("The standings of this contest are final.")
    yield ScoreReviewed(contest.id, pace.held, command.accept)
    if command.accept:
        yield from _move(chain, contest, "", pace.held, at=pace.held_at, because=-1)


def close(chain: Chain, command: CloseContest) -> Iterator[Change]:
    """Fix the standings: whatever comes later scores nothing."""
    if command.contest not in chain.shared.closed:
        yield ContestFrozen(command.contest, command.received_at)


def complete(_: Chain, command: CompleteContest) -> Iterator[Change]:
    yield ContestCompleted(command.contest, command.received_at)


def pay_prize(chain: Chain, command: PayPrize) -> Iterator[Change]:
    """Pay what a place wins, once however often it is asked for."""
    if chain.draft.read(PRIZE, command.contest) is None:
        yield PrizeWon(command.contest, command.rank, command.at)
        yield from pay(chain, command.rewards, command.contest, command.at, -1)


def weighed(score: Score, measure: Millionths) -> Millionths:
    return measure * score.weight // ONE


def _move(
    chain: Chain,
    board: Board | Contest,
    window: str,
    value: Millionths,
    *,
    at: Instant,
    because: int,
) -> Iterator[Change]:
    before = chain.draft.progress(BOARD + board.id, window)
    measure, reached_at = measured(board.score, before.measure, before.reached_at, value, at=at)
    if abs(measure) > limits.MEASURE_MAX:
        raise AmountTooLarge
    if (measure, reached_at) != (before.measure, before.reached_at):
        yield ScoreMoved(
            board.id,
            window,
            weighed(board.score, before.measure),
            weighed(board.score, measure),
            measure,
            reached_at,
            _segment(chain, board),
            isinstance(board, Contest),
            because,
        )


def measured(
    score: Score, before: Millionths, latest: Instant | None, value: Millionths, *, at: Instant
) -> tuple[Millionths, Instant]:
    """
    Return the measure after one more fact and when it was reached, in any order the same.

    `latest` is when the measure before was reached, None where there was none.
    """
    match score.measure:
        case "count" | "sum":
            return before + value, at if latest is None else max(latest, at)
        case "max":
            first = (value, -at)
            best = first if latest is None else max(first, (before, -latest))
            return best[0], -best[1]
        case "latest":
            newest = (at, value) if latest is None else max((at, value), (latest, before))
            return newest[1], newest[0]
        case _:
            assert_never(score.measure)


def _pace(
    chain: Chain, contest: Contest, velocity: Velocity, value: Millionths, fact: Fact
) -> Generator[Change, None, bool]:
    """Watch how fast somebody scores; return whether the fact's score is held back."""
    rise = weighed(contest.score, value)
    if rise <= 0:
        return False
    pace = chain.draft.read(PACE, contest.id) or Pace()
    minutes, in_minute = _summed(pace.minutes, fact.at // MINUTE_MS, rise)
    hours, in_hour = _summed(pace.hours, fact.at // HOUR_MS, rise)
    limit = None
    if velocity.per_minute is not None and in_minute > velocity.per_minute:
        limit = "per_minute"
    elif velocity.per_hour is not None and in_hour > velocity.per_hour:
        limit = "per_hour"
    held = limit is not None and velocity.action == "hold"
    if not held:
        yield ScorePaced(contest.id, minutes, hours, fact.because)
    if limit is not None:
        kept = measured(contest.score, pace.held, pace.held_at, value, at=fact.at)
        yield ScoreQuestioned(contest.id, limit, value, fact.at, held, *kept, fact.because)
    return held


def _summed(
    sums: tuple[tuple[int, Millionths], ...], number: int, value: Millionths
) -> tuple[tuple[tuple[int, Millionths], ...], Millionths]:
    """Add to the sum of one minute or hour; only so many of the latest are remembered."""
    known = dict(sums)
    known[number] = known.get(number, 0) + value
    return tuple(sorted(known.items())[-limits.WINDOWS_LIVE_MAX :]), known[number]


def _segment(chain: Chain, board: Board | Contest) -> str | None:
    """Return the participant's attribute that parts the board, if it is a text."""
    if isinstance(board, Contest) or board.segment is None:
        return None
    profile = chain.draft.read(PROFILE)
    if profile is None:
        return None
    value = msgspec.json.decode(profile.attributes).get(board.segment)
    return value if isinstance(value, str) else None
