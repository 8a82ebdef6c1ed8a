"""Webhooks of other services: signed, kept, and made events of after the reply."""

from hashlib import sha256
from typing import Final

import msgspec

from laurels.api.body import json_value, read
from laurels.api.caller import Lookups
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query
from laurels.api.questkit import wire
from laurels.api.questkit.desk import Desk
from laurels.api.questkit.docs import COMMON, TAG, error, route
from laurels.api.questkit.errors import WEBHOOK
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.api.signature import Signed, check_age, check_digest, read_signed
from laurels.core import limits
from laurels.core.compile import Compiled
from laurels.core.errors import InvalidSignature
from laurels.core.event import Instant, TenantId
from laurels.core.source import Source
from laurels.core.webhook import EVENT_ID, Label, name_of, source_called, variable_of
from laurels.engine.inbox import Delivery

SOURCE_DEFAULT: Final = "stripe"


class Webhooks:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._inbox = desk.edge.inbox
        self._tenant = desk.edge.config.bootstrap_tenant
        self._secrets = desk.edge.config.webhook_secrets
        self._rulebooks = Lookups[TenantId, Compiled](desk.queries.rulebook)

    async def post_delivery(self, request: Request) -> Reply:
        """Look at what is cheap first: nobody who cannot sign makes us read a body."""
        now = self._desk.clock.now()
        await self._desk.callers.admit(request, now)
        source = await self._source(request, now)
        signed = read_signed(source.signature, request.headers)
        check_age(signed, now)
        secrets = self._secrets.get(variable_of(source.id))
        if not secrets:
            raise InvalidSignature
        body = await read(request, limits.WEBHOOK_BODY_BYTES_MAX)
        check_digest(source.signature, signed, secrets, body)
        await self._desk.callers.check_tenant(self._tenant, now)
        label = name_of(source, json_value(body), signed.label)
        kept_as = await self._inbox.put(self._delivery(source, label, body, signed))
        accepted = wire.DeliveryAccepted(True, EVENT_ID + kept_as)  # noqa: FBT003 - a constant of the wire
        return Reply(202, msgspec.json.encode(accepted))

    async def _source(self, request: Request, now: Instant) -> Source:
        name = Query(request).text("source") or SOURCE_DEFAULT
        rulebook = await self._rulebooks.get(self._tenant, now)
        source = source_called(rulebook.rulebook, name)
        if source is None:
            raise InvalidSignature
        return source

    def _delivery(self, source: Source, label: Label, body: bytes, signed: Signed) -> Delivery:
        received_at, (event,) = self._desk.clock.accept(1)
        assert label.id is not None
        assert label.type is not None
        fingerprint = None
        if source.delivery is None and not signed.is_label_signed:
            fingerprint = sha256(label.type.encode() + b"\0" + body).digest()
        return Delivery(
            tenant=self._tenant,
            source=source.id,
            id=label.id,
            event=event,
            type=label.type,
            body=body,
            received_at=received_at,
            fingerprint=fingerprint,
        )


def routes(desk: Desk) -> list[Route]:
    endpoint = Webhooks(desk).post_delivery
    return [route("POST", "/v1/webhook/incoming", endpoint, INCOMING, WEBHOOK)]


INCOMING: Final = Operation(
    id="takeWebhook",
    tag=TAG,
    summary="Take a webhook of another service",
    about=(
        "Open to all, and guarded by the signature of the source: Stripe's, that of Standard "
        "Webhooks, GitHub's or Shopify's. The body is any JSON, as the source sends it. Answers "
        "once the delivery is kept; what it means, the rulebook says, and that is looked up "
        "afterwards. A delivery that is sent again has no second effect."
    ),
    parameters=(
        Parameter(
            name="source",
            place="query",
            about=(
                f"Default `{SOURCE_DEFAULT}`. Its secrets stand in the setting "
                "`LAURELS_WEBHOOK_SECRET_` and its name."
            ),
        ),
    ),
    replies={
        202: Says(
            about="Kept; or kept before.",
            type=wire.DeliveryAccepted,
            example={"accepted": True, "eventId": "evt_evt_1MqqbKLt4dXK03v5qaIbiNCC"},
        ),
        400: error(
            "`malformed_signature`, `invalid_json`, `invalid_payload_root`, `invalid_id`, "
            "`invalid_type`, `invalid_created` or `invalid_data_object`."
        ),
        401: error(
            "`signature_expired`: more than 300 seconds off. `invalid_signature`: it does not fit, "
            "or the source is unknown or has no secret."
        ),
        **COMMON,
        413: error(f"The body is larger than {limits.WEBHOOK_BODY_BYTES_MAX // 1024} KiB."),
    },
)
