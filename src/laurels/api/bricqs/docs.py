"""What the documentation says of many routes alike: replies, parameters, and whole operations."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from laurels.api.bricqs import wire
from laurels.api.bricqs.errors import GAMIFY
from laurels.api.query import PAGE_SIZE_DEFAULT
from laurels.api.route import Api, Endpoint, Method, Operation, Parameter, Route, Says
from laurels.core import limits

BASE: Final = "/api/v1/gamify"
KEY_SCHEMES: Final = ("apiKey", "apiKeyBearer")
ID: Final = "01HQK7N5ABCDEFGHJKMNPQ0000"
TIME: Final = "2026-04-10T10:30:00Z"


def error(about: str, headers: Mapping[str, str] | None = None) -> Says:
    return Says(about=about, type=wire.ErrorBody, headers=headers or {})


WAIT: Final = {"Retry-After": "Whole seconds to wait."}
MISMATCH: Final = {"Idempotency-Mismatch": "`true` when the key came with other content before."}
TENANT: Final = Parameter(
    name="X-Bricqs-Tenant",
    place="header",
    about="Optional; when sent, it must name the key's tenant.",
)
KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    about="The same key within 24 hours is the same request, and gets the first answer again.",
    type=Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_\-:.]{1,255}$")],
)
PARTICIPANT: Final = Parameter(
    name="participant_id",
    place="path",
    about="Percent-encoded; an encoded slash belongs to the id.",
    type=wire.ParticipantId,
    required=True,
)
PAGES: Final = (
    Parameter(
        name="page",
        place="query",
        about="Counted from 1; default 1.",
        type=Annotated[int, Meta(ge=1, le=limits.PAGE_MAX)],
    ),
    Parameter(
        name="page_size",
        place="query",
        about=f"Default {PAGE_SIZE_DEFAULT}.",
        type=Annotated[int, Meta(ge=1, le=limits.PAGE_SIZE_MAX)],
    ),
)
COMMON: Final[Mapping[int, Says]] = {
    401: error("`unauthorized`: the key is missing, unknown, expired or revoked."),
    403: error("`forbidden`: the tenant is disabled, or X-Bricqs-Tenant names another."),
    500: error("A bug of ours."),
    503: error("`unavailable`: too much is waiting, or the store is away.", WAIT),
}
TOO_LARGE: Final[Mapping[int, Says]] = {
    413: error("`payload_too_large`: more than 64 KiB, or 4 MiB for a batch."),
    429: error("Too many requests.", WAIT),
}
ADMIN: Final[Mapping[int, Says]] = {
    403: error("`forbidden`: the key does not have the scope `admin` or `gamify:admin`.")
}
UNKNOWN: Final[Mapping[int, Says]] = {404: error("`not_found`: there is nothing of that name.")}
TOO_FEW: Final[Mapping[int, Says]] = {
    400: error(
        "`insufficient_points`, for callers that send X-API-Key; or `IDEMPOTENCY_KEY_INVALID` or "
        "`IDEMPOTENCY_KEY_MISMATCH`."
    ),
    422: error("`insufficient_points`, for callers that send a bearer; or `unprocessable_entity`."),
}


def in_path(name: str, about: str) -> Parameter:
    return Parameter(name=name, place="path", about=about, type=wire.Code, required=True)


def in_query(name: str, about: str, type_: Any = str) -> Parameter:
    return Parameter(name=name, place="query", about=about, type=type_)


class Told(Struct, frozen=True, kw_only=True):
    """What differs from one operation of `/gamify` to the next."""

    id: str
    tag: str
    summary: str
    about: str
    reply: Any
    shows: Any
    """An example of the reply."""
    parameters: tuple[Parameter, ...] = ()
    refusals: Mapping[int, Says] = {}


def reads(told: Told) -> Operation:
    """Describe a read."""
    return Operation(
        id=told.id,
        tag=told.tag,
        summary=told.summary,
        about=told.about,
        parameters=(*told.parameters, TENANT),
        security=KEY_SCHEMES,
        replies={
            200: Says(about=told.summary, type=told.reply, example=told.shows),
            **COMMON,
            422: error("`unprocessable_entity`: a parameter is not what it must be."),
            429: error("Too many requests.", WAIT),
            **told.refusals,
        },
    )


def writes(told: Told, request: Any, example: Any, *, status: int = 200) -> Operation:
    """Describe a write. One whose body may hold a key takes it in a header as well."""
    is_keyed = isinstance(request, type) and issubclass(request, wire.Keyed)
    of_keys = {400: error("`IDEMPOTENCY_KEY_INVALID` or `IDEMPOTENCY_KEY_MISMATCH`.")}
    return Operation(
        id=told.id,
        tag=told.tag,
        summary=told.summary,
        about=told.about,
        request=request,
        example=example,
        parameters=(*told.parameters, *((KEY,) if is_keyed else ()), TENANT),
        security=KEY_SCHEMES,
        replies={
            status: Says(
                about=told.summary,
                type=told.reply,
                example=told.shows,
                headers=MISMATCH if is_keyed else {},
            ),
            **(of_keys if is_keyed else {}),
            **COMMON,
            **TOO_LARGE,
            422: error("`unprocessable_entity`: the body does not have the right shape."),
            429: error("`RATE_LIMIT_PARTICIPANT_EXCEEDED`, or too many requests.", WAIT),
            **told.refusals,
        },
    )


def route(
    method: Method, path: str, endpoint: Endpoint, operation: Operation, api: Api = GAMIFY
) -> Route:
    return Route(method=method, path=path, endpoint=endpoint, api=api, operation=operation)
