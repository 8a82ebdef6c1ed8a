"""Demo accounts: they may begin anew as often as they like, where the server allows it at all."""

from typing import Final

from laurels.api.exchange import Reply, Request
from laurels.api.questkit import wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.route import Operation, Route, Says
from laurels.core.command import Reset
from laurels.core.errors import NotDemoUser

PREFIX: Final = "demo_"
"""What the user id of a demo account begins with."""
ONLY_DEMO: Final = (
    "Only demo accounts can be reset: a token of kind `demo`, for a user id like `demo_…`."
)


class DemoRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_reset(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        is_allowed = self._desk.edge.config.demo_accounts
        if not (is_allowed and caller.is_demo and caller.participant.startswith(PREFIX)):
            raise NotDemoUser(ONLY_DEMO)
        received_at, (reset_id,) = self._desk.clock.accept(1)
        await self._desk.submit(
            Reset(
                tenant=caller.tenant,
                id=reset_id,
                participant=caller.participant,
                received_at=received_at,
            )
        )
        self._desk.edge.recommender.forget(caller.tenant, caller.participant)
        return answer(wire.Done(True))  # noqa: FBT003 - a constant of the wire


def routes(desk: Desk) -> list[Route]:
    return [route("POST", "/v1/demo/reset", DemoRoutes(desk).post_reset, RESET)]


RESET: Final = Operation(
    id="demoReset",
    tag=TAG,
    summary="Let a demo account begin anew",
    about=(
        "Deletes the caller's events, progress, badges, keys and cached recommendations, and "
        "writes off the balances. Places on leaderboards stay. No body is read. Off unless "
        "`LAURELS_DEMO_ACCOUNTS` allows it."
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="As if never met.", type=wire.Done, example={"ok": True}),
        **UNAUTHORIZED,
        **COMMON,
        403: error("`not_demo_user`: the token is of no demo account, or there are none here."),
    },
)
