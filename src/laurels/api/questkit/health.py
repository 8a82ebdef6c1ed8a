"""Whether the server is well."""

import asyncio
from typing import Final

from laurels.api.edge import Edge
from laurels.api.exchange import Reply, Request
from laurels.api.questkit import wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import WAIT, error, route
from laurels.api.route import Operation, Route, Says


class HealthRoute:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def get_health(self, request: Request) -> Reply:  # noqa: ARG002 - all endpoints are alike
        config = self._edge.config
        ok = not self._edge.draining and await asyncio.to_thread(self._edge.queries.is_ready)
        body = wire.Health(
            ok, config.version, config.commit, config.store, config.queue, config.durability
        )
        reply = answer(body)
        return reply if ok else Reply(503, reply.body, ((b"retry-after", b"1"),))


def routes(desk: Desk) -> list[Route]:
    return [route("GET", "/v1/health", HealthRoute(desk.edge).get_health, HEALTH)]


HEALTH: Final = Operation(
    id="health",
    tag="Server",
    summary="Whether the server is well",
    about="Open to all.",
    replies={
        200: Says(about="It takes events.", type=wire.Health),
        500: error("A bug of ours."),
        503: Says(
            about="It is stopping, or its store is away.",
            type=wire.Health,
            headers=WAIT,
        ),
    },
)
