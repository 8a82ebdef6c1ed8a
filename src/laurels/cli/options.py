"""Options that several commands share, and the settings and stores that follow from them."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar

import click
import msgspec

from laurels import settings, wiring
from laurels.cli import secrets_file
from laurels.engine.clock import SystemClock
from laurels.engine.durability import Durability, judge
from laurels.engine.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])

ENVS: Final = click.Choice(wiring.WORLDS)
FINDINGS: Final = 1
"""How a command ends that has found something."""


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


def serve_options(command: Command) -> Command:
    """Add every setting of a server that has a flag."""
    for add in (
        click.option(
            "--rulebook", metavar="FILE", help="Rulebook to apply before the first request."
        ),
        queue_options,
        store_option,
        click.option(
            "--port", type=int, help="Port to listen on; 0 takes a free one. [default: 8080]"
        ),
        click.option("--host", help="Address to listen on. [default: 127.0.0.1]"),
    ):
        command = add(command)
    return command


def read_settings(**flags: object) -> settings.Reading:
    """Read the settings in force: flags, environment, and the secrets kept beside the store."""
    first = settings.read(os.environ, flags)
    kept = secrets_file.load(first.settings.store)
    return settings.read(os.environ, flags, kept)


@contextmanager
def opened(store: str | None, *, must_exist: bool = True) -> Generator[wiring.Store]:
    """Open a store for a short command, which may run beside a server."""
    in_force = read_settings(store=store).settings
    url = in_force.store
    with closing(_open(in_force, must_exist=must_exist)) as at:
        try:
            yield at
        except sqlite3.Error as problem:
            shown = settings.without_password(url)
            raise click.ClickException(f"{shown} cannot be used: {problem}.") from problem


def _open(in_force: settings.Settings, *, must_exist: bool) -> wiring.Store:
    if must_exist:
        return wiring.open_store(in_force.store, migrate=False, must_exist=True)
    return open_or_make(in_force, may_make=in_force.migrate == "on")


def open_or_make(in_force: settings.Settings, *, may_make: bool = True) -> wiring.Store:
    """
    Open a store, or make one where there is none.

    The schema of one that is there stays as it is: older servers may be using it.
    """
    if not may_make or wiring.is_there(in_force.store):
        return wiring.open_store(in_force.store, migrate=False)
    check_database(in_force)
    return wiring.open_store(in_force.store)


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


def check_database(in_force: settings.Settings, *, accepts_loss: bool = True) -> None:
    """Refuse a database in which a schema of ours would be wrong, whatever else it is."""
    alone = msgspec.structs.replace(in_force, queue=None)
    if secrets_file.is_served(in_force.store):
        accepts_loss = accepts_loss or in_force.accept_data_loss == "on"
        wiring.judge_servers(alone, now()).check(accepts_loss=accepts_loss)


def begin(
    in_force: settings.Settings, store: wiring.Store
) -> tuple[settings.Settings, dict[str, str]]:
    """
    See to it that a store has what it has from the first start on.

    Return the settings with their secrets, and those that were made up just now.
    """
    registry, is_served = store.registry, secrets_file.is_served(in_force.store)
    with wiring.first_alone(in_force.store):
        may_make = not is_served or wiring.is_new(registry)
        complete, new = secrets_file.complete(in_force, may_make=may_make)
        wiring.bootstrap(registry, complete, now())
    return complete, new


def now() -> int:
    """Return the present moment as the engine's clock tells it."""
    return SystemClock().now()


def check_tenant(registry: Registry, tenant: str) -> None:
    """Refuse a tenant that the store does not know."""
    known = [entry.name for entry in registry.tenants()]
    if tenant not in known:
        have = ", ".join(known) or "none yet"
        raise click.ClickException(f"There is no tenant {tenant!r} in this store ({have}).")
