"""`laurels queue`: events that could not be decided and were taken out of the queue."""

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import click

from laurels import wiring
from laurels.cli.options import FINDINGS, opened, queue_option, read_settings, store_option
from laurels.cli.secrets_file import is_served
from laurels.engine.queue import LANES, ParkedEntries, ParkedEntry
from laurels.settings import SettingRefused, variable, without_password

LISTED: Final = 100
LISTED_MAX: Final = 10_000
PLACE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,20}-[0-9]{1,20})\Z", re.ASCII)


def _places(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> list[tuple[int, str]]:
    """Read the lane and the id of each entry, as `parked` prints them."""
    places: list[tuple[int, str]] = []
    for text in values:
        found = PLACE.match(text)
        if found is None or int(found[1]) >= LANES:
            raise click.BadParameter(f"{text!r} is none; queue parked prints them, as 7/1700-0.")
        places.append((int(found[1]), found[2]))
    return places


places_argument = click.argument("places", metavar="[ENTRY]...", nargs=-1, callback=_places)


@click.group("queue")
def queue() -> None:
    """Events that were parked: kept, but out of the way of the others."""


@queue.command("parked")
@click.option(
    "--limit",
    type=click.IntRange(1, LISTED_MAX),
    default=LISTED,
    show_default=True,
    help="At most.",
)
@store_option
@queue_option
def list_parked(limit: int, store: str | None, queue: str | None) -> None:
    """List parked events, oldest first, each with its reason; exit 1 if there are any."""
    with _opened(store, queue) as at:
        entries = at.listed(limit)
    for entry in entries:
        click.echo(_line(entry))
    if entries:
        raise SystemExit(FINDINGS)
    click.echo("Nothing is parked.")


@queue.command()
@places_argument
@click.option("--all", "every", is_flag=True, help="All that are parked now.")
@store_option
@queue_option
def requeue(
    *, places: list[tuple[int, str]], every: bool, store: str | None, queue: str | None
) -> None:
    """Have parked events decided again, as they were. None counts twice."""
    if every == bool(places):
        raise click.UsageError("Name entries, or --all.")
    with _opened(store, queue) as at:
        chosen = places or [(entry.lane, entry.id) for entry in at.listed(LISTED_MAX)]
        _do_each(chosen, at.requeue, "Requeued")


@queue.command()
@places_argument
@store_option
@queue_option
def discard(places: list[tuple[int, str]], store: str | None, queue: str | None) -> None:
    """Give parked events up for good. Their keys may be used anew."""
    if not places:
        raise click.UsageError("Name entries; queue parked lists them.")
    with _opened(store, queue) as at:
        _do_each(places, at.discard, "Discarded")


@contextmanager
def _opened(store: str | None, queue: str | None) -> Generator[ParkedEntries]:
    settings = read_settings(store=store, queue=queue).settings
    if settings.queue is None:
        raise SettingRefused(f"Say where the queue is, by --queue or {variable('queue')}.")
    with wiring.parked_entries(settings.queue) as at:
        _check_whose(at.installation(), settings.store, without_password(settings.queue))
        yield at


def _check_whose(theirs: str | None, store: str, queue: str) -> None:
    """Refuse a queue that is not the store's, or nobody's: it is not the one that is meant."""
    if theirs is None:
        raise click.ClickException(
            f"{queue} is nobody's queue: no server and no worker has used it yet. "
            f"Name the one that you mean by --queue or {variable('queue')}."
        )
    if not is_served(store):
        click.echo(f"{queue} is the queue of the installation {theirs}.", err=True)
        return
    with opened(store) as at:
        ours = at.installation()
    if ours != theirs:
        raise click.ClickException(
            f"{queue} is the queue of another installation ({theirs}; the store is that of {ours})."
        )


def _do_each(places: Iterable[tuple[int, str]], do: Callable[[int, str], bool], done: str) -> None:
    missing = False
    for lane, id_ in places:
        was_there = do(lane, id_)
        click.echo(f"{done if was_there else 'Not parked:'} {lane}/{id_}")
        missing = missing or not was_there
    if missing:
        raise SystemExit(FINDINGS)


def _line(entry: ParkedEntry) -> str:
    """
    Show an entry as one line, whatever its sender wrote.

    >>> _line(ParkedEntry(lane=7, id="1-0", reason="no", parked_at=0, raw=b"", event=None))
    '7/1-0  1970-01-01T00:00:00Z  (unreadable)  no'
    """
    at = datetime.fromtimestamp(entry.parked_at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = entry.event
    what = f"{event.id} {event.tenant} {event.participant!r}" if event else "(unreadable)"
    return f"{entry.lane}/{entry.id}  {at}  {what}  {' '.join(entry.reason.split())}"
