"""What the Bricqs API says to each refusal."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from laurels.api.bricqs import wire
from laurels.api.errors import ErrorTable, headers_of, problems_of, text_of
from laurels.api.exchange import Reply
from laurels.api.route import Api
from laurels.core import errors
from laurels.core.errors import Refusal

_FORBIDDEN: Final = (403, "forbidden")
_NOT_FOUND: Final = (404, "not_found")
_UNAUTHORIZED: Final = (401, "unauthorized")
_UNPROCESSABLE: Final = (422, "unprocessable_entity")
_INSUFFICIENT: Final = "insufficient_points"

ERRORS: Final[ErrorTable] = {
    errors.Refusal: (400, "bad_request"),
    errors.Unauthorized: _UNAUTHORIZED,
    errors.InvalidCredentials: _UNAUTHORIZED,
    errors.InvalidSignature: _UNAUTHORIZED,
    errors.SignatureExpired: _UNAUTHORIZED,
    errors.Forbidden: _FORBIDDEN,
    errors.TenantDisabled: _FORBIDDEN,
    errors.TenantMismatch: _FORBIDDEN,
    errors.ScopeMissing: _FORBIDDEN,
    errors.UserMismatch: _FORBIDDEN,
    errors.NotDemoUser: _FORBIDDEN,
    errors.MalformedBody: _UNPROCESSABLE,
    errors.InvalidBody: _UNPROCESSABLE,
    errors.NumberOutOfRange: (422, "number_out_of_range"),
    errors.MalformedSignature: (400, "bad_request"),
    errors.InvalidDelivery: _UNPROCESSABLE,
    errors.BodyTooLarge: (413, "payload_too_large"),
    errors.InvalidQuery: _UNPROCESSABLE,
    errors.IdempotencyKeyInvalid: (400, "IDEMPOTENCY_KEY_INVALID"),
    errors.IdempotencyKeyMismatch: (400, "IDEMPOTENCY_KEY_MISMATCH"),
    errors.InvalidCommand: _UNPROCESSABLE,
    errors.NotFound: _NOT_FOUND,
    errors.UnknownName: _NOT_FOUND,
    errors.UnknownChallenge: _NOT_FOUND,
    errors.UnknownCampaign: _NOT_FOUND,
    errors.UnknownCurrency: _NOT_FOUND,
    errors.MethodNotAllowed: (405, "method_not_allowed"),
    errors.ConnectionShared: (400, "connection_shared"),
    errors.ClaimNotReady: (409, "claim_not_ready"),
    errors.ChallengeLocked: (409, "challenge_locked"),
    errors.WouldOverdraw: (400, _INSUFFICIENT),
    errors.OutOfStock: (409, "out_of_stock"),
    errors.ClaimLimitReached: (409, "claim_limit_reached"),
    errors.NotOpen: (409, "not_open"),
    errors.NothingToFreeze: (409, "nothing_to_freeze"),
    errors.NoFreezeLeft: (409, "no_freeze_left"),
    errors.FreezesFull: (409, "freezes_full"),
    errors.RateLimited: (429, "rate_limited"),
    errors.ParticipantRateLimited: (429, "RATE_LIMIT_PARTICIPANT_EXCEEDED"),
    errors.Unavailable: (503, "unavailable"),
    errors.RulebookRefused: _UNPROCESSABLE,
}

INGEST_ERRORS: Final[ErrorTable] = {
    **ERRORS,
    errors.MalformedBody: (400, "validation_error"),
    errors.InvalidBody: (400, "validation_error"),
    errors.NumberOutOfRange: (400, "number_out_of_range"),
}
"""The ingest pages know 400 where the gamify pages know 422."""
_TO_BEARERS: Final[ErrorTable] = {**ERRORS, errors.WouldOverdraw: (422, _INSUFFICIENT)}


def error_of(refusal: Refusal) -> str:
    """Return a refusal's code as a row of a batch shows it, which is how its page spells it."""
    code = ERRORS[type(refusal)][1]
    return code if isinstance(refusal, errors.ParticipantRateLimited) else code.lower()


def reply(table: Mapping[type[Refusal], tuple[int, str]], refusal: Refusal) -> Reply:
    status, code = table[type(refusal)]
    faults = [wire.Fault(problem.path, problem.message) for problem in problems_of(refusal)]
    body = wire.ErrorBody(text_of(refusal), code, code.lower(), faults)
    if isinstance(refusal, errors.WouldOverdraw):
        body = replace(body, available=refusal.available, required=refusal.required)
    return Reply(status, msgspec.json.encode(body), headers_of(refusal))


def overdrawn(refusal: errors.WouldOverdraw, *, by_bearer: bool) -> Reply:
    """Say that points are missing: the pages on bearers know 422 where those on keys know 400."""
    return reply(_TO_BEARERS if by_bearer else ERRORS, refusal)


_FAILED: Final = Reply(
    500,
    msgspec.json.encode(
        wire.ErrorBody("Something went wrong on our side.", "internal_error", "internal_error", [])
    ),
)

INGEST: Final = Api(
    prefix="/api/v1/",
    refuse=lambda refusal: reply(INGEST_ERRORS, refusal),
    failed=_FAILED,
)
GAMIFY: Final = Api(
    prefix="/api/v1/gamify/",
    refuse=lambda refusal: reply(ERRORS, refusal),
    failed=_FAILED,
)
ADMIN: Final = Api(
    prefix="/api/v1/admin/",
    refuse=lambda refusal: reply(ERRORS, refusal),
    failed=_FAILED,
)
