"""The inbox of webhooks: what has become of each delivery, and another try for one."""

from typing import Final, get_args

from laurels.api import instant
from laurels.api.admin import wire_webhooks as wire
from laurels.api.bricqs import docs
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import Told, in_path, in_query, reads, route
from laurels.api.bricqs.errors import ADMIN
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core.errors import UnknownName
from laurels.engine.inbox import Delivery

TAG: Final = "Admin"
STATUSES: Final = get_args(wire.Status)


class Webhooks:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._inbox = desk.edge.inbox

    async def get_deliveries(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        query = Query(request)
        page, page_size = query.page()
        listed = await self._desk.ask(
            self._inbox.kept.listed,
            caller.tenant,
            status=query.one_of("status", STATUSES),
            source=query.text("source"),
            page=page,
            page_size=page_size,
        )
        shown = [_to_delivery(each) for each in listed.deliveries]
        return answer(wire.Deliveries(shown, listed.total, page, page_size))

    async def get_delivery(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        source, id_ = _named(request)
        found = await self._desk.ask(self._inbox.kept.find, caller.tenant, source, id_)
        if found is None:
            raise UnknownName("There is no such delivery.")
        return answer(wire.WholeDelivery(_to_delivery(found), found.body.decode()))

    async def post_requeue(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        source, id_ = _named(request)
        now = self._desk.clock.now()
        found = await self._inbox.requeue(caller.tenant, source, id_, now)
        if found is None:
            raise UnknownName("There is no such delivery.")
        return answer(_to_delivery(found), status=202)


def _named(request: Request) -> tuple[str, str]:
    return path_part(request, "source"), path_part(request, "delivery_id")


def _to_delivery(delivery: Delivery) -> wire.Delivery:
    return wire.Delivery(
        source=delivery.source,
        delivery_id=delivery.id,
        event_id=delivery.key,
        type=delivery.type,
        status=delivery.status,
        attempts=delivery.attempts,
        received_at=instant.to_text(delivery.received_at),
        due_at=instant.to_text_if(delivery.due_at),
        reason=delivery.reason,
    )


_PATH: Final = (
    in_path("source", "Its name, as in the setting of its secret."),
    in_path("delivery_id", "The provider's id of it, without our `evt_`; percent-encoded."),
)
_SHOWN: Final = {
    "source": "stripe",
    "delivery_id": "evt_1MqqbKLt4dXK03v5qaIbiNCC",
    "event_id": "evt_evt_1MqqbKLt4dXK03v5qaIbiNCC",
    "type": "invoice.paid",
    "status": "unclaimed",
    "attempts": 1,
    "received_at": docs.TIME,
    "due_at": None,
    "reason": "there is no participant at data.object.customer",
}

LIST: Final = reads(
    Told(
        id="listWebhooks",
        tag=TAG,
        summary="Webhooks that reached us",
        about=(
            "Newest first, without their bodies. `waiting` ones are looked at when they are due; "
            "`ignored` ones are of no type that the rulebook lists; `unclaimed` ones name nobody "
            "we could credit; `parked` ones failed, and wait for an operator."
        ),
        reply=wire.Deliveries,
        shows={"deliveries": [_SHOWN], "total": 1, "page": 1, "page_size": 50},
        parameters=(
            in_query("status", f"One of {', '.join(STATUSES)}.", wire.Status),
            in_query("source", "Of this source only."),
            *docs.PAGES,
        ),
        refusals=docs.ADMIN,
    )
)
READ: Final = reads(
    Told(
        id="readWebhook",
        tag=TAG,
        summary="One webhook",
        about="With its body, as it was sent.",
        reply=wire.WholeDelivery,
        shows={"delivery": _SHOWN, "body": '{"id":"evt_1MqqbKLt4dXK03v5qaIbiNCC"}'},
        parameters=_PATH,
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    )
)
REQUEUE: Final = docs.writes(
    Told(
        id="requeueWebhook",
        tag=TAG,
        summary="It is looked at again",
        about=(
            "Lets a webhook be looked at again by the rulebook in force, at once, with all its "
            "tries before it. One that has become an event already has no second effect."
        ),
        reply=wire.Delivery,
        shows={**_SHOWN, "status": "waiting", "attempts": 0, "due_at": docs.TIME, "reason": None},
        parameters=_PATH,
        refusals={**docs.UNKNOWN, **docs.ADMIN},
    ),
    None,
    None,
    status=202,
)


def routes(desk: Desk) -> list[Route]:
    webhooks = Webhooks(desk)
    base = "/api/v1/admin/webhooks"
    one = f"{base}/{{source}}/{{delivery_id}}"
    return [
        route("GET", base, webhooks.get_deliveries, LIST, ADMIN),
        route("GET", one, webhooks.get_delivery, READ, ADMIN),
        route("POST", f"{one}/requeue", webhooks.post_requeue, REQUEUE, ADMIN),
    ]
