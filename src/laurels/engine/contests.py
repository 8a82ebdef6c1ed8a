"""Who wins what in a contest whose standings are final."""

from collections.abc import Iterable, Iterator

from laurels.core.rulebook import Contest, PointsReward, Reward
from laurels.engine.answers import Placed


def prizes(
    contest: Contest, places: Iterable[Placed], currency: str
) -> Iterator[tuple[Placed, tuple[Reward, ...]]]:
    """
    Yield each place that wins, best first, with what it wins.

    All prizes together never pay more of the first currency than the contest may owe: the first
    place that would pass it, and all after it, win nothing.
    """
    owed = 0
    for place in places:
        rewards = _of_rank(contest, place.rank)
        owed += sum(
            reward.amount
            for reward in rewards
            if isinstance(reward, PointsReward) and reward.currency == currency
        )
        if contest.liability_max is not None and owed > contest.liability_max:
            return
        if rewards:
            yield place, rewards


def last_rank(contest: Contest) -> int:
    """Return the last rank that wins anything."""
    return max((prize.last for prize in contest.prizes), default=0)


def _of_rank(contest: Contest, rank: int) -> tuple[Reward, ...]:
    return next(
        (prize.rewards for prize in contest.prizes if prize.first <= rank <= prize.last), ()
    )
