"""All APIs as one ASGI app: find the route, let it answer, turn what it raises into a reply."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec.structs import replace
from starlette import routing

from laurels.api import metrics as metrics_page
from laurels.api.admin.routes import routes as admin_routes
from laurels.api.bricqs.errors import ADMIN, GAMIFY, INGEST
from laurels.api.bricqs.routes import routes as bricqs_routes
from laurels.api.caller import Callers
from laurels.api.edge import ApiConfig, Edge
from laurels.api.exchange import (
    HTML,
    Disconnected,
    Message,
    Receive,
    Reply,
    Request,
    Scope,
    Send,
    send_preflight,
    send_reply,
)
from laurels.api.openapi import document
from laurels.api.questkit.errors import QUESTKIT
from laurels.api.questkit.routes import routes as questkit_routes
from laurels.api.route import Api, Route
from laurels.api.streamed import Streamed, send_stream
from laurels.core.errors import MethodNotAllowed, NotFound, Refusal
from laurels.engine.clock import stopwatch
from laurels.engine.metrics import Metrics

__all__ = ["ApiConfig", "App", "Edge", "create_app"]

log: Final = logging.getLogger("laurels.api")

APIS: Final = (GAMIFY, ADMIN, INGEST, QUESTKIT)
"""Whose voice answers below which prefix; the first that fits. Anything else is QuestKit's."""


CLOSE: Final = (b"connection", b"close")
PREFLIGHT: Final = "preflight"
PAGE: Final = "page"
NO_ROUTE: Final = "none"
"""What stands in place of a route where none has answered."""


def create_app(edge: Edge) -> "App":
    """Put all APIs onto one edge."""
    callers = Callers(edge)
    routes = [
        route
        for routes_of in (questkit_routes, bricqs_routes, admin_routes)
        for route in routes_of(edge, callers)
    ]
    return App(routes, _pages(routes, edge.config), edge)


class App:
    """
    An ASGI app.

    A path without parameters is found in one dictionary before anything else happens: these are the
    routes that have to be fast. Paths with parameters go through Starlette's router.
    """

    def __init__(self, routes: Sequence[Route], pages: dict[str, Reply], edge: Edge) -> None:
        self.routes = tuple(routes)
        self._pages = pages
        self._edge = edge
        self._metrics = edge.metrics
        self._numbers = metrics_page.Page(edge)
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._exact = {
            (method, path): route
            for path, methods in by_path.items()
            for method, route in methods.items()
            if "{" not in path
        }
        self._methods = {
            path: tuple(methods) for path, methods in by_path.items() if "{" not in path
        }
        self._router = routing.Router(
            [
                routing.Route(path, _OneOf(methods, edge.metrics))
                for path, methods in by_path.items()
                if "{" in path
            ],
            redirect_slashes=False,
            default=self._unknown,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _not_http(scope, receive, send)
            return
        if self._edge.draining:
            send = _last_on(send)
        route = self._exact.get((scope["method"], scope["path"]))
        if route is None:
            await self._rest(scope, receive, send)
        else:
            await _answer(route, self._metrics, scope, receive, send)

    async def _rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = _method(scope), scope["path"]
        if method == "OPTIONS":
            self._metrics.unrouted(PREFLIGHT, 204)
            await send_preflight(send)
        elif method == "GET" and (page := self._page(path, scope, receive)):
            self._metrics.unrouted(PAGE, 200)
            await send_reply(send, page)
        elif route := self._exact.get((method, path)):
            await _answer(route, self._metrics, scope, receive, send)
        elif path in self._methods:
            reply = _wrong_method(path, self._methods[path])
            self._metrics.unrouted(NO_ROUTE, reply.status)
            await send_reply(send, reply)
        else:
            # The router sees the path as it was sent, so that %2F stays inside its segment.
            sent: bytes = scope.get("raw_path") or quote(path).encode()
            as_sent = sent.partition(b"?")[0].decode("latin-1")
            await self._router({**scope, "path": as_sent, "root_path": ""}, receive, send)

    def _page(self, path: str, scope: Scope, receive: Receive) -> Reply | None:
        if path == metrics_page.PATH:
            return self._numbers.read(Request(scope, receive))
        return self._pages.get(path)

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        reply = _api_of(scope["path"]).refuse(NotFound())
        self._metrics.unrouted(NO_ROUTE, reply.status)
        await send_reply(send, reply)


def _last_on(send: Send) -> Send:
    """Have a reply say that its connection ends with it, so that who asks again goes elsewhere."""

    async def say(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], CLOSE]}
        await send(message)

    return say


class _OneOf:
    """What stands at one path with parameters: a route for each method."""

    def __init__(self, routes: dict[str, Route], metrics: Metrics) -> None:
        self._routes = routes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(_method(scope))
        if route is None:
            reply = _wrong_method(scope["path"], tuple(self._routes))
            self._metrics.unrouted(NO_ROUTE, reply.status)
            await send_reply(send, reply)
        else:
            await _answer(route, self._metrics, scope, receive, send)


async def _answer(
    route: Route, metrics: Metrics, scope: Scope, receive: Receive, send: Send
) -> None:
    begun = stopwatch()
    try:
        reply = await route.endpoint(Request(scope, receive))
    except Refusal as refusal:
        metrics.refused(refusal)
        reply = route.api.refuse(refusal)
    except Disconnected:
        return
    except Exception:
        log.exception("%s %s failed", route.method, route.path)
        reply = route.api.failed
    metrics.answered(route.operation.id, reply.status, stopwatch() - begun)
    if isinstance(reply, Streamed):
        await send_stream(scope, receive, send, reply)
    else:
        await send_reply(send, reply)


def _wrong_method(path: str, allowed: tuple[str, ...]) -> Reply:
    reply = _api_of(path).refuse(MethodNotAllowed())
    if reply.status != 405:  # noqa: PLR2004 - an API may prefer to say that there is nothing
        return reply
    return replace(reply, headers=((b"allow", ", ".join([*allowed, "OPTIONS"]).encode()),))


def _api_of(path: str) -> Api:
    return next((api for api in APIS if path.startswith(api.prefix)), QUESTKIT)


def _method(scope: Scope) -> str:
    # A HEAD is a GET whose body the server leaves out.
    method: str = scope["method"]
    return "GET" if method == "HEAD" else method


def _pages(routes: Sequence[Route], config: ApiConfig) -> dict[str, Reply]:
    if not config.docs:
        return {}
    docs = Path(__file__).with_name("docs.html").read_bytes()
    return {
        "/openapi.json": Reply(200, msgspec.json.encode(document(routes, config.version))),
        "/docs": Reply(200, docs, media=HTML),
    }


async def _not_http(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
