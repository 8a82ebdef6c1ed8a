"""What can come of a fact, in the past tense. Written to the journal; read by every reply."""

from typing import TypeAlias

from laurels.core.change.boards import (
    ContestCompleted,
    ContestFrozen,
    PrizeWon,
    ScoreMoved,
    ScorePaced,
    ScoreQuestioned,
    ScoreReviewed,
    ScoreTooLate,
)
from laurels.core.change.challenges import (
    ChallengeClaimed,
    ChallengeCompleted,
    ChallengeDroppedOff,
    ChallengeMilestoneReached,
    CompletionLapsed,
    Enrolled,
    ProgressMoved,
)
from laurels.core.change.people import (
    Parked,
    ParticipantReset,
    ProfileChanged,
    Recommended,
)
from laurels.core.change.points import (
    BadgeAwarded,
    CapUsed,
    HoldEnded,
    HoldPlaced,
    ItemGranted,
    PointsPosted,
    TierChanged,
    TierMeasured,
)
from laurels.core.change.rewards import (
    RewardClaimed,
    RewardGranted,
    RewardMissed,
    RewardSettled,
)
from laurels.core.change.streaks import (
    FreezeAsked,
    FreezesGranted,
    FreezeSpent,
    StreakBroken,
    StreakExtended,
    StreakMilestoneReached,
    StreakPaused,
)

Change: TypeAlias = (
    ProgressMoved
    | ChallengeCompleted
    | ChallengeClaimed
    | ChallengeMilestoneReached
    | ChallengeDroppedOff
    | CompletionLapsed
    | Enrolled
    | PointsPosted
    | HoldPlaced
    | HoldEnded
    | CapUsed
    | BadgeAwarded
    | ItemGranted
    | TierMeasured
    | TierChanged
    | StreakExtended
    | StreakMilestoneReached
    | StreakBroken
    | FreezeSpent
    | FreezeAsked
    | FreezesGranted
    | StreakPaused
    | ScoreMoved
    | ScorePaced
    | ScoreQuestioned
    | ScoreReviewed
    | ScoreTooLate
    | PrizeWon
    | ContestFrozen
    | ContestCompleted
    | RewardGranted
    | RewardClaimed
    | RewardMissed
    | RewardSettled
    | ProfileChanged
    | ParticipantReset
    | Recommended
    | Parked
)

__all__ = [
    "BadgeAwarded",
    "CapUsed",
    "ChallengeClaimed",
    "ChallengeCompleted",
    "ChallengeDroppedOff",
    "ChallengeMilestoneReached",
    "Change",
    "CompletionLapsed",
    "ContestCompleted",
    "ContestFrozen",
    "Enrolled",
    "FreezeAsked",
    "FreezeSpent",
    "FreezesGranted",
    "HoldEnded",
    "HoldPlaced",
    "ItemGranted",
    "Parked",
    "ParticipantReset",
    "PointsPosted",
    "PrizeWon",
    "ProfileChanged",
    "ProgressMoved",
    "Recommended",
    "RewardClaimed",
    "RewardGranted",
    "RewardMissed",
    "RewardSettled",
    "ScoreMoved",
    "ScorePaced",
    "ScoreQuestioned",
    "ScoreReviewed",
    "ScoreTooLate",
    "StreakBroken",
    "StreakExtended",
    "StreakMilestoneReached",
    "StreakPaused",
    "TierChanged",
    "TierMeasured",
]
