"""Claims: what participants take out of the catalogue, and what becomes of it."""

from typing import Final, Literal

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_rewards as wire
from laurels.api.bricqs.desk import Asked, Desk, answer, paying
from laurels.api.bricqs.docs import PARTICIPANT, Told, in_path, reads, route, writes
from laurels.api.bricqs.points import balance_after
from laurels.api.bricqs.rewards import TAG
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Route
from laurels.core.change import PointsPosted, RewardClaimed, RewardSettled
from laurels.core.command import ClaimReward, SettleClaim
from laurels.core.ledger import NOTHING
from laurels.engine.answers import ClaimRow
from laurels.engine.ports import Receipt

_claim: Final = Shape(wire.ClaimBody)
_settle: Final = Shape(wire.SettleBody)


class Claims:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_claim(self, request: Request) -> Reply:
        reward = path_part(request, "reward_id")
        body, asked = await self._desk.take(request, _claim)
        command = ClaimReward(**asked.stamp(), offer=reward, pays=body.points_deduction)
        receipt = await self._desk.submit(command)
        return answer(await self._to_claimed(asked, receipt), receipt)

    async def get_claims(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        rows = await self._desk.ask(self._desk.queries.claims, caller.tenant, participant)
        return answer(wire.Claims(participant, [to_claim(row) for row in rows], len(rows)))

    async def post_fulfil(self, request: Request) -> Reply:
        return await self._settle(request, "fulfilled")

    async def post_void(self, request: Request) -> Reply:
        return await self._settle(request, "void")

    async def _settle(self, request: Request, status: Literal["fulfilled", "void"]) -> Reply:
        claim = path_part(request, "claim_id")
        _, asked = await self._desk.take(request, _settle, is_admin=True)
        receipt = await self._desk.submit(SettleClaim(**asked.stamp(), claim=claim, status=status))
        settled = next(each for each in receipt.changes if isinstance(each, RewardSettled))
        returned = sum(each.amount for each in receipt.changes if isinstance(each, PointsPosted))
        return answer(
            wire.Settled(claim, asked.participant, settled.reward, status, returned), receipt
        )

    async def _to_claimed(self, asked: Asked, receipt: Receipt) -> wire.Claimed:
        claimed = next(each for each in receipt.changes if isinstance(each, RewardClaimed))
        code = None
        if claimed.has_code:
            queries = self._desk.queries
            code = await self._desk.ask(queries.code, asked.tenant, claimed.reward, claimed.number)
        currency, paid = claimed.paid or (receipt.currency, 0)
        balance = balance_after(receipt.changes, currency)
        if balance is None:
            met = await self._desk.read(asked.tenant, asked.participant)
            balance = met.state.balances.get(currency, NOTHING).amount
        return wire.Claimed(
            claim_id=claimed.claim,
            participant_id=asked.participant,
            reward_id=claimed.reward,
            reward_name=claimed.title,
            reward_type=claimed.reward_type,
            code_value=code,
            points_deducted=paid,
            new_balance=balance,
        )


def to_claim(row: ClaimRow) -> wire.Claim:
    return wire.Claim(
        claim_id=row.id,
        reward_id=row.reward,
        name=row.title,
        type=row.type,
        status=row.status,
        code_value=row.code,
        claimed_at=instant.to_text(row.at),
    )


_CLAIM_ID: Final = in_path("claim_id", "As `claim_id` was told when it was claimed.")
_SETTLED: Final = {
    "claim_id": docs.ID,
    "participant_id": "user_123",
    "reward_id": "coffee",
    "status": "fulfilled",
    "points_returned": 0,
}

CLAIM: Final = writes(
    Told(
        id="claimReward",
        tag=TAG,
        summary="Claim a reward",
        about=(
            "One that a rule granted is claimed first, and free of charge. With `points_deduction` "
            "the price is paid and the code given out in one step, or neither is."
        ),
        reply=wire.Claimed,
        shows={
            "claim_id": docs.ID,
            "participant_id": "user_123",
            "reward_id": "coffee",
            "reward_name": "Free coffee",
            "reward_type": "coupon",
            "code_value": "COFFEE-7F3K",
            "points_deducted": 200,
            "new_balance": 1050,
        },
        parameters=(in_path("reward_id", "Its id in the rulebook."),),
        refusals={
            **docs.UNKNOWN,
            **docs.TOO_FEW,
            409: docs.error("`out_of_stock`, `claim_limit_reached` or `not_open`."),
        },
    ),
    wire.ClaimBody,
    {"participant_id": "user_123", "points_deduction": True},
)
LIST: Final = reads(
    Told(
        id="listClaims",
        tag=TAG,
        summary="A participant's rewards, newest first",
        about="Those granted and not yet claimed are among them.",
        reply=wire.Claims,
        shows={
            "participant_id": "user_123",
            "rewards": [
                {
                    "claim_id": docs.ID,
                    "reward_id": "coffee",
                    "name": "Free coffee",
                    "type": "coupon",
                    "status": "claimed",
                    "code_value": "COFFEE-7F3K",
                    "claimed_at": docs.TIME,
                }
            ],
            "total": 1,
        },
        parameters=(PARTICIPANT,),
    )
)
FULFIL: Final = writes(
    Told(
        id="fulfilClaim",
        tag=TAG,
        summary="Mark a claim as fulfilled",
        about="Nothing can become of it afterwards.",
        reply=wire.Settled,
        shows=_SETTLED,
        parameters=(_CLAIM_ID,),
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    wire.SettleBody,
    {"participant_id": "user_123"},
)
VOID: Final = writes(
    Told(
        id="voidClaim",
        tag=TAG,
        summary="Make a claim void",
        about="What was paid comes back, and where there are no codes it goes back into the stock.",
        reply=wire.Settled,
        shows={**_SETTLED, "status": "void", "points_returned": 200},
        parameters=(_CLAIM_ID,),
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    wire.SettleBody,
    {"participant_id": "user_123"},
)


def routes(desk: Desk) -> list[Route]:
    claims = Claims(desk)
    base = f"{docs.BASE}/rewards"
    return [
        route("POST", f"{base}/{{reward_id}}/claim", paying(claims.post_claim), CLAIM),
        route("POST", f"{base}/claims/{{claim_id}}/fulfil", claims.post_fulfil, FULFIL),
        route("POST", f"{base}/claims/{{claim_id}}/void", claims.post_void, VOID),
        route(
            "GET",
            f"{docs.BASE}/participants/{{participant_id}}/rewards",
            claims.get_claims,
            LIST,
        ),
    ]
