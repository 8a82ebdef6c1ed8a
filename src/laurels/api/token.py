"""Tokens for people: JWT, HS256 and nothing else, an hour long."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

import jwt
import msgspec
from msgspec import Meta, Struct

from laurels.core.errors import Unauthorized
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.limits import INSTANT_MAX_MS, PARTICIPANT_ID_CHARS_MAX, TOKEN_BYTES_MAX
from laurels.engine.registry import App

ALGORITHM: Final = "HS256"
OURSELVES: Final = "laurels"
"""Who signs, and who is meant to read: `iss` and `aud`."""
LIFETIME_S: Final = 60 * 60
SKEW_S: Final = 60
"""How far ahead the clock of an app's own backend may run. Expiry knows no leeway."""
DEMO: Final = "demo"

# A signature of 32 bytes leaves two bits of its last character unused. Only the spelling with both
# bits zero is a token; otherwise four tokens would share one signature.
_is_token: Final = re.compile(
    rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
).fullmatch
# PyJWT checks the signature once more, and the algorithm. The rest we check by our own clock.
_OPTIONS: Final[Any] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

# Its signatures name key types of a package that we do not need.
_jwt: Final[Any] = jwt

# Neither U+0000 nor half a character can be stored. The second is no JSON text to most, but it is
# to the decoder of PyJWT.
_Id = Annotated[
    str,
    Meta(min_length=1, max_length=PARTICIPANT_ID_CHARS_MAX, pattern=r"^[^\0\ud800-\udfff]*\Z"),
]
_World = Annotated[str, Meta(pattern=r"^[^/\0\ud800-\udfff]{1,255}/(live|test)\Z")]


class Claims(Struct, frozen=True, kw_only=True, gc=False):
    """Who a verified token speaks for."""

    tenant: TenantId
    participant: ParticipantId
    token_id: str
    issued_at_s: int
    """By our own clock, the earliest that it may have been: what it says may be ahead of us."""
    expires_at_s: int
    is_demo: bool


class Minted(NamedTuple):
    token: str
    expires_at: Instant


class _Payload(Struct, frozen=True):
    sub: _Id
    iat: int
    exp: int
    jti: _Id
    nbf: int = 0
    iss: str = OURSELVES
    aud: str | list[str] = OURSELVES
    tenant: _World | None = None
    kind: Any = None


class Tokens:
    """Mints tokens and verifies them, by nothing but their secrets and the time."""

    def __init__(self, keys: Sequence[bytes], bootstrap_tenant: TenantId) -> None:
        self._keys = keys
        self._bootstrap_tenant = bootstrap_tenant

    def mint(
        self,
        tenant: TenantId,
        participant: ParticipantId,
        kind: object,
        now: Instant,
        *,
        after_s: int = 0,
    ) -> Minted:
        """
        Return a new token for one participant of one world.

        It is dated after `after_s`, up to which all of the participant's tokens were revoked. That
        may be a little ahead of time, for which there is leeway.
        """
        now_s = now // 1000
        payload: dict[str, Any] = {
            "sub": participant,
            "iat": max(now_s, after_s + 1),
            "exp": now_s + LIFETIME_S,
            "jti": secrets.token_hex(16),
            "iss": OURSELVES,
            "aud": OURSELVES,
            "tenant": tenant,
        }
        if kind == DEMO:
            payload["kind"] = DEMO
        # PyJWT escapes to ASCII, which clients rely on that read the payload as Latin-1.
        token = _jwt.encode(payload, self._keys[0], algorithm=ALGORITHM)
        return Minted(token, payload["exp"] * 1000)

    def verify(self, token: bytes, now: Instant) -> Claims:
        """Return what a token claims. Raises Unauthorized with the cause."""
        if len(token) > TOKEN_BYTES_MAX or _is_token(token) is None:
            raise Unauthorized("The token is malformed.")
        payload = _check(self._decode(token), now // 1000)
        return Claims(
            tenant=payload.tenant or self._bootstrap_tenant,
            participant=payload.sub,
            token_id=payload.jti,
            # Those we sign are dated by our clock; only an app's own may run ahead of it.
            issued_at_s=payload.iat if payload.tenant else payload.iat - SKEW_S,
            expires_at_s=payload.exp,
            is_demo=payload.kind == DEMO,
        )

    def _decode(self, token: bytes) -> Mapping[str, Any]:
        key = self._signing_key(token)
        try:
            decoded = _jwt.decode_complete(token, key, algorithms=[ALGORITHM], options=_OPTIONS)
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            # The header names another algorithm, or a part of the token is no JSON.
            raise Unauthorized("The token is malformed.") from None
        if str(decoded["header"].get("typ", "JWT")).upper() != "JWT":
            raise Unauthorized("The token is malformed: its type is not JWT.")
        return decoded["payload"]

    def _signing_key(self, token: bytes) -> bytes:
        """
        Return the secret that signed a token. Raises Unauthorized.

        PyJWT reads the header before it looks at the signature. Strangers do not come that far:
        nothing is parsed that was not signed with a secret of ours.
        """
        signed, _, signature = token.rpartition(b".")
        for key in self._keys:
            ours = urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=")
            if hmac.compare_digest(ours, signature):
                return key
        raise Unauthorized("The token's signature is wrong.")


def is_symmetric(secret: str) -> bool:
    """
    Say whether a secret is nothing but that. Half of a key pair is not: the other half is public.

    >>> is_symmetric("0123456789abcdef0123456789abcdef"), is_symmetric("ssh-rsa AAAAB3NzaC1yc2E=")
    (True, False)
    """
    try:
        _jwt.get_algorithm_by_name(ALGORITHM).prepare_key(secret)
    except jwt.InvalidKeyError:
        return False
    return True


def is_secret_of(app: App | None, secret: str) -> bool:
    """Say whether the secret is the app's; an unknown app takes the same work to find out."""
    expected = app.secret_digest if app else bytes(32)
    return hmac.compare_digest(sha256(secret.encode()).digest(), expected) and app is not None


def _check(claimed: Mapping[str, Any], now_s: int) -> _Payload:
    times = [claimed[name] for name in ("iat", "exp", "nbf") if name in claimed]
    try:
        payload = msgspec.convert(claimed, _Payload)
    except msgspec.ValidationError as fault:
        raise Unauthorized(f"The token is malformed: {fault}.") from None
    if not all(type(time) is int and 0 <= time <= INSTANT_MAX_MS // 1000 for time in times):
        raise Unauthorized("The token is malformed: its times must be whole seconds.")
    if payload.iss != OURSELVES or OURSELVES not in _listed(payload.aud):
        raise Unauthorized("The token was made by, or for, somebody else.")
    if payload.exp <= now_s:
        raise Unauthorized("The token has expired.")
    if max(payload.iat, payload.nbf) > now_s + SKEW_S:
        raise Unauthorized("The token is not valid yet.")
    return payload


def _listed(audience: str | list[str]) -> list[str]:
    return [audience] if isinstance(audience, str) else audience
