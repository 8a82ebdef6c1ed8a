"""What the Bricqs API says to each refusal."""

from collections.abc import Mapping
from typing import Final

import msgspec

from laurels.api.bricqs import wire
from laurels.api.errors import ErrorTable, headers_of, problems_of, text_of
from laurels.api.exchange import Reply
from laurels.api.route import Api
from laurels.core import errors
from laurels.core.errors import Refusal

_FORBIDDEN: Final = (403, "forbidden")
_UNAUTHORIZED: Final = (401, "unauthorized")
_UNPROCESSABLE: Final = (422, "unprocessable_entity")

ERRORS: Final[ErrorTable] = {
    errors.Refusal: (400, "bad_request"),
    errors.Unauthorized: _UNAUTHORIZED,
    errors.InvalidCredentials: _UNAUTHORIZED,
    errors.Forbidden: _FORBIDDEN,
    errors.TenantDisabled: _FORBIDDEN,
    errors.TenantMismatch: _FORBIDDEN,
    errors.ScopeMissing: _FORBIDDEN,
    errors.UserMismatch: _FORBIDDEN,
    errors.MalformedBody: _UNPROCESSABLE,
    errors.InvalidBody: _UNPROCESSABLE,
    errors.NumberOutOfRange: (422, "number_out_of_range"),
    errors.BodyTooLarge: (413, "payload_too_large"),
    errors.InvalidQuery: _UNPROCESSABLE,
    errors.IdempotencyKeyInvalid: (400, "IDEMPOTENCY_KEY_INVALID"),
    errors.IdempotencyKeyMismatch: (400, "IDEMPOTENCY_KEY_MISMATCH"),
    errors.NotFound: (404, "not_found"),
    errors.UnknownChallenge: (404, "not_found"),
    errors.MethodNotAllowed: (405, "method_not_allowed"),
    errors.ClaimNotReady: (409, "claim_not_ready"),
    errors.WouldOverdraw: (400, "insufficient_points"),
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


def error_of(refusal: Refusal) -> str:
    """Return a refusal's code in lower case, as a row of a batch shows it."""
    return ERRORS[type(refusal)][1].lower()


def reply(table: Mapping[type[Refusal], tuple[int, str]], refusal: Refusal) -> Reply:
    status, code = table[type(refusal)]
    faults = [wire.Fault(problem.path, problem.message) for problem in problems_of(refusal)]
    body = wire.ErrorBody(text_of(refusal), code, code.lower(), faults)
    return Reply(status, msgspec.json.encode(body), headers_of(refusal))


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
