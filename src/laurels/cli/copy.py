"""`laurels copy`: all of one store into another."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import click

from laurels import settings
from laurels.cli import secrets_file
from laurels.cli.server import tidy_on_termination

BAR_STEP_ROWS: Final = 5_000


def _read_url(_context: click.Context, parameter: click.Parameter, text: str) -> str:
    """Refuse what is no URL of a store, without repeating it: there may be a password in it."""
    try:
        url = settings.read({}, {"store": text}).settings.store
        secrets_file.place(url)
    except settings.SettingRefused:
        raise click.BadParameter(
            f"must be {settings.expected('store')}.", param=parameter
        ) from None
    return url


@click.command()
@click.argument("source", callback=_read_url)
@click.argument("target", callback=_read_url)
def copy(source: str, target: str) -> None:
    """
    Copy all of the store SOURCE into TARGET, which must be empty.

    Both are written as sqlite:PATH or postgresql://…. Whatever uses SOURCE must be stopped first.
    """
    # Only whoever moves a store needs the client of PostgreSQL.
    from laurels.wiring.moving import copy_store  # noqa: PLC0415 - a heavy client

    began = time.monotonic()
    with tidy_on_termination():
        copied = copy_store(source, target, _bar)
    took_s = time.monotonic() - began
    click.echo(
        f"Copied {copied.rows:,} rows of {copied.tables} tables in {took_s:.1f} s. Every one was "
        "read back and compared, and everything adds up."
    )
    click.echo(what_to_carry(source, target))


def what_to_carry(source: str, target: str) -> str:
    """Say where the secrets are, without which a server on the copy would take no older token."""
    old, new = secrets_file.place(source).resolve(), secrets_file.place(target).resolve()
    looks = (
        f"which is looked for as {secrets_file.NAME} in the folder that a server is started in"
        if secrets_file.is_served(target)
        else f"which is looked for at {new}"
    )
    if not old.exists():
        return (
            "Tokens and apps stay valid only with the same secrets: there is no file "
            f"{old}, so give the new server the LAURELS_JWT_SECRET and LAURELS_BOOTSTRAP_… that "
            "the old one was given."
        )
    if old == new:
        return f"Tokens and apps stay valid only with the same secrets: keep {old}, {looks}."
    return (
        "Tokens and apps stay valid only with the same secrets: before the first start carry "
        f"{old} over, {looks}; or give the new server its lines as environment variables."
    )


@contextmanager
def _bar(steps: int) -> Generator[Callable[[int], None]]:
    with click.progressbar(
        length=steps, label="Copying", file=sys.stderr, update_min_steps=BAR_STEP_ROWS
    ) as bar:
        yield bar.update
    click.echo("Every row is the same. Checking that everything adds up…", err=True)
