"""`laurels serve`: take requests until told to stop."""

from contextlib import ExitStack, closing
from socket import socket

import click
from msgspec.structs import replace

from laurels import wiring
from laurels.cli import secrets_file, server
from laurels.cli.options import (
    begin,
    check_queue,
    check_servers,
    read_settings,
    serve_options,
)
from laurels.engine.durability import Durability
from laurels.settings import Settings, variable


@click.command()
@serve_options
def serve(**flags: object) -> None:
    """Serve both APIs until interrupted."""
    settings = read_settings(**flags).settings
    check_queue(settings)
    durability = _check_servers(settings)
    with ExitStack() as stack:
        stack.enter_context(server.tidy_on_termination())
        migrate = settings.migrate == "on"
        store = stack.enter_context(closing(wiring.open_store(settings.store, migrate=migrate)))
        listener = stack.enter_context(closing(_listen(settings, store)))
        url = server.url_of(listener)
        stack.enter_context(wiring.writing(store, f"a server at {url}"))
        settings, new = begin(settings, store)
        if new:
            announce(new, str(secrets_file.place(settings.store)))
        built = wiring.build(settings, store, durability)
        server.run(built, listener, settings, f"Laurels is listening on {url}")


def _check_servers(settings: Settings) -> Durability:
    try:
        return check_servers(settings)
    except wiring.QueueNotReached:
        # It is looked at again before it is used; the store is enough to begin with.
        return check_servers(replace(settings, queue=None))


def _listen(settings: Settings, store: wiring.Store) -> socket:
    try:
        return server.listen(settings.host, settings.port)
    except click.ClickException:
        # Whoever has our port may well be serving our store; then that is the better answer.
        with wiring.writing(store, "a server that could not start"):
            raise


def announce(new: dict[str, str], kept: str) -> None:
    """Print secrets that were just made. Nobody sees them here again."""
    click.echo("First start: these secrets were generated and will not be shown again.")
    click.echo(f"They are kept in {kept}.")
    for name, value in new.items():
        click.echo(f"  {variable(name)}={value}")
