"""`laurels verify`, `migrate` and `config`: whether everything is as it should be."""

from contextlib import closing

import click

from laurels import settings, wiring
from laurels.cli.options import (
    FINDINGS,
    check_database,
    opened,
    read_settings,
    serve_options,
    store_option,
)


@click.command()
@store_option
def verify(store: str | None) -> None:
    """Recompute what can be recomputed; may run beside a server. Exit 1 if anything is off."""
    count = 0
    with opened(store) as at:
        for finding in at.verify():
            click.echo(finding)
            count += 1
    if count:
        click.echo(f"{count} finding{'s' if count > 1 else ''}.", err=True)
        raise SystemExit(FINDINGS)
    click.echo("Clean: everything adds up.")


@click.command()
@store_option
def migrate(store: str | None) -> None:
    """Bring a store's schema up to date, or make a new store."""
    in_force = read_settings(store=store).settings
    check_database(in_force)
    with closing(wiring.open_store(in_force.store, migrate=True)):
        click.echo(f"{settings.without_password(in_force.store)} is up to date.")


@click.command()
@serve_options
def config(**flags: object) -> None:
    """Print every setting that a server would have with these flags, and where it came from."""
    reading = read_settings(**flags)
    for name in reading.sources:
        variable = settings.variable(name)
        click.echo(f"{variable}={settings.shown(reading, name)}  ({reading.sources[name]})")
