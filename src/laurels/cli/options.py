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
from laurels.engine.durability import Durability, judge
from laurels.engine.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])

ENVS: Final = click.Choice(wiring.WORLDS)


def store_option(command: Command) -> Command:
    """Add `--store`."""
    return click.option(
        "--store",
        metavar="URL",
        help="The store, as sqlite:PATH or postgresql://…. "
        "[default: $LAURELS_STORE or sqlite:laurels.db]",
    )(command)


def queue_option(command: Command) -> Command:
    """Add `--queue`."""
    return click.option(
        "--queue", metavar="URL", help="The queue, as redis://…. [default: $LAURELS_QUEUE, or none]"
    )(command)


def queue_options(command: Command) -> Command:
    """Add `--queue`, and what one may have to say about the servers behind both URLs."""
    accept = click.option(
        "--accept-data-loss",
        flag_value="on",
        help="Start even if PostgreSQL or Redis is set up to lose what it was given.",
    )
    return queue_option(accept(command))


def read_settings(**flags: object) -> settings.Reading:
    """Read the settings in force: flags, environment, and the secrets kept beside the store."""
    first = settings.read(os.environ, flags)
    kept = secrets_file.load(first.settings.store)
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
            shown = settings.without_password(url)
            raise click.ClickException(f"{shown} cannot be used: {problem}.") from problem


@contextmanager
def opened_registry(store: str | None, *, must_exist: bool = True) -> Generator[Registry]:
    """Open what operators manage."""
    with opened(store, must_exist=must_exist) as at:
        yield at.registry


def check_queue(in_force: settings.Settings) -> None:
    """Refuse a queue before a store that one process has to itself."""
    if in_force.queue is not None and not secrets_file.is_served(in_force.store):
        raise settings.SettingRefused(
            f"{settings.variable('queue')} needs a store in PostgreSQL; with sqlite: there is "
            "nothing for a queue to do."
        )


def check_servers(in_force: settings.Settings) -> Durability:
    """Refuse servers that would lose what they are given; return how well ours keep it."""
    # A file has no server; then the clock is all that can be wrong.
    is_served = secrets_file.is_served(in_force.store)
    verdict = wiring.judge_servers(in_force, now()) if is_served else judge(now())
    for warning in verdict.warnings:
        click.echo(f"Warning: {warning}", err=True)
    verdict.check(accepts_loss=in_force.accept_data_loss == "on")
    return verdict.durability()


def now() -> int:
    """Return the present moment as the engine's clock tells it."""
    return SystemClock().now()


def check_tenant(registry: Registry, tenant: str) -> None:
    """Refuse a tenant that the store does not know."""
    known = [entry.name for entry in registry.tenants()]
    if tenant not in known:
        have = ", ".join(known) or "none yet"
        raise click.ClickException(f"There is no tenant {tenant!r} in this store ({have}).")
