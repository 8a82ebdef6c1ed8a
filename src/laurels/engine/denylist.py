"""What is asked of the list of tokens that are good no longer."""

from typing import Protocol

from msgspec import Struct

from laurels.core.event import Instant, ParticipantId, TenantId


class Revocation(Struct, frozen=True, kw_only=True):
    """
    Tokens that are good no longer: the one with this id, or all of a participant.

    Those of a participant are dated (`iat`) up to and with `cutoff_s`.
    """

    tenant: TenantId
    at: Instant
    token_id: str | None = None
    participant: ParticipantId | None = None
    cutoff_s: int | None = None
    expires_at: Instant | None = None
    """When all of them will have expired, if that is known; then it may be forgotten."""


class Denylist(Protocol):
    """Every revocation that is still needed. Each call may block: call in a thread."""

    def revoke_token(
        self, tenant: TenantId, token_id: str, *, at: Instant, expires_at: Instant | None = None
    ) -> Revocation: ...
    def revoke_participant(
        self, tenant: TenantId, participant: ParticipantId, *, at: Instant
    ) -> Revocation:
        """
        Revoke every token there is up to now; one that is dated after the cut-off is good.

        Raises RateLimited when the cut-off would run too far ahead of time.
        """
        ...

    def is_revoked(
        self, tenant: TenantId, token_id: str, participant: ParticipantId, *, issued_at_s: int
    ) -> bool: ...
    def cutoff_s(self, tenant: TenantId, participant: ParticipantId) -> int | None:
        """Return the second up to which a participant's tokens were revoked, if they were."""
        ...

    def revoked_since(
        self, at: Instant, *, after: Revocation | None, count: int
    ) -> list[Revocation]:
        """Return a page of what was revoked since then, in all tenants: the first, or the next."""
        ...

    def forget_revocations(self, before: Instant, *, count: int) -> int:
        """Delete some that expired before, and say how many; there may be more."""
        ...
