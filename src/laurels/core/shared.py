"""What all participants of a tenant share, and a decision may depend on: stock, closed contests."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from laurels.core.change import Change, ContestFrozen, RewardClaimed, RewardGranted, RewardSettled


class Pool(Struct, frozen=True, gc=False):
    """How often an offer has left the stock, how often it came back, and how many codes it has."""

    taken: int = 0
    returned: int = 0
    codes: int = 0


class Shared(Struct, frozen=True):
    """What was fetched for a batch: pools by offer, and the contests that are closed."""

    pools: dict[str, Pool] = {}
    closed: frozenset[str] = frozenset()


SHARING: Final = frozenset((RewardGranted, RewardClaimed, RewardSettled, ContestFrozen))
"""Changes that concern others than their participant."""

NOTHING_SHARED: Final = Shared()
UNTOUCHED_POOL: Final = Pool()


def share(shared: Shared, changes: Iterable[Change]) -> Shared:
    """Return what is shared after changes. It never judges: the changes say all there is."""
    pools, closed = shared.pools, shared.closed
    for change in changes:
        if type(change) not in SHARING:  # Nearly all of them.
            continue
        match change:
            case RewardGranted() | RewardClaimed(granted=False):
                pool = pools.get(change.reward, UNTOUCHED_POOL)
                pools = {**pools, change.reward: Pool(pool.taken + 1, pool.returned, pool.codes)}
            case RewardSettled(restocked=True):
                pool = pools.get(change.reward, UNTOUCHED_POOL)
                pools = {**pools, change.reward: Pool(pool.taken, pool.returned + 1, pool.codes)}
            case ContestFrozen():
                closed |= {change.contest}
            case _:
                pass
    return shared if (pools, closed) == (shared.pools, shared.closed) else Shared(pools, closed)
