"""Webhooks on their way in, as rows. Every call may block."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from laurels.core.event import Instant, TenantId
from laurels.core.window import HOUR_MS
from laurels.engine.inbox import Delivery, Listed, Settled
from laurels.store.hand import Connections

NO_BODY: Final = b""

_Name: TypeAlias = tuple[TenantId, str, str]


class SqlInbox:
    """What sources have sent. One that is sent again changes nothing."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._emptied_to: dict[TenantId, Instant] = {}

    def put(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Keep those that are new, in one transaction; return the id that each is kept under."""
        ids: dict[_Name, str] = {}
        with self._connections.writing() as writer:
            for one in sorted(deliveries, key=_name):
                name = _name(one)
                row = (*name, one.event, one.type, one.body, one.fingerprint, one.received_at)
                if writer.run("put_delivery", *row).rowcount:
                    ids[name] = one.id
                    continue
                (kept_as,) = writer.run("delivery_kept_as", *name, one.fingerprint).fetchone()
                ids[name] = kept_as
        return [ids[_name(one)] for one in deliveries]

    def due(self, tenant: TenantId, now: Instant, count: int) -> list[tuple[Delivery, str | None]]:
        return [
            (_to_delivery(row[:-1]), row[-1])
            for row in self._connections.read("deliveries_due", tenant, now, count)
        ]

    def settle(self, settled: Sequence[Settled]) -> None:
        with self._connections.writing() as writer:
            writer.many(
                "settle_delivery",
                [
                    (
                        one.status,
                        one.reason,
                        one.attempts,
                        one.due_at,
                        one.delivery.tenant,
                        one.delivery.source,
                        one.delivery.id,
                        one.delivery.attempts,
                        one.delivery.due_at,
                    )
                    for one in sorted(settled, key=lambda one: _name(one.delivery))
                ],
            )

    def requeue(self, tenant: TenantId, source: str, id_: str, now: Instant) -> Delivery | None:
        with self._connections.writing() as writer:
            writer.run("requeue_delivery", now, tenant, source, id_)
            row = writer.run("find_delivery", tenant, source, id_).fetchone()
        return row and _to_delivery(row)

    def empty(self, tenant: TenantId, before: Instant) -> None:
        """Give up the bodies of what is done with, of an hour at most; go on there next time."""
        since = self._emptied_to.get(tenant)
        if since is None:
            ((since,),) = self._connections.read("oldest_delivery", tenant)
        if since is None or since >= before:
            return
        until = min(since + HOUR_MS, before)
        with self._connections.writing() as writer:
            writer.run("empty_deliveries", NO_BODY, tenant, since, until)
        self._emptied_to[tenant] = until

    def find(self, tenant: TenantId, source: str, id_: str) -> Delivery | None:
        return next(
            map(_to_delivery, self._connections.read("find_delivery", tenant, source, id_)), None
        )

    def listed(
        self,
        tenant: TenantId,
        *,
        status: str | None,
        source: str | None,
        page: int,
        page_size: int,
    ) -> Listed:
        which = (tenant, status, source)
        with self._connections.reading() as reader:
            (total,) = reader.run("count_deliveries", *which).fetchone()
            rows = reader.run(
                "list_deliveries", NO_BODY, *which, page_size, (page - 1) * page_size
            ).fetchall()
        return Listed([_to_delivery(row) for row in rows], total)


def _name(delivery: Delivery) -> _Name:
    """Return the key of a row: in this order they are locked, by everybody."""
    return delivery.tenant, delivery.source, delivery.id


def _to_delivery(row: Sequence[Any]) -> Delivery:
    tenant, source, id_, event, type_, body, received_at, fingerprint, *rest = row
    status, attempts, due_at, reason = rest
    return Delivery(
        tenant=tenant,
        source=source,
        id=id_,
        event=event,
        type=type_,
        body=body,
        received_at=received_at,
        fingerprint=fingerprint,
        status=status,
        attempts=attempts,
        due_at=due_at,
        reason=reason,
    )
