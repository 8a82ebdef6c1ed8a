"""`laurels import`: events from JSON lines, into a store or into a running server."""

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from typing import Final

import click

from laurels import wiring
from laurels.api.body import json_value
from laurels.api.bricqs import translate
from laurels.cli import sending
from laurels.cli.items import Item, opened
from laurels.cli.lines import Line
from laurels.cli.options import (
    ENVS,
    FINDINGS,
    check_database,
    check_tenant,
    now,
    open_or_make,
    read_settings,
    store_option,
)
from laurels.cli.playing import BATCH_EVENTS, batches
from laurels.cli.server import tidy_on_termination
from laurels.core.errors import InvalidBody, MalformedBody
from laurels.core.event import Event
from laurels.engine.clock import SystemClock
from laurels.engine.engine import Engine
from laurels.engine.ports import Outcome, Receipt

REPORTED_MAX: Final = 1_000
"""Bad lines that are named one by one; the rest are only counted."""


class Summary:
    """What became of the lines, and the bad ones told as they are met."""

    def __init__(self) -> None:
        self.accepted = self.duplicates = self.parked = self.bad = self.keyless = 0

    def report(self, place: str, problem: str) -> None:
        """Count a bad line, and name it unless there have been too many."""
        self.bad += 1
        if self.bad <= REPORTED_MAX:
            click.echo(f"{place}: {problem}", err=True)

    def accept(self, item: Item) -> None:
        """Count an event that is new."""
        self.accepted += 1
        self.keyless += item.part.body.idempotency_key is None

    def told(self) -> str:
        """Return all of it in a sentence, and what is worth knowing besides."""
        text = f"{self.accepted:,} accepted, {self.duplicates:,} already known, {self.bad:,} bad."
        if self.parked:
            text += f"\n{self.parked:,} of those accepted are parked: they would exceed a limit."
        if self.keyless:
            text += f"\n{self.keyless:,} had no key: importing them again counts them again."
        return text


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True))
@store_option
@click.option("--tenant", help="Tenant to import into. [default: the bootstrap tenant]")
@click.option("--env", type=ENVS, default="live", show_default=True)
@click.option("--url", help="A running server to send to, instead of a store.")
@click.option("--key", help="That server's API key, which decides the tenant.")
@click.option(
    "--give-up-after",
    type=click.FloatRange(min=0),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to try one batch on a server that does not take it.",
)
def load(
    *,
    files: tuple[str, ...],
    store: str | None,
    tenant: str | None,
    env: str,
    url: str | None,
    key: str | None,
    give_up_after: float,
) -> None:
    """
    Import events: FILE.jsonl, FILE.jsonl.gz, or - for standard input.

    One event a line, as `/api/v1/ingest/events` takes it. Bad lines are reported and skipped.
    """
    if (url is None) != (key is None) or (url and (store or tenant)):
        raise click.UsageError("Give either --url and --key, or a --store (and --tenant, --env).")
    summary = Summary()
    with tidy_on_termination():
        if url and key:
            _to_server(files, summary, url, key, give_up_after)
        else:
            _to_store(files, summary, store, (tenant, env))
    if summary.bad:
        raise SystemExit(FINDINGS)


def _to_store(
    files: Sequence[str], summary: Summary, url: str | None, world: tuple[str | None, str]
) -> None:
    settings = read_settings(store=url).settings
    tenant, env = world[0] or settings.bootstrap_tenant, world[1]
    check_database(settings, accepts_loss=False)
    with (
        closing(open_or_make(settings, may_make=settings.migrate == "on")) as store,
        wiring.writing(store, "an import"),
    ):
        if tenant == settings.bootstrap_tenant:
            store.registry.create_tenant(tenant, now())
        else:
            check_tenant(store.registry, tenant)
        if store.registry.rulebook_source(wiring.world(tenant, env)) is None:
            click.echo("No rulebook is in force: these events will earn nothing.", err=True)
        engine, clock = wiring.engine_of(store), SystemClock()
        with _telling(summary), opened(files, summary.report) as items:
            for batch in batches(items):
                _submit(batch, engine, clock, wiring.world(tenant, env), summary)


def _submit(
    items: Sequence[Item], engine: Engine, clock: SystemClock, world: str, summary: Summary
) -> None:
    received_at, ids = clock.accept(len(items))
    arrival = translate.Arrival(world, received_at, iter(ids))
    pairs = [
        (item, event) for item in items if (event := _event(item, arrival, summary)) is not None
    ]
    if pairs:
        sound, events = zip(*pairs, strict=True)
        _count(sound, engine.submit(events), summary)


def _event(item: Item, arrival: translate.Arrival, summary: Summary) -> Event | None:
    try:
        return translate.from_event_body(item.part, arrival)
    except InvalidBody as problem:
        summary.report(item.line.place, problem.message)
        return None


def _count(items: Sequence[Item], outcomes: Sequence[Outcome], summary: Summary) -> None:
    for item, outcome in zip(items, outcomes, strict=True):
        if not isinstance(outcome, Receipt):
            summary.report(item.line.place, outcome.message)
        elif outcome.duplicate:
            summary.duplicates += 1
        else:
            summary.accept(item)
            summary.parked += outcome.parked is not None


def _to_server(
    files: Sequence[str], summary: Summary, url: str, key: str, give_up_after_s: float
) -> None:
    server = sending.Server(
        url,
        key,
        give_up_after_s=give_up_after_s,
        warn=lambda warning: click.echo(f"\n{warning}", err=True),
    )
    with _telling(summary), opened(files, summary.report) as items:
        shallow = (item for item in items if _fits_in_batch(item.line, summary))
        for batch in sending.batches(shallow, BATCH_EVENTS):
            for item, row in zip(batch, server.send(batch), strict=True):
                match row.status:
                    case "accepted":
                        summary.accept(item)
                    case "duplicate":
                        summary.duplicates += 1
                    case _:
                        summary.report(item.line.place, row.error or row.status)


@contextmanager
def _telling(summary: Summary) -> Generator[None]:
    """Say what was done, also when it ends early: whoever starts again wants to know."""
    try:
        yield
    finally:
        click.echo(summary.told())


def _fits_in_batch(line: Line, summary: Summary) -> bool:
    # In a batch the event stands two levels deeper, and one that is too deep would sink them all.
    try:
        json_value(sending.BEFORE + line.text + sending.AFTER)
    except MalformedBody as problem:
        summary.report(line.place, problem.message)
        return False
    return True
