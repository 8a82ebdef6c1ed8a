"""Options that several commands share, and the settings and stores that follow from them."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar

import click

from laurels import settings, wiring
from laurels.cli import secrets_file
from laurels.engine.clock import SystemClock
from laurels.engine.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])

ENVS: Final = click.Choice(wiring.WORLDS)


def store_option(command: Command) -> Command:
    """Add `--store`."""
    return click.option(
        "--store",
        metavar="URL",
        help="The store, as sqlite:PATH. [default: $LAURELS_STORE or sqlite:laurels.db]",
    )(command)


def read_settings(**flags: object) -> settings.Reading:
    """Read the settings in force: flags, environment, and the secrets kept beside the store."""
    first = settings.read(os.environ, flags)
    kept = secrets_file.load(wiring.store_path(first.settings.store))
    return settings.read(os.environ, flags, kept)


@contextmanager
def opened(store: str | None, *, must_exist: bool = True) -> Generator[wiring.Store]:
    """Open a store for a short command, which may run beside a server."""
    in_force = read_settings(store=store).settings
    migrate = in_force.migrate == "on"
    url = in_force.store
    with closing(wiring.open_store(url, migrate=migrate, must_exist=must_exist)) as at:
        try:
            yield at
        except sqlite3.Error as problem:
            raise click.ClickException(f"{url} cannot be used: {problem}.") from problem


@contextmanager
def opened_registry(store: str | None, *, must_exist: bool = True) -> Generator[Registry]:
    """Open what operators manage."""
    with opened(store, must_exist=must_exist) as at:
        yield at.registry


def now() -> int:
    """Return the present moment as the engine's clock tells it."""
    return SystemClock().now()


def check_tenant(registry: Registry, tenant: str) -> None:
    """Refuse a tenant that the store does not know."""
    known = [entry.name for entry in registry.tenants()]
    if tenant not in known:
        have = ", ".join(known) or "none yet"
        raise click.ClickException(f"There is no tenant {tenant!r} in this store ({have}).")
