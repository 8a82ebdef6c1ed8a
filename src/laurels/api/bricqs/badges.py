"""Badges: what there is to earn, what was earned, and awards by hand."""

from collections.abc import Collection
from typing import Final

from laurels.api import instant
from laurels.api.body import Shape
from laurels.api.bricqs import docs
from laurels.api.bricqs import wire_badges as wire
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import PARTICIPANT, Told, in_query, reads, route, writes
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.api.route import Route
from laurels.core.change import BadgeAwarded
from laurels.core.command import AwardBadge
from laurels.engine.answers import Met
from laurels.engine.pictures import BadgePicture, badges_of

TAG: Final = "Bricqs badges"

_award: Final = Shape(wire.BadgeBody)


class Badges:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_award(self, request: Request) -> Reply:
        body, asked = await self._desk.take(request, _award)
        receipt = await self._desk.submit(AwardBadge(**asked.stamp(), badge=body.badge_code))
        met = await self._desk.read(asked.tenant, asked.participant)
        picture = next(each for each in badges_of(met) if each.badge.id == body.badge_code)
        badge = to_badge(picture)
        is_new = any(
            isinstance(change, BadgeAwarded) and change.badge == badge.code
            for change in receipt.changes
        )
        assert badge.earned_at is not None
        awarded = wire.BadgeAwarded(
            asked.participant,
            badge.code,
            badge.name,
            badge.icon,
            badge.rarity,
            badge.earned_at,
            not is_new,
        )
        return answer(awarded)

    async def get_badges(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant, query = path_part(request, "participant_id"), Query(request)
        earned_only, codes = query.flag("earned_only"), query.texts("badge_codes")
        met = await self._desk.read(caller.tenant, participant)
        shown = to_badges(met, earned_only=earned_only, codes=codes)
        earned = sum(badge.earned for badge in shown)
        return answer(wire.Badges(participant, shown, len(shown), earned))


def to_badges(
    met: Met, *, earned_only: bool = False, codes: Collection[str] | None = None
) -> list[wire.Badge]:
    return [
        to_badge(each)
        for each in badges_of(met)
        if (each.earned_at is not None or not earned_only)
        and (codes is None or each.badge.id in codes)
    ]


def to_badge(picture: BadgePicture) -> wire.Badge:
    badge, earned_at = picture.badge, picture.earned_at
    return wire.Badge(
        code=badge.id,
        name=badge.title,
        description=badge.description,
        icon=badge.icon,
        rarity=badge.rarity,
        earned=earned_at is not None,
        earned_at=instant.to_text_if(earned_at),
    )


_BADGE: Final = {
    "code": "quiz_master",
    "name": "Quiz master",
    "description": "Five quizzes in a month.",
    "icon": "🏅",
    "rarity": "rare",
    "earned": True,
    "earned_at": docs.TIME,
}

AWARD: Final = writes(
    Told(
        id="awardBadge",
        tag=TAG,
        summary="Award a badge",
        about=(
            "A badge is awarded once: asking again changes nothing, and tells when it was. So no "
            "key is needed, and none is read."
        ),
        reply=wire.BadgeAwarded,
        shows={
            "participant_id": "user_123",
            "badge_code": "quiz_master",
            "badge_name": "Quiz master",
            "icon": "🏅",
            "rarity": "rare",
            "earned_at": docs.TIME,
            "already_earned": False,
        },
        refusals=docs.UNKNOWN,
    ),
    wire.BadgeBody,
    {"participant_id": "user_123", "badge_code": "quiz_master"},
)
LIST: Final = reads(
    Told(
        id="listBadges",
        tag=TAG,
        summary="The badges, and which of them a participant has",
        about="As the rulebook lists them, then those it no longer has.",
        reply=wire.Badges,
        shows={
            "participant_id": "user_123",
            "badges": [_BADGE],
            "total": 1,
            "earned_count": 1,
        },
        parameters=(
            PARTICIPANT,
            in_query("earned_only", "Leave out those that were not earned. Default false.", bool),
            in_query("badge_codes", "Only these, with commas between them."),
        ),
    )
)


def routes(desk: Desk) -> list[Route]:
    badges = Badges(desk)
    return [
        route("POST", f"{docs.BASE}/badges/award", badges.post_award, AWARD),
        route(
            "GET",
            f"{docs.BASE}/participants/{{participant_id}}/badges",
            badges.get_badges,
            LIST,
        ),
    ]
