"""What the routes of `/gamify` do alike: who asks, whom it is about, and under which key."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from laurels.api import desk
from laurels.api.body import Shape, read
from laurels.api.bricqs import wire
from laurels.api.bricqs.errors import overdrawn
from laurels.api.bricqs.translate import MISMATCH, refuse_if_unavailable
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.exchange import Reply, Request
from laurels.api.route import Answer, Endpoint
from laurels.api.throttle import Throttle
from laurels.core import limits
from laurels.core.command import Command
from laurels.core.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyMismatch,
    ParticipantRateLimited,
    RateLimited,
    ScopeMissing,
    WouldOverdraw,
)
from laurels.core.event import EventId, Instant, ParticipantId, TenantId
from laurels.engine.ports import Outcome, Receipt
from laurels.engine.registry import ApiKey

A = TypeVar("A", bound=wire.About)
B = TypeVar("B")

ADMIN_SCOPES: Final = frozenset({"admin", "gamify:admin"})

KEY_FORM: Final = "Idempotency-Key must be 1 to 255 of the characters A-Z a-z 0-9 _ - : and ."
KEYS_DIFFER: Final = (
    "The Idempotency-Key header and the body's idempotency_key differ; send one, or both alike."
)

_encode: Final = msgspec.json.Encoder().encode
_is_key: Final = re.compile(rb"[A-Za-z0-9_\-:.]{1,255}").fullmatch


class Asked(NamedTuple):
    """Who asks for what to be done about whom, and what the command may be called."""

    tenant: TenantId
    participant: ParticipantId
    received_at: Instant
    id: EventId
    key: str | None = None
    sent: bytes = b""
    """The body as it was sent, where numbers still have all their digits."""

    def stamp(self) -> dict[str, Any]:
        """Return what every command begins with."""
        return {
            "tenant": self.tenant,
            "participant": self.participant,
            "received_at": self.received_at,
            "id": self.id,
            "key": self.key,
        }


class Desk(desk.Desk):
    """Where every request to `/gamify` is taken in."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        super().__init__(edge, callers)
        limit = edge.config.participant_writes_per_minute
        self._writes = Throttle(edge.rate_logs, "participant", limit, ParticipantRateLimited)

    async def caller(self, request: Request, *, is_admin: bool = False) -> ApiKey:
        """Return the caller's key; ask for one that may do what operators do, or for any."""
        caller = await self.callers.key(request, self.clock.now())
        if is_admin and ADMIN_SCOPES.isdisjoint(caller.scopes):
            raise ScopeMissing
        return caller

    async def take(
        self, request: Request, shape: Shape[A], *, is_admin: bool = False
    ) -> tuple[A, Asked]:
        """Return the body of a write, and whom it is about."""
        caller = await self.caller(request, is_admin=is_admin)
        raw = await read(request, limits.BODY_BYTES_MAX)
        body = shape.read(raw).body
        key = None
        if isinstance(body, wire.Keyed):
            key = agreed_key(header_key(request), body.idempotency_key)
        return body, await self._ask(caller.tenant, body.participant_id, raw, key)

    async def take_about(
        self, request: Request, shape: Shape[B], participant: ParticipantId
    ) -> tuple[B, Asked]:
        """Return the body of a write about a participant whom the path names."""
        caller = await self.caller(request)
        raw = await read(request, limits.BODY_BYTES_MAX)
        return shape.read(raw).body, await self._ask(caller.tenant, participant, raw)

    async def submit_all(self, commands: Sequence[Command]) -> list[Outcome]:
        """
        Hand over a batch of writes, less those of participants who write too often.

        Raises Unavailable when none of it could be taken.
        """
        surplus = await self._surplus(commands)
        admitted = [one for one, over in zip(commands, surplus, strict=True) if over is None]
        outcomes = await self.edge.submitter.submit(admitted) if admitted else []
        refuse_if_unavailable(outcomes)
        following = iter(outcomes)
        return [over or next(following) for over in surplus]

    async def admit(self, tenant: TenantId, participant: ParticipantId, now: Instant) -> None:
        """Count a write about a participant, or raise when there were too many."""
        await self._writes.admit(_whose(tenant, participant), now)

    async def _surplus(self, commands: Sequence[Command]) -> list[RateLimited | None]:
        whose = [_whose(command.tenant, command.participant) for command in commands]
        return await self._writes.surplus(whose, commands[0].received_at) if commands else []

    async def _ask(
        self, tenant: TenantId, participant: ParticipantId, sent: bytes, key: str | None = None
    ) -> Asked:
        received_at, (command_id,) = self.clock.accept(1)
        await self.admit(tenant, participant, received_at)
        return Asked(tenant, participant, received_at, command_id, key, sent)


def _whose(tenant: TenantId, participant: ParticipantId) -> str:
    # No tenant holds a NUL, so two pairs never make one key.
    return f"{tenant}\0{participant}"


def header_key(request: Request) -> str | None:
    """Return the key of the header. Raises IdempotencyKeyInvalid."""
    key = request.headers.get(b"idempotency-key")
    if key is None:
        return None
    if _is_key(key) is None:
        raise IdempotencyKeyInvalid(KEY_FORM)
    return key.decode("ascii")


def agreed_key(header: str | None, body: str | None) -> str | None:
    """Return the key that header and body carry. Raises IdempotencyKeyMismatch."""
    if header is not None and body is not None and header != body:
        raise IdempotencyKeyMismatch(KEYS_DIFFER)
    return body if header is None else header


def answer(body: Any, receipt: Receipt | None = None, *, status: int = 200) -> Reply:
    """Make the reply; a receipt whose key came with other content says so."""
    is_mismatch = receipt is not None and receipt.mismatch
    return Reply(status, _encode(body), MISMATCH if is_mismatch else ())


def paying(endpoint: Endpoint) -> Endpoint:
    """Let an endpoint that takes points tell too few of them as its caller's pages have it."""

    async def answering(request: Request) -> Answer:
        try:
            return await endpoint(request)
        except WouldOverdraw as refusal:
            return overdrawn(refusal, by_bearer=b"x-api-key" not in request.headers)

    return answering
