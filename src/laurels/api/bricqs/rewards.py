"""The catalogue of rewards: what there is, what it costs, and the codes that are given out."""

from collections.abc import Mapping
from typing import Final

from laurels.api import instant
from laurels.api.body import Shape, read
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_rewards as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import Told, in_path, in_query, reads, route, writes
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core import limits
from laurels.core.errors import InvalidCommand, UnknownName
from laurels.core.event import Instant, TenantId
from laurels.core.rulebook import Offer
from laurels.core.shared import UNTOUCHED_POOL, Pool
from laurels.core.window import is_within
from laurels.engine.ports import Queries

TAG: Final = "Bricqs rewards"
NO_CODES: Final = "This reward gives out no codes; add codes: true to it in the rulebook."
TYPES: Final = ("coupon", "voucher", "physical", "digital", "points_multiplier")

_codes: Final = Shape(wire.CodesBody)


class Rewards:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_rewards(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        wanted = Query(request).one_of("reward_type", TYPES)
        now, queries = self._desk.clock.now(), self._desk.queries
        return answer(await self._desk.ask(_catalogue, queries, caller.tenant, now, wanted))

    async def post_codes(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        reward = path_part(request, "reward_id")
        body = _codes.read(await read(request, limits.BATCH_BODY_BYTES_MAX)).body
        return answer(await self._desk.ask(self._add, caller.tenant, reward, body.codes))

    def _add(self, tenant: TenantId, reward: str, codes: list[str]) -> wire.CodesAdded:
        queries = self._desk.queries
        offer = queries.rulebook(tenant).offers.get(reward)
        if offer is None:
            raise UnknownName("The rulebook has no such reward.")
        if not offer.codes:
            raise InvalidCommand(NO_CODES)
        added = self._desk.edge.registry.put_codes(tenant, reward, codes, self._desk.clock.now())
        total = queries.pools(tenant).get(reward, UNTOUCHED_POOL).codes
        return wire.CodesAdded(reward, added, len(codes) - added, total)


def _catalogue(
    queries: Queries, tenant: TenantId, now: Instant, wanted: str | None
) -> wire.Rewards:
    offers = [
        offer
        for offer in queries.rulebook(tenant).rulebook.offers
        if is_within(offer, now) and wanted in (None, offer.type)
    ]
    pools = queries.pools(tenant)
    return wire.Rewards([_to_reward(offer, pools) for offer in offers], len(offers))


def _to_reward(offer: Offer, pools: Mapping[str, Pool]) -> wire.Reward:
    pool, price = pools.get(offer.id, UNTOUCHED_POOL), offer.price
    codes = max(0, pool.codes - pool.taken) if offer.codes else None
    stock = None if offer.stock is None else max(0, offer.stock - pool.taken + pool.returned)
    return wire.Reward(
        id=offer.id,
        name=offer.title,
        type=offer.type,
        description=offer.description,
        points_cost=None if price is None else price.amount,
        currency=None if price is None else price.currency,
        available_codes=codes,
        available=min((left for left in (codes, stock) if left is not None), default=None),
        max_claims_per_user=offer.per_participant,
        expires_at=instant.to_text_if(offer.ends),
    )


LIST: Final = reads(
    Told(
        id="listRewards",
        tag=TAG,
        summary="The rewards that can be claimed now",
        about="Those whose time has not come, or is over, are not shown.",
        reply=wire.Rewards,
        shows={
            "rewards": [
                {
                    "id": "coffee",
                    "name": "Free coffee",
                    "type": "coupon",
                    "description": "Any size.",
                    "points_cost": 200,
                    "currency": "points",
                    "available_codes": 120,
                    "available": 100,
                    "max_claims_per_user": 1,
                    "expires_at": None,
                }
            ],
            "total": 1,
        },
        parameters=(in_query("reward_type", f"One of {', '.join(TYPES)}."),),
    )
)
CODES: Final = writes(
    Told(
        id="addCodes",
        tag=TAG,
        summary="Add codes to a reward",
        about="They are given out in this order, one a claim. One that is there already stays.",
        reply=wire.CodesAdded,
        shows={"reward_id": "coffee", "added": 2, "duplicates": 0, "total": 122},
        parameters=(in_path("reward_id", "Its id in the rulebook."),),
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    wire.CodesBody,
    {"codes": ["COFFEE-7F3K", "COFFEE-9QX2"]},
)


def routes(desk: Desk) -> list[Route]:
    rewards = Rewards(desk)
    return [
        route("GET", f"{docs.BASE}/rewards", rewards.get_rewards, LIST),
        route("POST", f"{docs.BASE}/rewards/{{reward_id}}/codes", rewards.post_codes, CODES),
    ]
