"""The list of tokens that are good no longer: short writes, and reads on any thread."""

from typing import Any, Final, Literal, TypeAlias

from laurels.core.errors import RateLimited
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.limits import CUTOFF_AHEAD_S_MAX
from laurels.engine.denylist import Revocation
from laurels.store.hand import Connections, Hand

Kind: TypeAlias = Literal["token", "participant"]

BY_ID: Final[Kind] = "token"
BY_HOLDER: Final[Kind] = "participant"


class SqlDenylist:
    """What was revoked, in all tenants."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def revoke_token(
        self, tenant: TenantId, token_id: str, *, at: Instant, expires_at: Instant | None = None
    ) -> Revocation:
        with self._connections.writing() as writer:
            writer.lock(f"revocation of {BY_ID} {token_id} of {tenant}")
            known = _find(writer, tenant, BY_ID, token_id)
            # Several tokens may have one id: the row stays as long as any of them might be good.
            if known is not None:
                expires_at = _later(known[1], expires_at)
            _put(writer, tenant, BY_ID, token_id, (at, None, expires_at))
        return Revocation(tenant=tenant, at=at, token_id=token_id, expires_at=expires_at)

    def revoke_participant(
        self, tenant: TenantId, participant: ParticipantId, *, at: Instant
    ) -> Revocation:
        second = at // 1000
        with self._connections.writing() as writer:
            writer.lock(f"revocation of {BY_HOLDER} {participant} of {tenant}")
            known = _find(writer, tenant, BY_HOLDER, participant)
            # Who was revoked this very second may have a token by now, dated just behind that.
            cutoff_s = second if known is None else max(second, known[0] + 1)
            ahead_s = cutoff_s - second - CUTOFF_AHEAD_S_MAX
            if ahead_s > 0:
                raise RateLimited(ahead_s * 1000)
            _put(writer, tenant, BY_HOLDER, participant, (at, cutoff_s, None))
        return Revocation(tenant=tenant, at=at, participant=participant, cutoff_s=cutoff_s)

    def is_revoked(
        self, tenant: TenantId, token_id: str, participant: ParticipantId, *, issued_at_s: int
    ) -> bool:
        with self._connections.reading() as reader:
            if _find(reader, tenant, BY_ID, token_id) is not None:
                return True
            known = _find(reader, tenant, BY_HOLDER, participant)
        return known is not None and issued_at_s <= known[0]

    def cutoff_s(self, tenant: TenantId, participant: ParticipantId) -> int | None:
        with self._connections.reading() as reader:
            known = _find(reader, tenant, BY_HOLDER, participant)
        return None if known is None else known[0]

    def revoked_since(
        self, at: Instant, *, after: Revocation | None, count: int
    ) -> list[Revocation]:
        place = (at, "", "", "") if after is None else (after.at, after.tenant, *_subject(after))
        rows = self._connections.read("revocations_after", *place, count)
        return [_to_revocation(*row) for row in rows]

    def forget_revocations(self, before: Instant, *, count: int) -> int:
        with self._connections.writing() as writer:
            return writer.run("forget_revocations", before, count).rowcount


def _find(hand: Hand, tenant: TenantId, kind: Kind, subject: str) -> Any:
    return hand.run("find_revocation", tenant, kind, subject).fetchone()


def _put(
    writer: Hand,
    tenant: TenantId,
    kind: Kind,
    subject: str,
    rest: tuple[Instant, int | None, Instant | None],
) -> None:
    writer.run("put_revocation", tenant, kind, subject, *rest)


def _later(one: Instant | None, other: Instant | None) -> Instant | None:
    return None if one is None or other is None else max(one, other)


def _subject(revocation: Revocation) -> tuple[Kind, str]:
    if revocation.token_id is not None:
        return BY_ID, revocation.token_id
    assert revocation.participant is not None
    return BY_HOLDER, revocation.participant


def _to_revocation(
    tenant: TenantId, kind: Kind, subject: str, at: Instant, *rest: int | None
) -> Revocation:
    cutoff_s, expires_at = rest
    is_token = kind == BY_ID
    return Revocation(
        tenant=tenant,
        at=at,
        token_id=subject if is_token else None,
        participant=None if is_token else subject,
        cutoff_s=cutoff_s,
        expires_at=expires_at,
    )
