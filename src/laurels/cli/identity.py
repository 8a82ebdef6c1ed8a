"""`laurels tenants`, `apps` and `keys`: who may call."""

import re
import secrets
from datetime import UTC, datetime
from typing import Final

import click

from laurels.cli.options import ENVS, check_tenant, now, opened_registry, store_option
from laurels.engine.registry import ApiKey, App
from laurels.wiring import digest, hint, world

SCOPES: Final = ("participant", "admin", "read:pii")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def _name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if not NAME.match(value):
        raise click.BadParameter("use 1 to 64 characters out of a-z 0-9 - and _.")
    return value


@click.group()
def tenants() -> None:
    """Customers of the server; each has a live and a test world."""


@tenants.command("create")
@click.argument("name", callback=_name)
@store_option
def create_tenant(name: str, store: str | None) -> None:
    """Create a tenant, and the store if there is none yet."""
    with opened_registry(store, must_exist=False) as at:
        new = at.create_tenant(name, now())
    click.echo(f"Created {name}." if new else f"{name} is there already.")


@tenants.command("list")
@store_option
def list_tenants(store: str | None) -> None:
    """List the tenants."""
    with opened_registry(store) as at:
        for tenant in at.tenants():
            click.echo(f"{tenant.name}{'  disabled' if tenant.disabled else ''}")


@tenants.command()
@click.argument("name")
@store_option
def disable(name: str, store: str | None) -> None:
    """Answer every call of a tenant with 403."""
    _set_disabled(name, store, disabled=True)
    click.echo(f"Disabled {name}.")


@tenants.command()
@click.argument("name")
@store_option
def enable(name: str, store: str | None) -> None:
    """Take calls of a tenant again."""
    _set_disabled(name, store, disabled=False)
    click.echo(f"Enabled {name}.")


def _set_disabled(name: str, store: str | None, *, disabled: bool) -> None:
    with opened_registry(store) as at:
        if not at.set_disabled(name, disabled=disabled):
            check_tenant(at, name)


@click.group()
def apps() -> None:
    """Apps mint tokens for people, in their tenant's live world."""


@apps.command("create")
@click.argument("name", callback=_name)
@click.option("--tenant", required=True, help="The tenant that the app belongs to.")
@store_option
def create_app(name: str, tenant: str, store: str | None) -> None:
    """Create an app and print its secret, once."""
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        if any(app.id == name for app in at.apps()):
            raise click.ClickException(f"There is an app {name!r} already; see apps rotate.")
        secret = secrets.token_hex(32)
        app = App(id=name, tenant=world(tenant, "live"), secret_digest=digest(secret))
        at.put_app(app, now())
    click.echo(f"App {name} of {tenant}. Its secret, printed only now:\n{secret}")


@apps.command("list")
@store_option
def list_apps(store: str | None) -> None:
    """List the apps."""
    with opened_registry(store) as at:
        for app in at.apps():
            click.echo(f"{app.id}  {app.tenant}")


@apps.command()
@click.argument("name")
@store_option
def rotate(name: str, store: str | None) -> None:
    """Give an app a new secret; the old one stops working within a second."""
    with opened_registry(store) as at:
        tenant = next((app.tenant for app in at.apps() if app.id == name), None)
        if tenant is None:
            raise click.ClickException(f"There is no app {name!r}.")
        secret = secrets.token_hex(32)
        at.put_app(App(id=name, tenant=tenant, secret_digest=digest(secret)), now())
    click.echo(f"The new secret of app {name}, printed only now:\n{secret}")


@click.group()
def keys() -> None:
    """API keys of servers."""


@keys.command("create")
@click.option("--tenant", required=True, help="The tenant that the key speaks for.")
@click.option("--env", type=ENVS, default="live", show_default=True)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("participant",),
    help="What the key may do; may be repeated. [default: participant]",
)
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day, UTC.")
@store_option
def create_key(
    *, tenant: str, env: str, scopes: tuple[str, ...], expires: datetime | None, store: str | None
) -> None:
    """Create an API key and print it, once. Only its SHA-256 is stored."""
    kind = "admin_" if "admin" in scopes else "part_" if scopes == ("participant",) else ""
    secret = f"bq_{env}_{kind}{secrets.token_hex(16)}"
    key = ApiKey(
        id=f"key_{digest(secret).hex()[:16]}",
        tenant=world(tenant, env),
        scopes=frozenset(scopes) | {"participant"},
        expires_at=None if expires is None else _end_of(expires),
    )
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        at.put_key(key, digest=digest(secret), hint=hint(secret), at=now())
    click.echo(f"Key {key.id} of {key.tenant}. The key itself, printed only now:\n{secret}")


@keys.command("list")
@store_option
def list_keys(store: str | None) -> None:
    """List the keys by how they begin."""
    with opened_registry(store) as at:
        for entry in at.keys():  # noqa: SIM118 - no dictionary
            key = entry.key
            marks = [f"expires {_day(key.expires_at)}"] if key.expires_at is not None else []
            marks += ["revoked"] if key.revoked else []
            scopes = ",".join(sorted(key.scopes))
            click.echo("  ".join([key.id, f"{entry.hint}…", key.tenant, scopes, *marks]))


@keys.command()
@click.argument("key_id")
@store_option
def revoke(key_id: str, store: str | None) -> None:
    """Refuse a key from now on."""
    with opened_registry(store) as at:
        if not at.revoke_key(key_id):
            raise click.ClickException(f"There is no key {key_id!r}; see keys list.")
    click.echo(f"Revoked {key_id}.")


def _end_of(day: datetime) -> int:
    return int(day.replace(tzinfo=UTC).timestamp() * 1000) + 24 * 60 * 60 * 1000


def _day(end: int) -> str:
    return datetime.fromtimestamp((end - 1) / 1000, UTC).date().isoformat()
