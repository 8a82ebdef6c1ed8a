"""What operators manage: tenants, apps, keys and rulebooks. Short writes, one at a time."""

from collections.abc import Callable, Sequence

from laurels.core.event import Instant, TenantId
from laurels.engine.registry import ApiKey, App, KeyEntry, Tenant
from laurels.engine.rulebook_text import load_rulebook
from laurels.store.hand import Connections


class SqlRegistry:
    """
    The identity of callers, and the rulebooks in force.

    `changed` is called after each write, since the writer's own changes do not move the file's
    `data_version` for itself; a server in another process notices by that.
    """

    def __init__(self, connections: Connections, changed: Callable[[], None]) -> None:
        self._connections = connections
        self._changed = changed

    def create_tenant(self, name: str, at: Instant) -> bool:
        return self._write("create_tenant", name, at) > 0

    def tenants(self) -> list[Tenant]:
        return [
            Tenant(name, bool(disabled)) for name, disabled in self._connections.read("all_tenants")
        ]

    def set_disabled(self, name: str, *, disabled: bool) -> bool:
        return self._write("set_disabled", int(disabled), name) > 0

    def is_disabled(self, tenant: TenantId) -> bool:
        return any(disabled for (disabled,) in self._connections.read("is_disabled", tenant))

    def put_app(self, app: App, at: Instant) -> None:
        self._write("put_app", app.id, app.tenant, app.secret_digest, at)

    def find_app(self, app: str) -> App | None:
        return next(map(_to_app, self._connections.read("find_app", app)), None)

    def apps(self) -> list[App]:
        return [_to_app(row) for row in self._connections.read("all_apps")]

    def put_key(self, key: ApiKey, *, digest: bytes, hint: str, at: Instant) -> None:
        scopes = " ".join(sorted(key.scopes))
        self._write("put_key", digest, key.id, key.tenant, scopes, hint, key.expires_at, at)

    def find_key(self, digest: bytes) -> ApiKey | None:
        return next(map(_to_key, self._connections.read("find_key", digest)), None)

    def keys(self) -> list[KeyEntry]:
        rows = self._connections.read("all_keys")
        return [KeyEntry(_to_key(row[:-2]), *row[-2:]) for row in rows]

    def revoke_key(self, key_id: str) -> bool:
        return self._write("revoke_key", key_id) > 0

    def put_rulebook(self, tenant: TenantId, source: str, at: Instant) -> int:
        rulebook = load_rulebook(source)
        with self._connections.writing() as writer:
            writer.lock(f"rulebooks of {tenant}")
            in_force = writer.run("rulebook_in_force", tenant).fetchone()
            if in_force is not None and in_force[1] == source:
                return in_force[0]
            version = 1 if in_force is None else in_force[0] + 1
            writer.run("insert_rulebook", tenant, version, rulebook.currencies[0], source, at)
        self._changed()
        return version

    def rulebook_source(self, tenant: TenantId) -> tuple[int, str] | None:
        return next(iter(self._connections.read("rulebook_in_force", tenant)), None)

    def put_codes(self, tenant: TenantId, offer: str, codes: Sequence[str], at: Instant) -> int:
        """Append codes to an offer's pool, leave out those it has, and return how many are new."""
        with self._connections.writing() as writer:
            writer.lock(f"codes of {offer} of {tenant}")
            (first,) = writer.run("last_code", tenant, offer).fetchone()
            last = first
            for code in codes:
                last += writer.run("put_code", tenant, offer, last + 1, code, at).rowcount
        return last - first

    def _write(self, name: str, *values: object) -> int:
        """Run one statement and say how many rows it wrote."""
        with self._connections.writing() as writer:
            return writer.run(name, *values).rowcount


def _to_app(row: tuple[str, TenantId, bytes, int]) -> App:
    app, tenant, digest, disabled = row
    return App(id=app, tenant=tenant, secret_digest=digest, tenant_disabled=bool(disabled))


def _to_key(row: tuple[str, TenantId, str, Instant | None, int, int]) -> ApiKey:
    key, tenant, scopes, expires_at, revoked, disabled = row
    return ApiKey(
        id=key,
        tenant=tenant,
        scopes=frozenset(scopes.split()),
        expires_at=expires_at,
        revoked=bool(revoked),
        tenant_disabled=bool(disabled),
    )
