"""Balances: what the caller has of each currency."""

from typing import Final

from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.questkit import wire_missions as wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.core import ulid
from laurels.core.errors import UnknownCurrency
from laurels.core.event import ParticipantId
from laurels.core.ledger import NOTHING
from laurels.core.state import State


class BalanceRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_balances(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        met, _ = await self._desk.read(caller)
        held = sorted(met.state.balances)
        return answer(
            wire.Balances([_to_balance(caller.participant, met.state, each) for each in held])
        )

    async def get_balance(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        currency = path_part(request, "currency")
        met, _ = await self._desk.read(caller)
        if currency not in met.rulebook.rulebook.currencies and currency not in met.state.balances:
            raise UnknownCurrency
        return answer(wire.OneBalance(_to_balance(caller.participant, met.state, currency)))


def _to_balance(participant: ParticipantId, state: State, currency: str) -> wire.Balance:
    amount = state.balances.get(currency, NOTHING).amount
    updated_at = 0 if state.posted is None else ulid.accepted_at(state.posted[1])
    return wire.Balance(participant, currency, amount, updated_at)


def routes(desk: Desk) -> list[Route]:
    balances = BalanceRoutes(desk)
    return [
        route("GET", "/v1/balance", balances.get_balances, LIST),
        route("GET", "/v1/balance/{currency}", balances.get_balance, SHOW),
    ]


_EXAMPLE: Final = {
    "userId": "usr_demo_123",
    "currency": "coin",
    "amount": 50,
    "updatedAt": 1716100000000,
}
LIST: Final = Operation(
    id="listBalances",
    tag=TAG,
    summary="List the balances",
    about="Of every currency that the caller ever had, in the order of their names.",
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="The balances.", type=wire.Balances, example={"balances": [_EXAMPLE]}),
        **UNAUTHORIZED,
        **COMMON,
    },
)
SHOW: Final = Operation(
    id="getBalance",
    tag=TAG,
    summary="Show one balance",
    about="Zero for a currency of the rulebook that the caller never had.",
    parameters=(
        Parameter(name="currency", place="path", about="The name of a currency.", required=True),
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="The balance.", type=wire.OneBalance, example={"balance": _EXAMPLE}),
        400: error("`validation_error`: the name is no text."),
        404: error("`balance_not_found`: the rulebook has no such currency."),
        **UNAUTHORIZED,
        **COMMON,
    },
)
