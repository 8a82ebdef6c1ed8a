"""Who is asking: API keys, tokens, and what is remembered of both."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from laurels.api.edge import Edge
from laurels.api.exchange import Request
from laurels.api.throttle import Throttle
from laurels.api.token import Claims, Minted, Tokens, is_secret_of
from laurels.api.verified import Verified
from laurels.core.errors import InvalidCredentials, TenantDisabled, TenantMismatch, Unauthorized
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.limits import CALLERS_CACHED_MAX, KEY_CHARS_MAX
from laurels.engine.registry import ApiKey, App

K = TypeVar("K")
V = TypeVar("V")

OTHER_TENANT: Final = (
    "X-Bricqs-Tenant names a tenant other than the key's; correct it or leave it out."
)
KEY_PREFIXES: Final = (b"bq_live_", b"bq_test_")
LOOKUP_LIFETIME_MS: Final = 1_000
"""How long a revoked key or a disabled tenant may still be taken for good."""


class Lookups(Generic[K, V]):
    """
    Answers to a question that blocks, each asked once a second at most, found or not.

    Those who want the same answer at the same moment wait for one asking.
    """

    def __init__(self, ask: Callable[[K], V]) -> None:
        self._ask = ask
        self._known = OrderedDict[K, tuple[Instant, V]]()  # The longest known stands first.
        self._asking: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, now: Instant) -> V:
        known = self._known.get(key)
        if known is not None and 0 <= now - known[0] < LOOKUP_LIFETIME_MS:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(asyncio.to_thread(self._ask, key))
            self._asking[key] = asking
            asking.add_done_callback(lambda task: self._asked(key, now, task))
        # Whoever began may hang up; the others must not lose their answer by that.
        return await asyncio.shield(asking)

    def _asked(self, key: K, now: Instant, task: "asyncio.Task[V]") -> None:
        del self._asking[key]
        self._known.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._known[key] = (now, task.result())
        if len(self._known) > CALLERS_CACHED_MAX:
            self._known.popitem(last=False)


class Callers:
    """Tells who is asking, or raises. A caller known for less than a second costs no waiting."""

    def __init__(self, edge: Edge) -> None:
        config = edge.config
        registry = edge.registry
        self._keys: Lookups[bytes, ApiKey | None] = Lookups(registry.find_key)
        self._apps: Lookups[str, App | None] = Lookups(registry.find_app)
        self._disabled: Lookups[str, bool] = Lookups(registry.is_disabled)
        self._tokens = Tokens(config.jwt_secrets, config.bootstrap_tenant)
        self._verified = Verified()
        self._revocations = edge.revocations
        edge.revocations.subscribe(self._verified.forget)
        logs = edge.rate_logs
        self._of_key = Throttle(logs, "key", config.rate_limit_key)
        self._of_tenant = Throttle(logs, "tenant", config.rate_limit_tenant)
        self._of_address = Throttle(logs, "address", config.rate_limit_address)

    async def key(self, request: Request, now: Instant) -> ApiKey:
        """Return the API key that a request carries, once it is known to be good."""
        await self._of_address.admit(address_of(request), now)
        secret = presented_key(request.headers)
        key = await self._keys.get(sha256(secret).digest(), now)
        if key is None:
            raise Unauthorized("There is no such API key.")
        if key.revoked:
            raise Unauthorized("This API key was revoked.")
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthorized("This API key has expired.")
        if key.tenant_disabled:
            raise TenantDisabled
        named = request.headers.get(b"x-bricqs-tenant")
        if named is not None and not is_named(key.tenant, named):
            raise TenantMismatch(OTHER_TENANT)
        await self._of_key.admit(key.id, now)
        await self._of_tenant.admit(key.tenant, now)
        return key

    async def token(self, request: Request, now: Instant, *, in_query: str | None = None) -> Claims:
        """
        Return what a request's token claims, once it is known to be ours.

        `in_query` is one that a browser could not send in a header.
        """
        await self._of_address.admit(address_of(request), now)
        token = presented_token(request.headers, in_query)
        claims = self._verified.find(token, now)
        if claims is None:
            claims = await self._verify(token, now)
        if await self._disabled.get(claims.tenant, now):
            raise TenantDisabled
        await self._of_tenant.admit(claims.tenant, now)
        return claims

    async def admit(self, request: Request, now: Instant) -> None:
        """Count a request that carries no credentials of ours."""
        await self._of_address.admit(address_of(request), now)

    async def check_tenant(self, tenant: TenantId, now: Instant) -> None:
        """Raise TenantDisabled if it is."""
        if await self._disabled.get(tenant, now):
            raise TenantDisabled

    async def mint(self, request: Request, app_id: str, app_secret: str, now: Instant) -> "Minter":
        """Return what makes tokens for an app, if the secret is the app's."""
        await self._of_address.admit(address_of(request), now)
        app = await self._apps.get(app_id, now)
        if not is_secret_of(app, app_secret) or app is None:
            raise InvalidCredentials
        if app.tenant_disabled:
            raise TenantDisabled
        return lambda participant, kind: self._mint(app.tenant, participant, kind, now)

    async def _verify(self, token: bytes, now: Instant) -> Claims:
        """Check a token that is not known, and remember it."""
        claims = self._tokens.verify(token, now)
        count = None
        while count != self._revocations.count:  # What came meanwhile may be about this one.
            count = self._revocations.count
            await self._revocations.check(claims)
        self._verified.keep(token, claims)
        return claims

    async def _mint(
        self, tenant: TenantId, participant: ParticipantId, kind: object, now: Instant
    ) -> Minted:
        after_s = await self._revocations.cutoff_s(tenant, participant)
        return self._tokens.mint(tenant, participant, kind, now, after_s=after_s)


Minter = Callable[[ParticipantId, Any], Awaitable[Minted]]


def presented_key(headers: dict[bytes, bytes]) -> bytes:
    """Return the API key of `X-API-Key` or of a bearer. Two that differ are none."""
    key = headers.get(b"x-api-key")
    bearer = presented_bearer(headers)
    if key is None:
        key = bearer
    elif bearer is not None and bearer.startswith(KEY_PREFIXES) and bearer != key:
        raise Unauthorized("X-API-Key and Authorization carry two different keys.")
    if key is None:
        raise Unauthorized("An API key is missing: send X-API-Key, or Authorization: Bearer.")
    if len(key) > KEY_CHARS_MAX or not key.startswith(KEY_PREFIXES):
        raise Unauthorized("An API key begins with bq_live_ or bq_test_.")
    return key


def presented_token(headers: dict[bytes, bytes], in_query: str | None = None) -> bytes:
    """Return the token that a request carries. Two that differ are none."""
    token = presented_bearer(headers)
    if in_query is not None:
        beside = in_query.encode()
        if token is not None and token != beside:
            raise Unauthorized("Authorization and ?token= carry two different tokens.")
        return beside
    if token is None:
        raise Unauthorized("A token is missing: send Authorization: Bearer.")
    return token


def presented_bearer(headers: dict[bytes, bytes]) -> bytes | None:
    """
    Return what follows `Bearer` in any spelling, or None.

    >>> presented_bearer({b"authorization": b"bearer abc"})
    b'abc'
    """
    credentials = headers.get(b"authorization")
    if credentials is None or credentials[:7].lower() != b"bearer ":
        return None
    return credentials[7:].strip()


def is_named(tenant: str, named: bytes) -> bool:
    """
    Say whether a header names this world: by its own name, or by its tenant's.

    >>> is_named("demo/live", b"demo"), is_named("demo/live", b"demo/test")
    (True, False)
    """
    world = tenant.encode()
    return named in (world, world.partition(b"/")[0])


def address_of(request: Request) -> str:
    """Return the address that a request came from, as far as the server can tell."""
    client = request.scope.get("client")
    return client[0] if client else ""
