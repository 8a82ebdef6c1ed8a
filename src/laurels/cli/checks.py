"""`laurels verify`, `migrate` and `config`: whether everything is as it should be."""

from contextlib import closing

import click

from laurels import settings, wiring
from laurels.cli.options import opened, read_settings, store_option

FINDINGS = 1


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
    url = read_settings(store=store).settings.store
    with closing(wiring.open_store(url, migrate=True)):
        click.echo(f"{settings.without_password(url)} is up to date.")


@click.command()
@store_option
def config(store: str | None) -> None:
    """Print every setting in force, and where it came from."""
    reading = read_settings(store=store)
    for name in reading.sources:
        variable = settings.variable(name)
        click.echo(f"{variable}={settings.shown(reading, name)}  ({reading.sources[name]})")
