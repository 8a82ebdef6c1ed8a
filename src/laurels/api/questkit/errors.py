"""What the QuestKit API says to each refusal."""

from typing import Final

import msgspec

from laurels.api.errors import ErrorTable, headers_of, text_of
from laurels.api.exchange import Reply
from laurels.api.questkit import wire
from laurels.api.route import Api
from laurels.core import errors
from laurels.core.errors import BodyTooLarge, DeliveryPart, NotFound, RateLimited, Refusal

_NOT_FOUND: Final = (404, "not_found")
_UNAUTHORIZED: Final = (401, "unauthorized")
_VALIDATION: Final = (400, "validation_error")

ERRORS: Final[ErrorTable] = {
    errors.Refusal: (400, "bad_request"),
    errors.Unauthorized: _UNAUTHORIZED,
    errors.InvalidCredentials: (401, "invalid_credentials"),
    errors.InvalidSignature: (401, "invalid_signature"),
    errors.SignatureExpired: (401, "signature_expired"),
    errors.Forbidden: (403, "forbidden"),
    errors.TenantDisabled: (403, "tenant_disabled"),
    errors.TenantMismatch: (403, "forbidden"),
    errors.ScopeMissing: (403, "forbidden"),
    errors.UserMismatch: (403, "user_mismatch"),
    errors.NotDemoUser: (403, "not_demo_user"),
    errors.MalformedBody: _VALIDATION,
    errors.InvalidBody: _VALIDATION,
    errors.NumberOutOfRange: _VALIDATION,
    errors.MalformedSignature: (400, "malformed_signature"),
    errors.InvalidDelivery: (400, "invalid_payload"),
    errors.BodyTooLarge: (413, "payload_too_large"),
    errors.InvalidQuery: _VALIDATION,
    errors.IdempotencyKeyInvalid: _VALIDATION,
    errors.IdempotencyKeyMismatch: _VALIDATION,
    errors.InvalidCommand: _VALIDATION,
    errors.NotFound: _NOT_FOUND,
    errors.UnknownName: _NOT_FOUND,
    errors.UnknownChallenge: (404, "mission_not_found"),
    errors.UnknownCampaign: (404, "campaign_not_found"),
    errors.UnknownCurrency: (404, "balance_not_found"),
    # A path with another method is an unknown path here.
    errors.MethodNotAllowed: _NOT_FOUND,
    errors.ConnectionShared: (400, "connection_shared"),
    errors.ClaimNotReady: (409, "claim_not_ready"),
    errors.ChallengeLocked: (409, "mission_locked"),
    errors.WouldOverdraw: (409, "insufficient_balance"),
    errors.OutOfStock: (409, "out_of_stock"),
    errors.ClaimLimitReached: (409, "claim_limit_reached"),
    errors.NotOpen: (409, "not_open"),
    errors.NothingToFreeze: (409, "nothing_to_freeze"),
    errors.NoFreezeLeft: (409, "no_freeze_left"),
    errors.FreezesFull: (409, "freezes_full"),
    errors.RateLimited: (429, "rate_limited"),
    errors.ParticipantRateLimited: (429, "rate_limited"),
    errors.Unavailable: (503, "unavailable"),
    errors.RulebookRefused: _VALIDATION,
}

_INVALID_EVENT: Final = (400, "invalid_event")
EVENT_ERRORS: Final[ErrorTable] = {
    **ERRORS,
    errors.MalformedBody: _INVALID_EVENT,
    errors.InvalidBody: _INVALID_EVENT,
    errors.NumberOutOfRange: _INVALID_EVENT,
    errors.IdempotencyKeyInvalid: _INVALID_EVENT,
    errors.IdempotencyKeyMismatch: _INVALID_EVENT,
}
"""`POST /v1/events` has a code of its own for whatever is wrong with a body."""

WEBHOOK_ERRORS: Final[ErrorTable] = {**ERRORS, errors.MalformedBody: (400, "invalid_json")}
"""What providers of webhooks hear; an `InvalidDelivery` tells which part of it is."""
DELIVERY_CODES: Final[dict[DeliveryPart, str]] = {
    "body": "invalid_payload_root",
    "id": "invalid_id",
    "type": "invalid_type",
    "time": "invalid_created",
    "subject": "invalid_data_object",
}

_BARE: Final = (BodyTooLarge, NotFound, RateLimited)
"""Refusals of which the contract shows the whole body, without a message."""


def reply(table: ErrorTable, refusal: Refusal) -> Reply:
    status, code = table[type(refusal)]
    body = wire.QuestError(code)
    if isinstance(refusal, RateLimited):
        body = wire.QuestError(code, retry_after_ms=refusal.retry_after_ms)
    elif not isinstance(refusal, _BARE) and code != "not_found":
        body = wire.QuestError(code, message=text_of(refusal))
    return Reply(status, msgspec.json.encode(body), headers_of(refusal))


def _refuse_delivery(refusal: Refusal) -> Reply:
    if isinstance(refusal, errors.InvalidDelivery):
        return reply({type(refusal): (400, DELIVERY_CODES[refusal.part])}, refusal)
    return reply(WEBHOOK_ERRORS, refusal)


_FAILED: Final = Reply(500, msgspec.json.encode(wire.QuestError("internal_error")))

QUESTKIT: Final = Api(prefix="/v1/", refuse=lambda refusal: reply(ERRORS, refusal), failed=_FAILED)
EVENTS: Final = Api(
    prefix="/v1/events", refuse=lambda refusal: reply(EVENT_ERRORS, refusal), failed=_FAILED
)
WEBHOOK: Final = Api(prefix="/v1/webhook/", refuse=_refuse_delivery, failed=_FAILED)
