"""Missions: what there is to do, how far the caller has come, and the claim of what is done."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Final, NamedTuple

from msgspec import UNSET, Meta

from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.questkit import wire_missions as wire
from laurels.api.questkit.desk import Desk, answer, header_key
from laurels.api.questkit.docs import (
    COMMON,
    KEY,
    REPLAYED,
    TAG,
    TOKEN_SCHEMES,
    UNAUTHORIZED,
    error,
    route,
)
from laurels.api.questkit.translate import replay_headers
from laurels.api.questkit.translate_missions import status_of, to_claimed, to_mission, to_progress
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.core import limits
from laurels.core.command import Claim
from laurels.core.errors import UnknownChallenge
from laurels.core.event import Instant, ParticipantId
from laurels.engine.answers import Met
from laurels.engine.pictures import ChallengePicture, picture_challenge

LIMIT_DEFAULT: Final = 50
STATUSES: Final = ("active", "completed", "claimed", "locked")

_leading_number: Final = re.compile(r"\s*([+-]?[0-9]{1,10})").match


class Asked(NamedTuple):
    """Which missions somebody wants to see; None is any."""

    campaign: str | None
    status: str | None
    after: str | None
    limit: int


class MissionRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_missions(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        query = Query(request)
        asked = Asked(
            campaign=query.text("campaignId"),
            status=query.text("status"),
            after=query.read("cursor", from_cursor),
            limit=from_limit(query.text("limit")),
        )
        now = self._desk.clock.now()
        met = await self._desk.read(caller.tenant, caller.participant, now)
        return answer(await self._desk.ask(_page, caller.participant, met, now, asked))

    async def get_mission(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        name = path_part(request, "mission_id")
        now = self._desk.clock.now()
        met = await self._desk.read(caller.tenant, caller.participant, now)
        return answer(_one(caller.participant, met, now, name))

    async def post_claim(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        mission = path_part(request, "mission_id")
        key = header_key(request)
        received_at, (claim_id,) = self._desk.clock.accept(1)
        receipt = await self._desk.submit(
            Claim(
                tenant=caller.tenant,
                id=claim_id,
                participant=caller.participant,
                received_at=received_at,
                key=key,
                challenge=mission,
            )
        )
        if receipt.is_paid_now:
            self._desk.edge.recommender.claimed(caller.tenant, caller.participant)
        return answer(to_claimed(caller.participant, receipt), replay_headers(receipt))


def routes(desk: Desk) -> list[Route]:
    missions = MissionRoutes(desk)
    one = "/v1/missions/{mission_id}"
    return [
        route("GET", "/v1/missions", missions.get_missions, LIST),
        route("GET", one, missions.get_mission, SHOW),
        route("POST", f"{one}/claim", missions.post_claim, CLAIM),
    ]


def from_cursor(text: str) -> str:
    """
    Return the id of the last mission of a page.

    >>> from_cursor(to_cursor("daily-streak"))
    'daily-streak'
    """
    try:
        name = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        name = ""
    if to_cursor(name) != text or not name:
        raise ValueError("is no cursor of ours; leave it out to begin anew")
    return name


def to_cursor(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode().rstrip("=")


def from_limit(text: str | None) -> int:
    """
    Read as much of a number as there is, and clamp it; no number at all is the default.

    >>> from_limit("7 or so"), from_limit("-3"), from_limit("1000"), from_limit("many")
    (7, 1, 100, 50)
    """
    found = _leading_number(text or "")
    return min(max(int(found[1]), 1), limits.PAGE_SIZE_MAX) if found else LIMIT_DEFAULT


def _page(who: ParticipantId, met: Met, now: Instant, asked: Asked) -> wire.Missions:
    found = list(islice(_found(met, now, asked), asked.limit + 1))
    page = found[: asked.limit]
    return wire.Missions(
        [to_mission(picture.challenge) for picture in page],
        {picture.challenge.id: to_progress(who, picture) for picture in page if picture.is_touched},
        to_cursor(page[-1].challenge.id) if len(found) > asked.limit else UNSET,
    )


def _found(met: Met, now: Instant, asked: Asked) -> Iterator[ChallengePicture]:
    """Return what was asked for, in order, and look no further than somebody wants to know."""
    challenges = met.rulebook.challenges
    for name in sorted(challenges if asked.after is None else _behind(challenges, asked.after)):
        challenge = challenges[name]
        of_campaign = challenge.campaign and challenge.campaign.id
        if asked.campaign in (None, of_campaign):
            picture = picture_challenge(met, now, challenge, "current")
            # A status that we do not know means all.
            if asked.status not in STATUSES or asked.status == status_of(picture):
                yield picture


def _behind(names: Iterable[str], after: str) -> list[str]:
    return [name for name in names if name > after]


def _one(who: ParticipantId, met: Met, now: Instant, name: str) -> wire.OneMission:
    challenge = met.rulebook.challenges.get(name)
    if challenge is None:
        raise UnknownChallenge
    picture = picture_challenge(met, now, challenge, "current")
    progress = to_progress(who, picture) if picture.is_touched else None
    return wire.OneMission(to_mission(challenge), progress)


MISSION: Final = Parameter(
    name="mission_id", place="path", about="Its id in the rulebook.", required=True
)
UNKNOWN: Final = error("`mission_not_found`: the rulebook has no such mission.")
_EXAMPLE: Final = {
    "id": "spring-buyer",
    "title": "Buy three times this spring",
    "description": "",
    "criteria": {
        "eventName": "purchase.completed",
        "count": 3,
        "window": "lifetime",
        "filter": {"amount": {"gte": 20}},
    },
    "reward": {"kind": "currency", "currency": "coin", "amount": 50},
    "rewards": [{"kind": "currency", "currency": "coin", "amount": 50}],
    "campaignId": "spring",
}
_PROGRESS: Final = {
    "userId": "usr_demo_123",
    "missionId": "spring-buyer",
    "status": "claimed",
    "progress": 1.0,
    "currentCount": 3,
    "targetCount": 3,
    "updatedAt": 1716100000000,
}

LIST: Final = Operation(
    id="listMissions",
    tag=TAG,
    summary="List the missions",
    about="In the order of their ids, with the caller's progress. Filters apply before paging.",
    parameters=(
        Parameter(name="campaignId", place="query", about="Only the missions of that campaign."),
        Parameter(
            name="status",
            place="query",
            about="`active`, `completed`, `claimed`, `locked` or `all`; anything else means all.",
        ),
        Parameter(
            name="limit",
            place="query",
            about=f"Default {LIMIT_DEFAULT}; clamped to 1 and {limits.PAGE_SIZE_MAX}.",
            type=Annotated[int, Meta(ge=1, le=limits.PAGE_SIZE_MAX)],
        ),
        Parameter(name="cursor", place="query", about="The `nextCursor` of the page before."),
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(
            about="A page of missions.",
            type=wire.Missions,
            example={"missions": [_EXAMPLE], "progress": {"spring-buyer": _PROGRESS}},
        ),
        400: error("`validation_error`: the cursor is none of ours."),
        **UNAUTHORIZED,
        **COMMON,
    },
)
SHOW: Final = Operation(
    id="getMission",
    tag=TAG,
    summary="Show one mission",
    about="With the caller's progress, or null where there is none yet.",
    parameters=(MISSION,),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(
            about="The mission.",
            type=wire.OneMission,
            example={"mission": _EXAMPLE, "progress": _PROGRESS},
        ),
        400: error("`validation_error`: the id is no text."),
        404: UNKNOWN,
        **UNAUTHORIZED,
        **COMMON,
    },
)
CLAIM: Final = Operation(
    id="claimMission",
    tag=TAG,
    summary="Claim what a completed mission pays",
    about=(
        "Pays the oldest completed window that waits to be claimed, once. No body is read. "
        "Claiming again what is claimed answers with the same state, and pays nothing."
    ),
    parameters=(MISSION, KEY),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(
            about="Claimed, now or before.",
            type=wire.Claimed,
            headers=REPLAYED,
            example={
                "progress": _PROGRESS,
                "balance": {
                    "userId": "usr_demo_123",
                    "currency": "coin",
                    "amount": 50,
                    "updatedAt": 1716100000000,
                },
                "reward": {"kind": "currency", "currency": "coin", "amount": 50},
            },
        ),
        400: error("`validation_error`: the id is no text, or the key is too long."),
        404: UNKNOWN,
        409: error("`claim_not_ready`: the mission is not completed yet."),
        **UNAUTHORIZED,
        **COMMON,
    },
)
