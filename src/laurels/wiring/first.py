"""What a store has from the first start on: a tenant, its app, its key, its rulebook."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from laurels.core.errors import LaurelsError
from laurels.core.event import Instant, TenantId
from laurels.engine.registry import ApiKey, App, Registry
from laurels.engine.rulebook_text import load_rulebook
from laurels.settings import Settings

WORLDS: Final = ("live", "test")
ADMIN_SCOPES: Final = frozenset({"admin", "participant"})


def world(tenant: str, env: str) -> TenantId:
    """Name one of the two worlds of a tenant."""
    return f"{tenant}/{env}"


def digest(secret: str) -> bytes:
    """Return what we keep of a secret."""
    return sha256(secret.encode()).digest()


def key_id(secret: str) -> str:
    """Return the id of an API key. It follows from the key, so a revoked one stays revoked."""
    return f"key_{digest(secret).hex()[:16]}"


def is_new(registry: Registry) -> bool:
    """Whether nobody can have started on a store yet: the first start makes an app and a key."""
    return not registry.apps() and not registry.keys()


def bootstrap(registry: Registry, settings: Settings, at: Instant) -> None:
    """Make the first tenant, its app and its key, and put the rulebook in force; repeatable."""
    tenant = settings.bootstrap_tenant
    registry.create_tenant(tenant, at)
    if secret := settings.bootstrap_app_secret:
        live = world(tenant, "live")
        app = App(id=settings.bootstrap_app_id, tenant=live, secret_digest=digest(secret))
        if app not in registry.apps():
            registry.put_app(app, at)
    if secret := settings.bootstrap_api_key:
        put_bootstrap_key(registry, tenant, secret, at)
    if settings.rulebook:
        apply_rulebook(registry, tenant, WORLDS, read_rulebook(settings.rulebook), at)


def put_bootstrap_key(registry: Registry, tenant: str, secret: str, at: Instant) -> None:
    """Store the key unless it is there."""
    id_ = key_id(secret)
    if any(entry.key.id == id_ for entry in registry.keys()):  # noqa: SIM118 - no dictionary
        return
    env = secret.split("_")[1]
    key = ApiKey(id=id_, tenant=world(tenant, env), scopes=ADMIN_SCOPES)
    registry.put_key(key, digest=digest(secret), hint=hint(secret), at=at)


def hint(secret: str) -> str:
    """
    Return how a key begins: its kind, and four characters to tell it from others.

    >>> hint("bq_live_admin_0123456789abcdef0123456789abcdef")
    'bq_live_admin_0123'
    """
    kind, _, random = secret.rpartition("_")
    return f"{kind}_{random[:4]}"


def read_rulebook(file: str | Path) -> str:
    """Return a rulebook's text once it is known to be sound."""
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LaurelsError(f"The rulebook {file} cannot be read: {problem}.") from problem
    load_rulebook(text)
    return text


def apply_rulebook(
    registry: Registry, tenant: str, envs: tuple[str, ...], text: str, at: Instant
) -> dict[TenantId, int]:
    """Put a sound rulebook in force, and return the version that it has in each world."""
    return {world(tenant, env): registry.put_rulebook(world(tenant, env), text, at) for env in envs}
