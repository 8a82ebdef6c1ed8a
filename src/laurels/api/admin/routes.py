"""The routes of `/api/v1/admin`, each resource in a module of its own."""

from types import ModuleType
from typing import Final

from laurels.api.admin import analytics, tokens, webhooks
from laurels.api.bricqs.desk import Desk
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.route import Route

RESOURCES: Final[tuple[ModuleType, ...]] = (analytics, tokens, webhooks)


def routes(edge: Edge, callers: Callers) -> list[Route]:
    """Return the routes for operators."""
    desk = Desk(edge, callers)
    return [each for resource in RESOURCES for each in resource.routes(desk)]
