"""Tiers: where a participant stands, what comes next, and tiers by hand."""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_tiers as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import PARTICIPANT, Told, reads, route, writes
from laurels.api.exchange import Reply, Request
from laurels.api.query import path_part
from laurels.api.route import Route
from laurels.core.change import Change, TierChanged
from laurels.core.command import AssignTier
from laurels.core.event import Instant, ParticipantId
from laurels.core.section import Standing
from laurels.engine.answers import Met
from laurels.engine.pictures import TierPicture, tier_of

TAG: Final = "Bricqs tiers"

_assign: Final = Shape(wire.TierBody)


class Tiers:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_assign(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _assign)
        command = AssignTier(**asked.stamp(), tier=body.tier_code, reason=body.reason or "")
        receipt = await self._desk.submit(command)
        assigned = _to_assigned(asked.participant, receipt.changes)
        if assigned is None:
            met = await self._desk.read(asked.tenant, asked.participant)
            assigned = _to_kept(asked.participant, met, body.tier_code, receipt.recorded_at)
        return answer(assigned, receipt)

    async def get_tier(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        met = await self._desk.read(caller.tenant, participant)
        return answer(to_tier(met, participant))


def to_tier(met: Met, participant: ParticipantId | None = None) -> wire.Tier:
    picture, levels = tier_of(met), met.rulebook.levels
    return wire.Tier(
        participant_id=UNSET if participant is None else participant,
        current_tier=to_current(picture),
        next_tier=_to_next(picture),
        tier_history=[
            wire.PastTier(
                code=code,
                name=levels[code].title if code in levels else code,
                achieved_at=instant.to_text(since),
            )
            for code, since in reversed(_history(picture.standing))
        ],
    )


def to_current(picture: TierPicture) -> wire.CurrentTier | None:
    standing, level = picture.standing, picture.level
    if standing is None or standing.tier is None:
        return None
    return wire.CurrentTier(
        code=standing.tier,
        name=standing.tier if level is None else level.title,
        level=standing.level,
        color=level.color if level is not None and level.color else UNSET,
        benefits=[] if level is None else list(level.perks),
        achieved_at=instant.to_text(standing.since),
        next_tier=_to_next(picture),
    )


def _to_next(picture: TierPicture) -> wire.NextTier | None:
    level = picture.next
    if level is None:
        return None
    return wire.NextTier(level.id, level.title, level.at, max(0, level.at - picture.measure))


def _to_assigned(participant: ParticipantId, changes: Sequence[Change]) -> wire.TierAssigned | None:
    change = next((each for each in changes if isinstance(each, TierChanged)), None)
    if change is None or change.tier is None:
        return None
    return wire.TierAssigned(
        participant_id=participant,
        tier_code=change.tier,
        tier_name=change.title,
        level=change.level,
        previous_code=change.previous,
        previous_level=change.previous_level,
        achieved_at=instant.to_text(change.at),
        already_assigned=False,
    )


def _to_kept(
    participant: ParticipantId, met: Met, code: str, asked_at: Instant
) -> wire.TierAssigned:
    """Render a tier that the participant had already, even if it has been lost since."""
    levels, history = met.rulebook.levels, _history(tier_of(met).standing)
    places = [place for place, (tier, _) in enumerate(history) if tier == code]
    since = history[places[-1]][1] if places else asked_at
    previous = history[places[-1] - 1][0] if places and places[-1] else None
    level, before = levels.get(code), levels.get(previous or "")
    return wire.TierAssigned(
        participant_id=participant,
        tier_code=code,
        tier_name=code if level is None else level.title,
        level=0 if level is None else level.level,
        previous_code=previous,
        previous_level=0 if before is None else before.level,
        achieved_at=instant.to_text(since),
        already_assigned=True,
    )


def _history(standing: Standing | None) -> list[tuple[str | None, Instant]]:
    """Return the tiers there were, the current one last."""
    return [] if standing is None else [*standing.history, (standing.tier, standing.since)]


_NEXT: Final = {
    "code": "gold",
    "name": "Gold",
    "points_required": 2000,
    "points_remaining": 600,
}

TIER: Final = reads(
    Told(
        id="readTier",
        tag=TAG,
        summary="A participant's tier",
        about="With what comes next, and all that came before as far as it is remembered.",
        reply=wire.Tier,
        shows={
            "participant_id": "user_123",
            "current_tier": {
                "code": "silver",
                "name": "Silver",
                "level": 2,
                "color": "#c0c0c0",
                "benefits": ["Free shipping"],
                "achieved_at": docs.TIME,
                "next_tier": _NEXT,
            },
            "next_tier": _NEXT,
            "tier_history": [{"code": "silver", "name": "Silver", "achieved_at": docs.TIME}],
        },
        parameters=(PARTICIPANT,),
    )
)
ASSIGN: Final = writes(
    Told(
        id="assignTier",
        tag=TAG,
        summary="Give a tier by hand",
        about=(
            "It stays until more was earned than that would have reached a higher tier. To assign "
            "the one that is held changes nothing."
        ),
        reply=wire.TierAssigned,
        shows={
            "participant_id": "user_123",
            "tier_code": "gold",
            "tier_name": "Gold",
            "level": 3,
            "previous_code": "silver",
            "previous_level": 2,
            "achieved_at": docs.TIME,
            "already_assigned": False,
        },
        refusals=docs.UNKNOWN,
    ),
    wire.TierBody,
    {"participant_id": "user_123", "tier_code": "gold", "reason": "Moved over from the old club"},
)


def routes(desk: Desk) -> list[Route]:
    tiers = Tiers(desk)
    return [
        route("POST", f"{docs.BASE}/tiers/assign", tiers.post_assign, ASSIGN),
        route("GET", f"{docs.BASE}/participants/{{participant_id}}/tier", tiers.get_tier, TIER),
    ]
