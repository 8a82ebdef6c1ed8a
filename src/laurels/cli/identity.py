"""`laurels tenants`, `apps` and `keys`: who may call."""

import re
import secrets
from datetime import UTC, datetime
from typing import Final

import click

from laurels.api.bricqs.desk import ADMIN_SCOPES
from laurels.cli.options import ENVS, check_tenant, now, opened_registry, store_option
from laurels.core.window import DAY_MS
from laurels.engine.registry import ApiKey, App
from laurels.settings import NAME_FORM, NAME_PATTERN
from laurels.wiring import digest, hint, key_id, world

SCOPES: Final = ("participant", *sorted(ADMIN_SCOPES))


def _name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if not re.match(NAME_PATTERN, value):
        raise click.BadParameter(f"use {NAME_FORM}.")
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
    click.echo(f"Created {name}." if new else f"{name} already exists.")


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
    """Answer each of a tenant's calls with 403."""
    _set_disabled(name, store, disabled=True)
    click.echo(f"Disabled {name}.")


@tenants.command()
@click.argument("name")
@store_option
def enable(name: str, store: str | None) -> None:
    """Accept a tenant's calls again."""
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
            raise click.ClickException(f"An app {name!r} already exists; see laurels apps rotate.")
        secret = secrets.token_hex(32)
        app = App(id=name, tenant=world(tenant, "live"), secret_digest=digest(secret))
        at.put_app(app, now())
    click.echo(f"App {name} of {tenant}. Its secret, which will not be shown again:\n{secret}")


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
    click.echo(f"The new secret of app {name}, which will not be shown again:\n{secret}")


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
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day it works, in UTC.")
@store_option
def create_key(
    *, tenant: str, env: str, scopes: tuple[str, ...], expires: datetime | None, store: str | None
) -> None:
    """Create an API key and print it, once. Only its SHA-256 is stored."""
    kind = "part_" if ADMIN_SCOPES.isdisjoint(scopes) else "admin_"
    secret = f"bq_{env}_{kind}{secrets.token_hex(16)}"
    key = ApiKey(
        id=key_id(secret),
        tenant=world(tenant, env),
        scopes=frozenset(scopes) | {"participant"},
        expires_at=None if expires is None else _end_of(expires),
    )
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        at.put_key(key, digest=digest(secret), hint=hint(secret), at=now())
    click.echo(
        f"Key {key.id} of {key.tenant}. The key itself, which will not be shown again:\n{secret}"
    )


@keys.command("list")
@store_option
def list_keys(store: str | None) -> None:
    """List the keys, each by its first characters."""
    with opened_registry(store) as at:
        for entry in at.keys():  # noqa: SIM118 - no dictionary
            key = entry.key
            marks = [f"expires {_day(key.expires_at)}"] if key.expires_at is not None else []
            marks += ["revoked"] if key.revoked else []
            scopes = ",".join(sorted(key.scopes))
            click.echo("  ".join([key.id, f"{entry.hint}…", key.tenant, scopes, *marks]))


@keys.command()
@click.argument("key")
@store_option
def revoke(key: str, store: str | None) -> None:
    """Refuse a key from now on; KEY is its id, as `keys list` shows it."""
    with opened_registry(store) as at:
        if not at.revoke_key(key):
            raise click.ClickException(f"There is no key {key!r}; see laurels keys list.")
    click.echo(f"Revoked {key}.")


def _end_of(day: datetime) -> int:
    return int(day.replace(tzinfo=UTC).timestamp() * 1000) + DAY_MS


def _day(end: int) -> str:
    return datetime.fromtimestamp((end - 1) / 1000, UTC).date().isoformat()
