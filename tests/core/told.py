"""How each change is told in a story; what nobody is told has no words."""

from laurels.core import change as changes
from laurels.core.ledger import EXPIRED, SPENT
from laurels.core.number import plain


def tell(change: changes.Change) -> str:
    """Return a change in a few words, or nothing."""
    return _WORDS[type(change)](change).rstrip() if type(change) in _WORDS else ""


def _moved(change):
    before, after = (plain(min(each, change.target)) for each in (change.before, change.after))
    return "" if change.quiet else f"{change.objective} {before}>{after}"


def _posted(change):
    source, target = change.source, change.target
    if target == EXPIRED:
        return f"{change.currency} {change.amount} expired"
    if source == SPENT:
        return f"{change.currency} {change.amount} back"
    if target == SPENT:
        return f"{change.currency} -{change.amount}"
    if target.startswith("h:"):
        return f"{change.currency} {change.amount} held"
    if source.startswith("h:"):
        return f"{change.currency} {change.amount} released"
    return f"{change.currency} {change.amount}"


def _score(change):
    moved = f"{change.board} {plain(change.before)}>{plain(change.after)}"
    segment = f"in {change.segment}" if change.segment else ""
    return " ".join(filter(None, (moved, change.window, segment)))


_WORDS = {
    changes.ProgressMoved: _moved,
    changes.ChallengeCompleted: lambda one: f"{one.challenge} done {one.window}",
    changes.ChallengeClaimed: lambda one: "" if one.quiet else f"{one.challenge} paid {one.window}",
    changes.CompletionLapsed: lambda one: f"{one.challenge} lapsed {one.window}",
    changes.ChallengeMilestoneReached: lambda one: f"{one.challenge} reached {one.milestone}",
    changes.ChallengeDroppedOff: lambda one: f"{one.challenge} dropped off",
    changes.Enrolled: lambda one: f"enrolled in {one.challenge}",
    changes.PointsPosted: _posted,
    changes.BadgeAwarded: lambda one: f"badge {one.badge}",
    changes.ItemGranted: lambda one: f"item {one.item} x{one.quantity}",
    changes.TierChanged: lambda one: f"tier {one.previous}>{one.tier}",
    changes.StreakExtended: lambda one: "" if one.quiet else f"{one.streak} {one.current}",
    changes.StreakMilestoneReached: lambda one: f"{one.streak} milestone {one.milestone}",
    changes.StreakBroken: lambda one: f"{one.streak} broken at {one.length}",
    changes.FreezeSpent: lambda one: f"{one.streak} frozen",
    changes.FreezeAsked: lambda one: f"{one.streak} freeze asked",
    changes.FreezesGranted: lambda one: f"{one.streak} freezes +{one.quantity}",
    changes.StreakPaused: lambda one: f"{one.streak} paused {one.last - one.first + 1}",
    changes.ScoreMoved: _score,
    changes.ScoreQuestioned: lambda one: (
        f"{one.contest} {one.limit} {'held' if one.held else 'flagged'}"
    ),
    changes.ScoreReviewed: lambda one: f"{one.contest} {'accepted' if one.accepted else 'dropped'}",
    changes.ScoreTooLate: lambda one: f"{one.contest} too late",
    changes.PrizeWon: lambda one: f"{one.contest} rank {one.rank}",
    changes.ContestFrozen: lambda one: f"{one.contest} closed",
    changes.ContestCompleted: lambda one: f"{one.contest} completed",
    changes.RewardGranted: lambda one: f"granted {one.reward} #{one.number}",
    changes.RewardClaimed: lambda one: f"claimed {one.reward} #{one.number}",
    changes.RewardMissed: lambda one: f"missed {one.reward}: {one.reason}",
    changes.RewardSettled: lambda one: f"{one.reward} {one.status}",
    changes.Recommended: lambda one: f"recommended {' '.join(one.challenges)}",
    changes.ParticipantReset: lambda _: "reset",
}
