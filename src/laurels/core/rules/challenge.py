"""Challenges: objectives, milestones and completion; enrolment, and what a claim pays."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.json import encode
from msgspec.structs import replace

from laurels.core import limits
from laurels.core.change import (
    ChallengeClaimed,
    ChallengeCompleted,
    ChallengeDroppedOff,
    ChallengeMilestoneReached,
    Change,
    CompletionLapsed,
    Enrolled,
    ProgressMoved,
)
from laurels.core.command import Claim, Enrol
from laurels.core.draft import Draft
from laurels.core.errors import AmountTooLarge, ChallengeLocked, ClaimNotReady, UnknownChallenge
from laurels.core.event import Fact, Instant
from laurels.core.filter import read, read_number
from laurels.core.number import ONE, Millionths
from laurels.core.rulebook import Challenge, Objective, PointsReward, Step
from laurels.core.rules.chain import Chain
from laurels.core.rules.reward import pay
from laurels.core.section import DONE, ENROLLED
from laurels.core.state import Progress, is_owed
from laurels.core.window import (
    HOUR_MS,
    MINUTE_MS,
    is_within,
    rolling_name,
    rolling_window,
    window_key,
)

DROP_OFF: Final = "drop/"
"""What the due dates of challenges that stand still begin with."""
ONCE: Final = ("lifetime", "fixed")
"""Kinds of windows of which there is only one."""
AHEAD_MS: Final = MINUTE_MS
"""How far ahead of us the clock of a present fact may be."""


def advance(chain: Chain, step: Step, fact: Fact) -> Iterable[Change]:
    """Move an objective, and all that follows from its move."""
    challenge, objective = step.challenge, step.objective
    window = window_of(chain, challenge, fact.at)
    if window is None or not is_open(chain.draft, challenge, window, fact.at):
        return ()
    progress = chain.draft.progress(challenge.id, window)
    if objective.after and not _are_met(challenge, progress, objective.after):
        return ()
    before = progress.measures.get(objective.id, 0)
    after, value = measure(objective, before, progress, fact.data)
    if after == before:
        return ()
    target = objective.target
    was_completed = progress.completed_at is not None
    move = ProgressMoved(
        challenge.id,
        objective.id,
        window,
        before,
        after,
        target,
        was_completed or (before >= target and after >= target),
        value,
        fact.because,
        fact.at,
        overall(challenge, {**progress.measures, objective.id: after})
        if len(challenge.objectives) > 1
        else None,
        is_aside(chain, challenge, window, fact.at),
    )
    completes = not was_completed and after >= target and is_met(challenge, progress, objective)
    if not completes and not challenge.milestones and not challenge.drop_off_hours:
        return (move,)
    return _moved(chain, challenge, move, fact.at, completes=completes)


def claim(chain: Chain, command: Claim) -> Iterator[Change]:
    """
    Pay the oldest window that is completed and unclaimed.

    When nothing is owed, a claim of what has been claimed in the current window is told again, and
    changes nothing; any other is refused. Claiming an old window does not touch the new one.
    """
    challenge = chain.rulebook.challenges.get(command.challenge)
    if challenge is None:
        raise UnknownChallenge
    windows = chain.draft.windows(challenge.id)
    owed = min((name for name, progress in windows.items() if is_owed(progress)), default=None)
    if owed is not None:
        yield from pay_completion(chain, challenge, owed, command.received_at, -1)
        return
    now = window_of(chain, challenge, command.received_at)
    current = None if now is None else windows.get(now)
    if now is None or current is None or current.claimed_at is None:
        raise ClaimNotReady
    told = claimed(challenge, now, current.claimed_at, -1)
    paid = challenge.rewards[0] if challenge.rewards else None
    if isinstance(paid, PointsReward):
        told = replace(told, balance=chain.draft.balance(paid.currency).amount)
    yield replace(told, quiet=True)


def enrol(chain: Chain, command: Enrol) -> Iterator[Change]:
    """Let a participant take part; asking again while the first time lasts changes nothing."""
    challenge = chain.rulebook.challenges.get(command.challenge)
    if challenge is None:
        raise UnknownChallenge
    now, enrolled_at = command.received_at, chain.draft.read(ENROLLED, challenge.id)
    if enrolled_at is not None and not has_ended(challenge, enrolled_at, now):
        return
    if not _are_completed(chain.draft, challenge.requires) or _is_used_up(chain.draft, challenge):
        raise ChallengeLocked
    yield Enrolled(challenge.id, now)


def drop_off(chain: Chain, challenge_id: str, at: Instant) -> Iterator[Change]:
    """Tell that a challenge which was begun stands still."""
    chain.draft.set_due(DROP_OFF + challenge_id, None)
    windows = chain.draft.windows(challenge_id)
    newest = max((name for name, each in windows.items() if each.measures), default=None)
    if newest is not None and windows[newest].completed_at is None:
        yield ChallengeDroppedOff(challenge_id, newest, at)


def pay_completion(
    chain: Chain, challenge: Challenge, window: str, at: Instant, because: int
) -> Iterator[Change]:
    """Yield what the completion of a challenge gives."""
    yield claimed(challenge, window, at, because)
    yield from pay(chain, challenge.rewards, challenge.id, at, because)


def claimed(challenge: Challenge, window: str, at: Instant, because: int) -> ChallengeClaimed:
    return ChallengeClaimed(
        challenge.id, window, at, because, target_of(challenge), challenge.rewards
    )


def target_of(challenge: Challenge) -> int:
    """Return what has to be reached, in whole units: of one objective, or so many of several."""
    only, *others = challenge.objectives
    return challenge.needs if others else only.target // ONE


def overall(
    challenge: Challenge, measures: Mapping[str, Millionths]
) -> tuple[int, int, Millionths]:
    """
    Return how many objectives are met and how many are needed, and the mean of their shares.

    As long as the challenge is not completed: then it is all of it, whatever the rest has come to.
    """
    objectives, needs = challenge.objectives, challenge.needs
    reached = [(measures.get(each.id, 0), each.target) for each in objectives]
    met = sum(measure >= target for measure, target in reached)
    if met >= needs:
        return needs, needs, ONE
    shares = (min(max(measure, 0) * ONE // target, ONE) for measure, target in reached)
    return met, needs, sum(shares) // len(reached)


def window_of(chain: Chain, challenge: Challenge, at: Instant) -> str | None:
    """Name the window of a challenge that a moment falls into, or None where there is none."""
    window = challenge.window
    if window.kind != "rolling":
        return window_key(window, at, chain.calendar)
    windows, folded = chain.draft.windows(challenge.id), chain.draft.folded(challenge.id)
    if window.begins == "first":
        return rolling_window(windows, at, days=window.days, after=folded)
    enrolled_at = chain.draft.read(ENROLLED, challenge.id)
    if enrolled_at is None:
        return None
    # Earlier enrolments are remembered by the windows that they began.
    name = rolling_window([*windows, rolling_name(enrolled_at)], at, days=window.days, after=folded)
    return name if name in windows or name == rolling_name(enrolled_at) else None


def is_aside(chain: Chain, challenge: Challenge, name: str, at: Instant) -> bool:
    """
    Say whether the window of a moment is another one than the present.

    A clock that is a little ahead of ours tells of the present all the same.
    """
    window, now = challenge.window, chain.now
    kind = window.kind
    if kind in ONCE or 0 <= at - now <= AHEAD_MS:
        return False
    if kind == "rolling":
        names = (*chain.draft.windows(challenge.id), name)
        return rolling_window(names, now, days=window.days, after=None) != name
    # Whichever zone it is of, a day begins on the full minute.
    if at // MINUTE_MS == now // MINUTE_MS:
        return False
    return window_key(window, now, chain.calendar) != name


def has_ended(challenge: Challenge, enrolled_at: Instant, now: Instant) -> bool:
    """Say whether the stretch that began with an enrolment is over."""
    window = challenge.window
    lasts = window.kind == "rolling" and window.begins == "enrolment"
    return lasts and now >= enrolled_at + window.days * 24 * HOUR_MS


def is_open(draft: Draft, challenge: Challenge, window: str, at: Instant) -> bool:
    """Say whether facts of that moment count at all."""
    if challenge.campaign is not None and not is_within(challenge.campaign, at):
        return False
    if challenge.expires is not None and at > challenge.expires:
        return False
    if challenge.enrolment == "asked" and challenge.window.begins == "first":
        enrolled_at = draft.read(ENROLLED, challenge.id)
        if enrolled_at is None or at < enrolled_at:
            return False
    if challenge.requires and not _are_completed(draft, challenge.requires):
        return False
    if challenge.repeat is None or not _is_used_up(draft, challenge):
        return True
    return draft.progress(challenge.id, window).completed_at is not None


def measure(
    objective: Objective, before: Millionths, progress: Progress, data: dict[str, Any]
) -> tuple[Millionths, str | None]:
    """
    Return the objective's measure after one more fact, and the distinct value that is new.

    Facts past the target count too, so that the order they come in leaves no trace.
    """
    if objective.of is None:
        return before + ONE, None
    if objective.measure == "distinct":
        value = distinct_value(read(data, objective.of))
        if value is None or value in progress.seen.get(objective.id, ()):
            return before, None
        return before + ONE, value
    number = read_number(data, objective.of)
    if number is None:
        return before, None
    after = max(before, number) if objective.measure == "max" else before + number
    if abs(after) > limits.MEASURE_MAX:
        raise AmountTooLarge
    return after, None


def distinct_value(value: object) -> str | None:
    """
    Return a scalar as the text it is told apart by; null, lists and objects are no values.

    >>> distinct_value("jazz"), distinct_value(1.0), distinct_value(True), distinct_value([1])
    ('"jazz"', '1', 'true', None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return encode(value).decode() if isinstance(value, str | int | float) else None


def is_met(challenge: Challenge, before: Progress, reached: Objective) -> bool:
    """Say whether the objective that has just been reached makes up what the challenge needs."""
    met = 1 + sum(
        before.measures.get(objective.id, 0) >= objective.target
        for objective in challenge.objectives
        if objective is not reached
    )
    return met >= challenge.needs


def _moved(
    chain: Chain, challenge: Challenge, move: ProgressMoved, at: Instant, *, completes: bool
) -> Iterator[Change]:
    latest = _latest(chain, challenge) if challenge.drop_off_hours else None
    yield move
    for milestone in challenge.milestones:
        reached = chain.draft.progress(challenge.id, move.window).milestones
        is_new = milestone.objective == move.objective and milestone.id not in reached
        if is_new and move.after >= milestone.at:
            yield ChallengeMilestoneReached(
                challenge.id, milestone.id, move.window, at, move.because
            )
            yield from pay(chain, milestone.rewards, challenge.id, at, move.because)
    if completes:
        yield ChallengeCompleted(challenge.id, move.window, at, move.because)
        if challenge.claim == "automatic":
            yield from pay_completion(chain, challenge, move.window, at, move.because)
        else:
            yield from _lapse(chain, challenge, at, move.because)
    if challenge.drop_off_hours:
        _expect_more(chain, challenge, move.window, at, latest)


def _lapse(chain: Chain, challenge: Challenge, at: Instant, because: int) -> Iterator[Change]:
    """Let go of the oldest completion when more wait to be claimed than a state may hold."""
    windows = chain.draft.windows(challenge.id)
    owed = [name for name, progress in windows.items() if is_owed(progress)]
    if len(owed) > limits.COMPLETIONS_OWED_MAX:
        yield CompletionLapsed(challenge.id, min(owed), at, because)


def _latest(chain: Chain, challenge: Challenge) -> Instant | None:
    """Return when the challenge moved last, by the time of the facts."""
    windows = chain.draft.windows(challenge.id).values()
    return max((each.reached_at for each in windows if each.reached_at is not None), default=None)


def _expect_more(
    chain: Chain, challenge: Challenge, window: str, at: Instant, latest: Instant | None
) -> None:
    """Wait from the latest move on. One that is told late says nothing of what came after it."""
    name, windows = DROP_OFF + challenge.id, chain.draft.windows(challenge.id)
    if windows[window].completed_at is None:
        if latest is None or at > latest:
            chain.draft.set_due(name, at + challenge.drop_off_hours * HOUR_MS)
    elif window == max(windows):  # An older one says nothing about a newer one.
        chain.draft.set_due(name, None)


def _are_met(challenge: Challenge, progress: Progress, wanted: tuple[str, ...]) -> bool:
    return all(
        progress.measures.get(objective.id, 0) >= objective.target
        for objective in challenge.objectives
        if objective.id in wanted
    )


def _are_completed(draft: Draft, challenges: tuple[str, ...]) -> bool:
    return all(draft.read(DONE, challenge) for challenge in challenges)


def _is_used_up(draft: Draft, challenge: Challenge) -> bool:
    done = draft.read(DONE, challenge.id) or 0
    return challenge.repeat is not None and done >= challenge.repeat
