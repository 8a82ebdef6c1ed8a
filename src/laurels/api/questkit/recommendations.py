"""Recommendations: which missions the token's user may try next, and why."""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from laurels.api.exchange import Reply, Request
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, route
from laurels.api.questkit.wire_recommendations import Recommendations
from laurels.api.route import Operation, Route, Says


class RecommendationRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._recommender = desk.edge.recommender

    async def get_recommendations(self, request: Request) -> Reply:
        claims = await self._desk.caller(request)
        made = await self._recommender.recommend(claims.tenant, claims.participant)
        return answer(
            to_recommendations(
                made.challenges, made.why, cached=made.cached, fallback=made.fallback
            )
        )


def to_recommendations(
    challenges: Sequence[str], why: str, *, cached: bool = False, fallback: bool = False
) -> Recommendations:
    return Recommendations(
        list(challenges), why, cached, len(challenges), fallback=True if fallback else UNSET
    )


def routes(desk: Desk) -> list[Route]:
    recommendations = RecommendationRoutes(desk)
    path = "/v1/recommendations"
    return [route("GET", path, recommendations.get_recommendations, GET_RECOMMENDATIONS)]


GET_RECOMMENDATIONS: Final = Operation(
    id="getRecommendations",
    tag=TAG,
    summary="Say which missions to try next",
    about=(
        "Up to three missions that are open to the user: by how near completion they are, by what "
        "the user's latest events count towards, and by what others completed next. A list is kept "
        "for an hour while all of it is open; a claim renews it, and when that changes it, the "
        "stream tells."
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(
            about="The missions, best first; none where none are open.",
            type=Recommendations,
            example={
                "missionIds": ["spring-buyer", "daily-streak"],
                "reason": "You are 4 of 5 steps into “Spring buyer”.",
                "cached": False,
                "count": 2,
            },
        ),
        **UNAUTHORIZED,
        **COMMON,
    },
)
