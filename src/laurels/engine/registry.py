"""Who may call, and what operators manage: tenants, apps, keys and rulebooks, as a port."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from laurels.core.event import Instant, TenantId


class ApiKey(Struct, frozen=True, kw_only=True):
    """Who an API key speaks for. The key itself is known only by its SHA-256."""

    id: str
    tenant: TenantId
    scopes: frozenset[str]
    expires_at: Instant | None = None
    revoked: bool = False
    tenant_disabled: bool = False


class App(Struct, frozen=True, kw_only=True):
    """An app mints tokens for its tenant's live world."""

    id: str
    tenant: TenantId
    secret_digest: bytes
    tenant_disabled: bool = False


class Identity(Protocol):
    """Who may call. Read by the edge, which caches what it learns for a second."""

    def find_key(self, digest: bytes) -> ApiKey | None: ...
    def find_app(self, app: str) -> App | None: ...
    def is_disabled(self, tenant: TenantId) -> bool: ...


class Tenant(Struct, frozen=True):
    """A customer of the server. Its worlds are the tenants `<name>/live` and `<name>/test`."""

    name: str
    disabled: bool = False


class KeyEntry(Struct, frozen=True):
    """A stored key as an operator sees it: never the key itself."""

    key: ApiKey
    hint: str
    """How the key begins, enough to recognise it."""
    created_at: Instant


class Registry(Protocol):
    """What operators manage: tenants, apps, keys and rulebooks. Short writes, one at a time."""

    def create_tenant(self, name: str, at: Instant) -> bool:
        """Say whether it is new."""
        ...

    def tenants(self) -> list[Tenant]: ...
    def set_disabled(self, name: str, *, disabled: bool) -> bool:
        """Say whether there is such a tenant."""
        ...

    def put_app(self, app: App, at: Instant) -> None:
        """Create the app, or give it a new secret."""
        ...

    def apps(self) -> list[App]: ...
    def put_key(self, key: ApiKey, *, digest: bytes, hint: str, at: Instant) -> None: ...
    def keys(self) -> list[KeyEntry]: ...
    def revoke_key(self, key_id: str) -> bool:
        """Say whether there is such a key."""
        ...

    def put_rulebook(self, tenant: TenantId, source: str, at: Instant) -> int:
        """Make `source` the rulebook in force; return its version, the old one if unchanged."""
        ...

    def put_codes(self, tenant: TenantId, offer: str, codes: Sequence[str], at: Instant) -> int:
        """Append codes to an offer's pool, leave out those it has, and return how many are new."""
        ...

    def rulebook_source(self, tenant: TenantId) -> tuple[int, str] | None:
        """Return the version in force and its text as it was applied."""
        ...
