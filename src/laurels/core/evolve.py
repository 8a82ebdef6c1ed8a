"""How a change changes the state. It never judges: the change says all there is to know."""

from bisect import insort
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from laurels.core import limits, streak
from laurels.core.change import (
    BadgeAwarded,
    CapUsed,
    ChallengeClaimed,
    ChallengeCompleted,
    ChallengeMilestoneReached,
    Change,
    CompletionLapsed,
    Enrolled,
    FreezeAsked,
    FreezesGranted,
    FreezeSpent,
    HoldEnded,
    HoldPlaced,
    ItemGranted,
    ParticipantReset,
    PointsPosted,
    PrizeWon,
    ProfileChanged,
    ProgressMoved,
    RewardClaimed,
    RewardGranted,
    RewardSettled,
    ScoreMoved,
    ScorePaced,
    ScoreQuestioned,
    ScoreReviewed,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
    StreakPaused,
    TierChanged,
    TierMeasured,
)
from laurels.core.draft import Draft
from laurels.core.ledger import PARTICIPANT, Lots, add_lot, post, take_lots
from laurels.core.section import (
    CLAIMED,
    DONE,
    ENROLLED,
    HOLD,
    LOTS,
    PACE,
    PRIZE,
    PROFILE,
    STREAK,
    TAKEN,
    TIER,
    ClaimedReward,
    HeldPoints,
    Pace,
    Profile,
    Standing,
    StreakRecord,
)
from laurels.core.state import BOARD, CAP, TIER_COUNT, TIER_PERIODS, Progress


def evolve(draft: Draft, change: Change) -> None:
    """Carry one change over into the draft. A state is the fold of its journal by this function."""
    carry = _CARRY.get(type(change))
    if carry is not None:
        carry(draft, change)


def _move(draft: Draft, move: ProgressMoved) -> None:
    before = draft.progress(move.challenge, move.window)
    seen = before.seen
    if move.value is not None:
        values = list(seen.get(move.objective, ()))
        insort(values, move.value)
        seen = {**seen, move.objective: values}
    after = Progress(
        {**before.measures, move.objective: move.after},
        seen,
        before.completed_at,
        before.claimed_at,
        before.milestones,
        max(move.at, before.reached_at or move.at) if move.at else before.reached_at,
        before.lapsed,
    )
    draft.set_progress(move.challenge, move.window, after)


def _complete(draft: Draft, change: ChallengeCompleted) -> None:
    before = draft.progress(change.challenge, change.window)
    after = replace(before, completed_at=change.at)
    draft.set_progress(change.challenge, change.window, after)
    draft.put(DONE, change.challenge, (draft.read(DONE, change.challenge) or 0) + 1)


def _claim(draft: Draft, change: ChallengeClaimed) -> None:
    if change.quiet:
        return
    before = draft.progress(change.challenge, change.window)
    draft.set_progress(change.challenge, change.window, replace(before, claimed_at=change.at))


def _lapse(draft: Draft, change: CompletionLapsed) -> None:
    before = draft.progress(change.challenge, change.window)
    draft.set_progress(change.challenge, change.window, replace(before, lapsed=True))


def _reach(draft: Draft, change: ChallengeMilestoneReached) -> None:
    before = draft.progress(change.challenge, change.window)
    reached = (*before.milestones, change.milestone)
    draft.set_progress(change.challenge, change.window, replace(before, milestones=reached))


def _enrol(draft: Draft, change: Enrolled) -> None:
    draft.put(ENROLLED, change.challenge, change.at)


def _post(draft: Draft, posting: PointsPosted) -> None:
    source, target, currency = posting.source, posting.target, posting.currency
    before = draft.balance(currency)
    draft.set_balance(currency, post(before, source, target, posting.amount))
    if source.startswith(PARTICIPANT):
        lots = draft.read(LOTS, currency)
        if lots:
            _, left = take_lots(lots, posting.amount)
            _keep_lots(draft, currency, left)
    if posting.expires_at is not None and target.startswith(PARTICIPANT):
        lots = add_lot(draft.read(LOTS, currency) or (), posting.expires_at, posting.amount)
        _keep_lots(draft, currency, lots)


def _keep_lots(draft: Draft, currency: str, lots: Lots) -> None:
    draft.put(LOTS, currency, lots or None)
    draft.set_due(LOTS.at(currency), lots[0][0] if lots else None)


def _hold(draft: Draft, change: HoldPlaced) -> None:
    held = HeldPoints(change.currency, change.amount, change.expires_at, tuple(change.lots))
    draft.put(HOLD, change.hold, held)
    draft.set_due(HOLD.at(change.hold), change.expires_at)


def _end_hold(draft: Draft, change: HoldEnded) -> None:
    draft.put(HOLD, change.hold, None)
    draft.set_due(HOLD.at(change.hold), None)


def _use_cap(draft: Draft, change: CapUsed) -> None:
    draft.set_progress(CAP + change.rule, change.window, Progress({"": change.after}))


def _award(draft: Draft, change: BadgeAwarded) -> None:
    draft.add_badge(change.badge, change.at)


def _grant_item(draft: Draft, change: ItemGranted) -> None:
    draft.add_item(change.item, change.quantity)


def _measure_tier(draft: Draft, change: TierMeasured) -> None:
    counted = TIER_PERIODS if change.window else TIER_COUNT
    draft.set_progress(counted, change.window, Progress({"": change.after}))


def _change_tier(draft: Draft, change: TierChanged) -> None:
    before = draft.read(TIER)
    history = () if before is None else (*before.history, (before.tier, before.since))
    after = Standing(
        change.tier,
        change.level,
        change.at,
        change.manual,
        change.automatic_level,
        history[-limits.TIERS_REMEMBERED_MAX :],
    )
    draft.put(TIER, "", after)


def _streak(draft: Draft, change: Any) -> None:
    before = draft.read(STREAK, change.streak) or StreakRecord()
    draft.put(STREAK, change.streak, streak.evolve(before, change))


def _score(draft: Draft, change: ScoreMoved) -> None:
    after = Progress({"": change.measure}, reached_at=change.reached_at)
    draft.set_progress(BOARD + change.board, change.window, after)


def _pace(draft: Draft, change: ScorePaced) -> None:
    pace = draft.read(PACE, change.contest) or Pace()
    after = replace(pace, minutes=change.minutes, hours=change.hours)
    draft.put(PACE, change.contest, after)


def _question(draft: Draft, change: ScoreQuestioned) -> None:
    if change.held:
        pace = draft.read(PACE, change.contest) or Pace()
        after = replace(pace, held=change.measure, held_at=change.reached_at)
        draft.put(PACE, change.contest, after)


def _review(draft: Draft, change: ScoreReviewed) -> None:
    pace = draft.read(PACE, change.contest) or Pace()
    draft.put(PACE, change.contest, replace(pace, held=0, held_at=None))


def _win(draft: Draft, change: PrizeWon) -> None:
    draft.put(PRIZE, change.contest, change.rank)


def _grant_reward(draft: Draft, change: RewardGranted) -> None:
    granted = ClaimedReward(
        change.reward, change.title, change.reward_type, change.number, change.at, "granted"
    )
    draft.put(CLAIMED, change.claim, granted)
    draft.put(TAKEN, change.reward, (draft.read(TAKEN, change.reward) or 0) + 1)


def _claim_reward(draft: Draft, change: RewardClaimed) -> None:
    claimed = ClaimedReward(
        change.reward,
        change.title,
        change.reward_type,
        change.number,
        change.at,
        has_code=change.has_code,
        paid=change.paid,
    )
    draft.put(CLAIMED, change.claim, claimed)
    if not change.granted:
        draft.put(TAKEN, change.reward, (draft.read(TAKEN, change.reward) or 0) + 1)


def _settle_reward(draft: Draft, change: RewardSettled) -> None:
    draft.put(CLAIMED, change.claim, None)
    if change.status == "void":
        draft.put(TAKEN, change.reward, (draft.read(TAKEN, change.reward) or 1) - 1 or None)


def _describe(draft: Draft, change: ProfileChanged) -> None:
    profile = draft.read(PROFILE) or Profile()
    given = {
        name: value
        for name in ("display_name", "avatar_url", "timezone", "attributes")
        if (value := getattr(change, name)) is not UNSET
    }
    draft.put(PROFILE, "", replace(profile, **given))


def _reset(draft: Draft, change: ParticipantReset) -> None:
    draft.reset(change.at)


_CARRY: Final[dict[type[Change], Callable[[Draft, Any], None]]] = {
    BadgeAwarded: _award,
    CapUsed: _use_cap,
    ChallengeClaimed: _claim,
    ChallengeCompleted: _complete,
    ChallengeMilestoneReached: _reach,
    CompletionLapsed: _lapse,
    Enrolled: _enrol,
    FreezeAsked: _streak,
    FreezeSpent: _streak,
    FreezesGranted: _streak,
    HoldEnded: _end_hold,
    HoldPlaced: _hold,
    ItemGranted: _grant_item,
    ParticipantReset: _reset,
    PointsPosted: _post,
    PrizeWon: _win,
    ProfileChanged: _describe,
    ProgressMoved: _move,
    RewardClaimed: _claim_reward,
    RewardGranted: _grant_reward,
    RewardSettled: _settle_reward,
    ScoreMoved: _score,
    ScorePaced: _pace,
    ScoreQuestioned: _question,
    ScoreReviewed: _review,
    StreakBroken: _streak,
    StreakExtended: _streak,
    StreakMilestoneReached: _streak,
    StreakPaused: _streak,
    TierChanged: _change_tier,
    TierMeasured: _measure_tier,
}
"""Changes that leave a trace in the state; the others only tell."""
