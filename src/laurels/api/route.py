"""A route: where it is, who answers, and what the documentation says of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from laurels.api.exchange import Reply, Request
from laurels.api.streamed import Streamed
from laurels.core.errors import Refusal

Answer: TypeAlias = Reply | Streamed
Endpoint: TypeAlias = Callable[[Request], Awaitable[Answer]]
Method: TypeAlias = Literal["GET", "POST", "PATCH"]


class Parameter(Struct, frozen=True, kw_only=True):
    name: str
    place: Literal["path", "query", "header"]
    about: str
    type: Any = str
    """A type as msgspec reads it, with its bounds."""
    required: bool = False


class Says(Struct, frozen=True, kw_only=True):
    """What a reply of one status means, and what stands in it."""

    about: str
    type: Any = None
    headers: Mapping[str, str] = {}
    example: Any = None
    media: str = "application/json"


class Operation(Struct, frozen=True, kw_only=True):
    """What a client has to know. The types are the ones that the endpoint decodes and encodes."""

    id: str
    summary: str
    about: str
    replies: Mapping[int, Says]
    tag: str
    request: Any = None
    example: Any = None
    parameters: tuple[Parameter, ...] = ()
    security: tuple[str, ...] = ()
    """Names of schemes, any one of which will do."""


class Api(Struct, frozen=True, kw_only=True):
    """How one API speaks when it has to say no."""

    prefix: str
    refuse: Callable[[Refusal], Reply]
    failed: Reply
    """The answer to a bug of ours. No input may lead here."""


class Route(Struct, frozen=True, kw_only=True):
    method: Method
    path: str
    """Exact, or with `{parameters}`, each one segment as it was sent."""
    endpoint: Endpoint
    api: Api
    operation: Operation
