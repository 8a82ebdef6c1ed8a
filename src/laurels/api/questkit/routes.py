"""The routes of `/v1`, each resource in a module of its own."""

from typing import Final

from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.questkit import (
    balances,
    campaigns,
    demo,
    events,
    health,
    missions,
    recommendations,
    stream,
    tokens,
    webhook,
)
from laurels.api.questkit.desk import Desk
from laurels.api.route import Route

RESOURCES: Final = (
    tokens,
    events,
    missions,
    balances,
    campaigns,
    demo,
    health,
    recommendations,
    stream,
    webhook,
)


def routes(edge: Edge, callers: Callers) -> list[Route]:
    """Return the routes of this API."""
    desk = Desk(edge, callers)
    return [each for resource in RESOURCES for each in resource.routes(desk)]
