"""Tokens that were found good: a bounded memory, out of which revoked ones can be taken."""

from collections import OrderedDict
from typing import TypeAlias

from laurels.api.token import Claims
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.limits import CALLERS_CACHED_MAX

Subject: TypeAlias = tuple[TenantId, str | None, ParticipantId | None]
"""What a revocation names: the id of a token, or a participant."""


class Verified:
    """Past the limit, the token that was verified longest ago is checked again at its next use."""

    def __init__(self) -> None:
        self._claims = OrderedDict[bytes, Claims]()  # The longest verified stands first.
        self._tokens: dict[Subject, set[bytes]] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def find(self, token: bytes, now: Instant) -> Claims | None:
        """Return what a token claims, unless it was never checked, forgotten, or has expired."""
        claims = self._claims.get(token)
        if claims is not None and claims.expires_at_s * 1000 <= now:
            self._drop(token)
            return None
        return claims

    def keep(self, token: bytes, claims: Claims) -> None:
        if token not in self._claims and len(self._claims) >= CALLERS_CACHED_MAX:
            self._drop(next(iter(self._claims)))
        self._claims[token] = claims
        for subject in _subjects(claims):
            self._tokens.setdefault(subject, set()).add(token)

    def forget(
        self,
        tenant: TenantId,
        token_id: str | None,
        participant: ParticipantId | None,
        cutoff_s: int | None,  # noqa: ARG002 - those after it are merely checked once more
    ) -> None:
        """Forget what a revocation may be about."""
        for token in tuple(self._tokens.get((tenant, token_id, participant), ())):
            self._drop(token)

    def _drop(self, token: bytes) -> None:
        for subject in _subjects(self._claims.pop(token)):
            tokens = self._tokens[subject]
            tokens.remove(token)
            if not tokens:
                del self._tokens[subject]


def _subjects(claims: Claims) -> tuple[Subject, Subject]:
    return (claims.tenant, claims.token_id, None), (claims.tenant, None, claims.participant)
