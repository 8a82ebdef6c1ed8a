"""Campaigns: stretches of time that missions belong to."""

from typing import Final

from msgspec import UNSET

from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.questkit import wire_missions as wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.questkit.translate_missions import starts, to_campaign, to_mission
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.core import limits
from laurels.core.errors import UnknownCampaign
from laurels.core.event import Instant, TenantId
from laurels.core.rulebook import Campaign, Rulebook


class CampaignRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_campaigns(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        with_expired = "expired" in (Query(request).texts("include") or ())
        now, rulebook = self._desk.clock.now(), await self._rulebook(caller.tenant)
        since = limits.INSTANT_MIN_MS if with_expired else now
        return answer(await self._desk.ask(_listed, rulebook, since))

    async def get_campaign(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        name = path_part(request, "campaign_id")
        with_missions = "missions" in (Query(request).texts("include") or ())
        rulebook = await self._rulebook(caller.tenant)
        campaign = next((each for each in rulebook.campaigns if each.id == name), None)
        if campaign is None:
            raise UnknownCampaign
        missions = sorted(
            (each for each in rulebook.challenges if each.campaign and each.campaign.id == name),
            key=lambda each: each.id,
        )
        return answer(
            wire.OneCampaign(
                to_campaign(campaign, [each.id for each in missions]),
                [to_mission(each) for each in missions] if with_missions else UNSET,
            )
        )

    async def _rulebook(self, tenant: TenantId) -> Rulebook:
        return (await self._desk.ask(self._desk.queries.rulebook, tenant)).rulebook


def _listed(rulebook: Rulebook, since: Instant) -> wire.Campaigns:
    """Return the campaigns that last until then or longer, in order."""
    missions: dict[str, list[str]] = {}
    for challenge in rulebook.challenges:
        if challenge.campaign is not None:
            missions.setdefault(challenge.campaign.id, []).append(challenge.id)
    listed = [each for each in rulebook.campaigns if each.ends is None or each.ends >= since]
    return wire.Campaigns(
        [to_campaign(each, missions.get(each.id, ())) for each in sorted(listed, key=_order)]
    )


def _order(campaign: Campaign) -> tuple[int, str]:
    return starts(campaign), campaign.id


def routes(desk: Desk) -> list[Route]:
    campaigns = CampaignRoutes(desk)
    return [
        route("GET", "/v1/campaigns", campaigns.get_campaigns, LIST),
        route("GET", "/v1/campaigns/{campaign_id}", campaigns.get_campaign, SHOW),
    ]


_EXAMPLE: Final = {
    "id": "spring",
    "title": "Spring",
    "description": "",
    "startAt": 1772323200000,
    "endAt": 1780272000000,
    "missionIds": ["spring-buyer"],
    "theme": {"primaryColor": "#2e7d32"},
}
LIST: Final = Operation(
    id="listCampaigns",
    tag=TAG,
    summary="List the campaigns",
    about="Those that are not over, upcoming ones included, in the order of their beginning.",
    parameters=(
        Parameter(name="include", place="query", about="`expired` lists those too that are over."),
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="The campaigns.", type=wire.Campaigns, example={"campaigns": [_EXAMPLE]}),
        400: error("`validation_error`: a parameter is not what it must be."),
        **UNAUTHORIZED,
        **COMMON,
    },
)
SHOW: Final = Operation(
    id="getCampaign",
    tag=TAG,
    summary="Show one campaign",
    about="Also one that is over.",
    parameters=(
        Parameter(name="campaign_id", place="path", about="Its id in the rulebook.", required=True),
        Parameter(name="include", place="query", about="`missions` adds its missions."),
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="The campaign.", type=wire.OneCampaign, example={"campaign": _EXAMPLE}),
        400: error("`validation_error`: the id is no text."),
        404: error("`campaign_not_found`: the rulebook has no such campaign."),
        **UNAUTHORIZED,
        **COMMON,
    },
)
