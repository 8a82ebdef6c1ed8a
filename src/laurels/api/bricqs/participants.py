"""Participants: who they are, and how they stand at a glance."""

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from laurels.api import instant
from laurels.api.body import Shape, object_text
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_participants as wire
from laurels.api.bricqs.badges import to_badges
from laurels.api.bricqs.challenges import to_challenges
from laurels.api.bricqs.claims import to_claim
from laurels.api.bricqs.desk import Asked, Desk, answer
from laurels.api.bricqs.docs import PARTICIPANT, Told, in_query, reads, route, writes
from laurels.api.bricqs.ledger import to_points
from laurels.api.bricqs.streaks import to_streaks
from laurels.api.bricqs.tiers import to_current, to_tier
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core.command import Describe
from laurels.core.errors import InvalidBody, InvalidQuery, Problem
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.section import PROFILE, Profile
from laurels.core.window import timezones
from laurels.engine import reading
from laurels.engine.pictures import tier_of
from laurels.engine.ports import Queries

TAG: Final = "Bricqs participants"
SECTIONS: Final = ("points", "tier", "badges", "streaks", "rewards", "challenges")
TAKEN: Final = ("claimed", "fulfilled")
"""What a reward's status is once the participant has claimed it, and nobody made it void."""

_upsert: Final = Shape(wire.ParticipantBody)
_patch: Final = Shape(wire.ParticipantPatch)
_raws: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_texts: Final = msgspec.json.Decoder(wire.Attributes).decode


class Participants:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_participant(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _upsert)
        _check_timezone(body.timezone)
        await self._describe(
            asked,
            display_name=_unless_none(body.display_name),
            avatar_url=_unless_none(body.avatar_url),
            timezone=_unless_none(body.timezone),
            attributes=UNSET if body.attributes is None else _one_line(_sent(asked)),
        )
        return answer(await self._profile(asked.tenant, asked.participant), status=201)

    async def patch_participant(self, request: Request) -> Reply:
        participant = path_part(request, "participant_id")
        body, asked = await self._desk.take_about(request, _patch, participant)
        _check_timezone(body.timezone)
        await self._describe(
            asked,
            display_name=body.display_name,
            avatar_url=body.avatar_url,
            timezone=body.timezone,
            patch=_each_on_one_line(_sent(asked)) if body.attributes else UNSET,
        )
        return answer(await self._profile(asked.tenant, asked.participant))

    async def get_participant(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        return answer(await self._profile(caller.tenant, participant))

    async def get_state(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        wanted = _sections(Query(request))
        now, queries = self._desk.clock.now(), self._desk.queries
        found = await self._desk.ask(_state, queries, caller.tenant, participant, now, wanted)
        return answer(found)

    async def _describe(self, asked: Asked, **given: Any) -> None:
        await self._desk.submit(Describe(**asked.stamp(), **given))

    async def _profile(self, tenant: TenantId, participant: ParticipantId) -> wire.Profile:
        now = self._desk.clock.now()
        return await self._desk.ask(_profile, self._desk.queries, tenant, participant, now)


def _check_timezone(name: str | UnsetType | None) -> None:
    if isinstance(name, str) and name not in timezones():
        raise InvalidBody(Problem("timezone", "is no time zone such as Europe/Berlin"))


def _sent(asked: Asked) -> Raw:
    """Return the attributes of a body that has some."""
    return _texts(asked.sent).attributes


def _one_line(text: Raw) -> Raw:
    return Raw(object_text(text).encode())


def _each_on_one_line(text: Raw) -> Raw:
    """Return an object in which every part that was sent on several lines is on one."""
    return Raw(msgspec.json.encode({name: _one_line(part) for name, part in _raws(text).items()}))


def _unless_none(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


def _sections(query: Query) -> frozenset[str]:
    wanted = query.texts("include")
    if wanted is None:
        return frozenset(SECTIONS)
    if not set(wanted) <= set(SECTIONS):
        raise InvalidQuery(Problem("include", f"must be some of {', '.join(SECTIONS)}"))
    return frozenset(wanted)


def _profile(
    queries: Queries, tenant: TenantId, participant: ParticipantId, now: Instant
) -> wire.Profile:
    met = reading.read(queries, tenant, participant, now)
    state = met.state
    profile = state.read(PROFILE, "") or Profile()
    points, streaks = to_points(met), to_streaks(met, now)
    running = [streak for streak in streaks if streak.current_count]
    claims = queries.claims(tenant, participant)
    return wire.Profile(
        participant_id=participant,
        display_name=profile.display_name,
        avatar_url=profile.avatar_url,
        attributes=profile.attributes,
        timezone=profile.timezone,
        points=wire.PointsSum(points.balance, points.total_earned, points.total_spent),
        tier=to_current(tier_of(met)),
        badges=to_badges(met, earned_only=True),
        streaks=max(running, key=lambda streak: streak.current_count, default=None),
        rewards_claimed=sum(row.status in TAKEN for row in claims),
        total_events=queries.count_events(tenant, participant),
        is_active=True,
        created_at=None if state.is_new else instant.to_text(state.created_at),
    )


def _state(
    queries: Queries,
    tenant: TenantId,
    participant: ParticipantId,
    now: Instant,
    wanted: frozenset[str],
) -> wire.State:
    met = reading.read(queries, tenant, participant, now)
    claims = queries.claims(tenant, participant) if "rewards" in wanted else []
    return wire.State(
        participant_id=participant,
        points=to_points(met) if "points" in wanted else UNSET,
        tier=to_tier(met) if "tier" in wanted else UNSET,
        badges=to_badges(met) if "badges" in wanted else UNSET,
        streaks=to_streaks(met, now) if "streaks" in wanted else UNSET,
        rewards=[to_claim(row) for row in claims] if "rewards" in wanted else UNSET,
        challenges=to_challenges(met, now) if "challenges" in wanted else UNSET,
    )


_POINTS: Final = {"balance": 1250, "total_earned": 1400, "total_spent": 150}
_PROFILE: Final[dict[str, Any]] = {
    "participant_id": "user_123",
    "display_name": "Ana",
    "avatar_url": None,
    "attributes": {"plan": "pro", "country": "PT"},
    "timezone": "Europe/Lisbon",
    "points": _POINTS,
    "tier": None,
    "badges": [],
    "streaks": None,
    "rewards_claimed": 0,
    "total_events": 12,
    "is_active": True,
    "created_at": docs.TIME,
}

UPSERT: Final = writes(
    Told(
        id="putParticipant",
        tag=TAG,
        summary="Describe a participant",
        about=(
            "Whoever is new is made; but any write makes them, so this is only needed for what it "
            "says. Attributes part leaderboards into segments."
        ),
        reply=wire.Profile,
        shows=_PROFILE,
    ),
    wire.ParticipantBody,
    {
        "participant_id": "user_123",
        "display_name": "Ana",
        "attributes": {"plan": "pro", "country": "PT"},
        "timezone": "Europe/Lisbon",
    },
    status=201,
)
PATCH: Final = writes(
    Told(
        id="patchParticipant",
        tag=TAG,
        summary="Change how a participant is described",
        about="Attributes are merged key by key at the top level; null removes one.",
        reply=wire.Profile,
        shows=_PROFILE,
        parameters=(PARTICIPANT,),
    ),
    wire.ParticipantPatch,
    {"display_name": "Ana", "attributes": {"plan": "pro", "trial": None}},
)
READ: Final = reads(
    Told(
        id="readParticipant",
        tag=TAG,
        summary="A participant at a glance",
        about="Nobody met yet has an empty profile.",
        reply=wire.Profile,
        shows=_PROFILE,
        parameters=(PARTICIPANT,),
    )
)
STATE: Final = reads(
    Told(
        id="readState",
        tag=TAG,
        summary="All there is about a participant, or some sections of it",
        about="Each section as its own route shows it.",
        reply=wire.State,
        shows={
            "participant_id": "user_123",
            "points": {**_POINTS, "currencies": {"points": {**_POINTS, "held": 0}}},
        },
        parameters=(
            PARTICIPANT,
            in_query("include", f"Which, with commas between: {', '.join(SECTIONS)}. Default all."),
        ),
    )
)


def routes(desk: Desk) -> list[Route]:
    participants = Participants(desk)
    one = f"{docs.BASE}/participants/{{participant_id}}"
    by_shorter_path = msgspec.structs.replace(STATE, id="readStateByShorterPath")
    return [
        route("POST", f"{docs.BASE}/participants", participants.post_participant, UPSERT),
        route("GET", one, participants.get_participant, READ),
        route("PATCH", one, participants.patch_participant, PATCH),
        route("GET", f"{one}/state", participants.get_state, STATE),
        route(
            "GET",
            f"{docs.BASE}/state/{{participant_id}}",
            participants.get_state,
            by_shorter_path,
        ),
    ]
