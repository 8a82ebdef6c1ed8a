"""Balances: what the caller has of each currency."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.questkit import wire_missions as wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.api.token import Claims
from laurels.core.errors import UnknownCurrency
from laurels.core.event import Instant
from laurels.core.state import State

POSTINGS_READ_MAX: Final = 20


class Moved(NamedTuple):
    """When currencies last moved; those that are not named did so `earlier`, or before that."""

    at: Mapping[str, Instant]
    earlier: Instant


class BalanceRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_balances(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        met = await self._desk.read(caller.tenant, caller.participant)
        moved = await self._moved(caller)
        held = sorted(met.state.balances)
        return answer(wire.Balances([_to_balance(caller, met.state, moved, each) for each in held]))

    async def get_balance(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        currency = path_part(request, "currency")
        met = await self._desk.read(caller.tenant, caller.participant)
        if currency not in met.rulebook.rulebook.currencies and currency not in met.state.balances:
            raise UnknownCurrency
        moved = await self._moved(caller)
        return answer(wire.OneBalance(_to_balance(caller, met.state, moved, currency)))

    async def _moved(self, caller: Claims) -> Moved:
        """Return when each currency last moved, as far as the latest postings tell."""
        ledger = await self._desk.ask(
            self._desk.queries.ledger,
            caller.tenant,
            caller.participant,
            page=1,
            page_size=POSTINGS_READ_MAX,
        )
        lines = ledger.lines
        at = {line.currency: line.recorded_at for line in reversed(lines)}
        return Moved(at, lines[-1].recorded_at if lines else 0)


def _to_balance(caller: Claims, state: State, moved: Moved, currency: str) -> wire.Balance:
    held = state.balances.get(currency)
    if held is None:
        return wire.Balance(caller.participant, currency, 0, 0)
    at = moved.at.get(currency, moved.earlier)
    return wire.Balance(caller.participant, currency, held.amount, at)


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
