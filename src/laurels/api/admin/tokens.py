"""Tokens: an operator throws away one, or all that a person has."""

from typing import Final

from msgspec import UNSET

from laurels.api.admin import wire_tokens as wire
from laurels.api.body import Shape, read
from laurels.api.bricqs import docs
from laurels.api.bricqs.desk import Desk
from laurels.api.bricqs.docs import Told, route, writes
from laurels.api.bricqs.errors import ADMIN
from laurels.api.exchange import NO_CONTENT, Reply, Request
from laurels.api.route import Route
from laurels.core import limits
from laurels.core.errors import InvalidBody, Problem

TAG: Final = "Admin"

_revoke: Final = Shape(wire.RevokeBody)


class Tokens:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post_revoke(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        body = _revoke.read(await read(request, limits.BODY_BYTES_MAX)).body
        revocations = self._desk.edge.revocations
        if (body.jti is UNSET) == (body.user_id is UNSET):
            raise InvalidBody(Problem("jti", "must be sent, or user_id, and not both"))
        if body.jti is not UNSET:
            await revocations.revoke_token(caller.tenant, body.jti)
        elif body.user_id is not UNSET:
            await revocations.revoke_participant(caller.tenant, body.user_id)
        return NO_CONTENT


REVOKE: Final = writes(
    Told(
        id="revokeTokens",
        tag=TAG,
        summary="Revoked",
        about=(
            "Revokes one token by its `jti`, or all that a person has by now; those minted "
            "afterwards are good. In force at once here, and within a second in every other "
            "process on this store; open streams end. Only tokens of the key's own world are "
            "touched. Unknown ids are taken too: nobody needs to have seen a token to revoke it."
        ),
        reply=None,
        shows=None,
        refusals=docs.ADMIN,
    ),
    wire.RevokeBody,
    {"jti": "0f8fad5bd9cb469fa16570867728950e"},
    status=204,
)


def routes(desk: Desk) -> list[Route]:
    tokens = Tokens(desk)
    path = "/api/v1/admin/tokens/revoke"
    return [route("POST", path, tokens.post_revoke, REVOKE, ADMIN)]
