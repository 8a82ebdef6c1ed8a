"""Tokens: an app's backend asks for one, and whoever holds it may throw it away."""

from typing import Final

from laurels.api.body import Shape, read
from laurels.api.exchange import NO_CONTENT, Reply, Request
from laurels.api.questkit import wire
from laurels.api.questkit.desk import Desk, answer
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.route import Operation, Route, Says
from laurels.core import limits

_TOO_LARGE: Final = 413

_token_body: Final = Shape(wire.TokenBody)


class TokenRoutes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_token(self, request: Request) -> Reply:
        body = _token_body.read(await read(request, limits.BODY_BYTES_MAX)).body
        now = self._desk.clock.now()
        mint = await self._desk.callers.mint(request, body.app_id, body.app_secret, now)
        minted = await mint(body.user_id, body.kind)
        return answer(wire.TokenMinted(minted.token, minted.expires_at))

    async def post_revoke(self, request: Request) -> Reply:
        """Revoke the token that the request itself carries. Its body is not read."""
        caller = await self._desk.caller(request)
        expires_at = caller.expires_at_s * 1000
        revocations = self._desk.edge.revocations
        await revocations.revoke_token(caller.tenant, caller.token_id, expires_at)
        return NO_CONTENT


def routes(desk: Desk) -> list[Route]:
    tokens = TokenRoutes(desk)
    return [
        route("POST", "/v1/auth/token", tokens.post_token, MINT),
        route("POST", "/v1/auth/revoke", tokens.post_revoke, REVOKE),
    ]


MINT: Final = Operation(
    id="mintToken",
    tag=TAG,
    summary="Mint a token",
    about="Called by an app's own backend. The token is good for one hour and one person.",
    request=wire.TokenBody,
    example={"appId": "demo", "appSecret": "the app's secret", "userId": "usr_demo_123"},
    replies={
        200: Says(about="The token.", type=wire.TokenMinted),
        400: error("`validation_error`: the body does not have the right shape."),
        401: error("`invalid_credentials`: app and secret do not belong together."),
        **COMMON,
    },
)
REVOKE: Final = Operation(
    id="revokeToken",
    tag=TAG,
    summary="Revoke this token",
    about=(
        "For whoever signs out: from here on the token is refused, at once here and within a "
        "second in every other process on the same store, and its open streams end. A body is not "
        "read."
    ),
    security=TOKEN_SCHEMES,
    replies={
        204: Says(about="It is good no longer."),
        **UNAUTHORIZED,
        **{status: says for status, says in COMMON.items() if status != _TOO_LARGE},
    },
)
