"""What there is on a participant's accounts, and how it came there."""

from typing import Final

from msgspec import UNSET

from laurels.api import instant
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_points as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import PAGES, PARTICIPANT, Told, reads, route
from laurels.api.bricqs.points import TAG
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core.ledger import EXPIRED, HELD, SPENT, Balance
from laurels.engine.answers import LedgerLine, Met
from laurels.engine.pictures import points_of


class Ledger:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_points(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        met = await self._desk.read(caller.tenant, participant)
        return answer(to_points(met, participant))

    async def get_transactions(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        page, page_size = Query(request).page()
        found = await self._desk.ask(
            self._desk.queries.ledger, caller.tenant, participant, page=page, page_size=page_size
        )
        lines = [to_transaction(line) for line in found.lines]
        return answer(wire.Transactions(participant, lines, found.total, page, page_size))


def to_points(met: Met, participant: str | None = None) -> wire.Points:
    """Render all balances; the first currency's stand above the others."""
    balances = points_of(met)
    first = next(iter(balances.values()))
    return wire.Points(
        participant_id=UNSET if participant is None else participant,
        balance=first.amount,
        total_earned=first.earned,
        total_spent=first.spent,
        currencies={currency: _to_currency(each) for currency, each in balances.items()},
    )


def to_transaction(line: LedgerLine) -> wire.Transaction:
    return wire.Transaction(
        id=line.id,
        type=_type_of(line),
        amount=line.amount,
        currency=line.currency,
        reason=line.reason or line.rule,
        balance_after=line.balance_after,
        event_id=line.command if line.operation == "event" else None,
        created_at=instant.to_text(line.recorded_at),
    )


def _to_currency(balance: Balance) -> wire.CurrencyPoints:
    return wire.CurrencyPoints(balance.amount, balance.earned, balance.spent, balance.held)


def _type_of(line: LedgerLine) -> wire.TransactionType:
    if line.counterpart.startswith(HELD):
        return "hold" if line.amount < 0 else "release"
    if line.counterpart == EXPIRED:
        return "expiry"
    if line.counterpart != SPENT:
        return "award"
    if line.amount > 0:
        return "refund"
    is_price = line.operation.startswith(("reward:", "freeze:"))
    return "redemption" if is_price else "deduction"


POINTS: Final = reads(
    Told(
        id="readPoints",
        tag=TAG,
        summary="A participant's balances",
        about="Nobody met yet has nothing.",
        reply=wire.Points,
        shows={
            "participant_id": "user_123",
            "balance": 1250,
            "total_earned": 1400,
            "total_spent": 150,
            "currencies": {
                "points": {"balance": 1250, "total_earned": 1400, "total_spent": 150, "held": 0}
            },
        },
        parameters=(PARTICIPANT,),
    )
)
TRANSACTIONS: Final = reads(
    Told(
        id="listTransactions",
        tag=TAG,
        summary="A participant's postings, newest first",
        about="Of all currencies. Nobody met yet has an empty page.",
        reply=wire.Transactions,
        shows={
            "participant_id": "user_123",
            "transactions": [
                {
                    "id": f"{docs.ID}-0",
                    "type": "award",
                    "amount": 250,
                    "currency": "points",
                    "reason": "Helped another customer",
                    "balance_after": 1250,
                    "event_id": None,
                    "created_at": docs.TIME,
                }
            ],
            "total": 1,
            "page": 1,
            "page_size": 50,
        },
        parameters=(PARTICIPANT, *PAGES),
    )
)


def routes(desk: Desk) -> list[Route]:
    ledger = Ledger(desk)
    base = f"{docs.BASE}/participants/{{participant_id}}/points"
    return [
        route("GET", base, ledger.get_points, POINTS),
        route("GET", f"{base}/transactions", ledger.get_transactions, TRANSACTIONS),
    ]
