"""What the documentation says of many routes alike."""

from collections.abc import Mapping
from typing import Final

from laurels.api.questkit import wire
from laurels.api.questkit.errors import QUESTKIT
from laurels.api.route import Api, Endpoint, Method, Operation, Parameter, Route, Says

TAG: Final = "QuestKit"
TOKEN_SCHEMES: Final = ("token",)
WAIT: Final = {"Retry-After": "Whole seconds to wait."}


def error(about: str, headers: Mapping[str, str] | None = None) -> Says:
    return Says(about=about, type=wire.QuestError, headers=headers or {})


COMMON: Final[Mapping[int, Says]] = {
    403: error("The tenant is disabled, or this is somebody else's."),
    413: error("The body is larger than 64 KiB."),
    429: error("Too many requests.", WAIT),
    500: error("A bug of ours."),
    503: error("Too much is waiting, or the store is away.", WAIT),
}
UNAUTHORIZED: Final[Mapping[int, Says]] = {
    401: error("`unauthorized`: the message tells the cause.")
}
KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    about="The same key within 24 hours is the same request. Empty is absent.",
)
REPLAYED: Final = {
    "X-Idempotent-Replay": "`hit` or `db-hit` on a replay: which memory answered.",
    "Idempotency-Mismatch": "`true` when the key came with other content before.",
}


def route(
    method: Method, path: str, endpoint: Endpoint, operation: Operation, api: Api = QUESTKIT
) -> Route:
    return Route(method=method, path=path, endpoint=endpoint, api=api, operation=operation)
