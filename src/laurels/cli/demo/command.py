"""`laurels demo`: play a history, say what came of it, and serve the result."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import quote

import click
import msgspec

from laurels import wiring
from laurels.cli import server
from laurels.cli.demo.git import Deed, NoHistory, Repository
from laurels.cli.demo.tally import Tally, counted
from laurels.cli.options import begin, check_database, now, open_or_make, read_settings
from laurels.cli.playing import batches
from laurels.core.event import Event
from laurels.engine.clock import SystemClock
from laurels.engine.engine import Engine
from laurels.engine.registry import Registry
from laurels.settings import Settings

RULEBOOK: Final = "rulebook.yaml"
HISTORY: Final = "history.jsonl"


class Story:
    """Where the demo's deeds come from, and what there is to say about that."""

    def __init__(self, folder: Path) -> None:
        self.dateless = 0
        try:
            self.repository = Repository(folder)
        except NoHistory as reason:
            self.repository = None
            self.count = len(_shipped(HISTORY).splitlines())
            self.told = f"{reason.message} Playing a small history that ships with Laurels."
            return
        self.count = self.repository.count
        commits = counted(self.count, "commit")
        self.told = f"Playing the history of {self.repository.name}: {commits}."
        if self.repository.is_shallow:
            self.told += " This is a shallow clone; what lies further back is not here."

    def deeds(self) -> Iterator[Deed]:
        """Yield the deeds that can be dated, and count the others."""
        for deed in self.repository.deeds() if self.repository else _shipped_deeds():
            if deed is None:
                self.dateless += 1
            else:
                yield deed


@click.command()
@click.option(
    "--git",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The repository to play. [default: the one you are in]",
)
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=int, help="First port to try. [default: 8080]")
@click.option("--store", metavar="URL", help="The store to play into. [default: a new one]")
def demo(folder: Path, **flags: object) -> None:
    """Play a git repository's history through a rulebook, and serve what came of it."""
    with ExitStack() as stack:
        stack.enter_context(server.tidy_on_termination())
        if not flags["store"]:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="laurels-demo-"))
            flags["store"] = f"sqlite:{made}/laurels.db"
        settings = read_settings(**flags).settings
        listener = stack.enter_context(
            closing(server.listen(settings.host, settings.port, or_next=True))
        )
        url = server.url_of(listener)
        check_database(settings, accepts_loss=False)
        store = stack.enter_context(closing(open_or_make(settings)))
        stack.enter_context(wiring.writing(store, f"a demo at {url}"))
        settings, _ = begin(settings, store)
        built = wiring.build(settings, store)
        _apply_rulebook(store.registry, settings.bootstrap_tenant)
        tally = play(built.engine, Story(folder), _world(settings))
        click.echo(f"Try these, in another terminal:\n\n{curls(url, settings, tally)}\n")
        server.run(built, listener, settings, f"Serving on {url} until interrupted (Ctrl-C).")


def play(engine: Engine, story: Story, tenant: str) -> Tally:
    """Hand a story to the engine with a progress bar, and print what came of it."""
    click.echo(story.told)
    tally, clock = Tally(), SystemClock()
    begun = time.perf_counter()
    with click.progressbar(length=story.count, label="Playing", file=sys.stderr) as bar:
        for deeds in batches(story.deeds()):
            commands = to_events(deeds, tenant, clock)
            tally.add(commands, engine.submit(commands))
            bar.update(len(deeds))
    took = time.perf_counter() - begun
    rate = tally.seen / took
    click.echo(
        f"\n{counted(tally.seen, 'event')} in {took:.2f} s: {rate:,.0f} a second, each on disk."
    )
    if story.dateless:
        click.echo(f"{story.dateless:,} skipped: dated before 1900 or after 9998.")
    if tally.duplicates:
        click.echo(f"{tally.duplicates:,} of them were already known and changed nothing.")
    click.echo("\n".join([tally.sums(), "", *tally.board(), ""]))
    return tally


def to_events(deeds: Sequence[Deed], tenant: str, clock: SystemClock) -> list[Event]:
    """Report deeds as a server of the tenant would."""
    received_at, ids = clock.accept(len(deeds))
    return [
        Event(
            tenant=tenant,
            id=id_,
            participant=deed.participant,
            name=deed.name,
            properties=deed.properties,
            properties_json=msgspec.json.encode(deed.properties).decode(),
            occurred_at=deed.at,
            received_at=received_at,
            key=deed.key,
            source="demo",
        )
        for deed, id_ in zip(deeds, ids, strict=True)
    ]


def curls(url: str, settings: Settings, tally: Tally) -> str:
    """Return calls that work as they stand: an event, a history, a leaderboard, a token."""
    leader = next(iter(tally.leaders()), "ada")
    event = {
        "participant_id": leader,
        "event_name": "commit_landed",
        "properties": {"kind": "fix", "files": 1, "insertions": 1, "deletions": 1},
    }
    app = {
        "appId": settings.bootstrap_app_id,
        "appSecret": settings.bootstrap_app_secret,
        "userId": leader,
    }
    key = f"-H 'X-API-Key: {settings.bootstrap_api_key}'"
    history = f"{url}/api/v1/gamify/participants/{quote(leader, safe='')}/events?page_size=3"
    return "\n\n".join(
        [
            f"curl -s {url}/api/v1/ingest/events/sync {key} -d {_quoted(event)}",
            f"curl -s '{history}' {key}",
            f"curl -s '{url}/api/v1/gamify/leaderboards/all_time?limit=3' {key}",
            f"curl -s {url}/v1/auth/token -d {_quoted(app)}",
        ]
    )


def _quoted(body: object) -> str:
    # Plain ASCII, and no quote that a shell would stop at.
    return "'" + json.dumps(body).replace("'", r"\u0027") + "'"


def _apply_rulebook(registry: Registry, tenant: str) -> None:
    # A rulebook that somebody chose for this store stays in force.
    if registry.rulebook_source(wiring.world(tenant, "live")) is None:
        wiring.apply_rulebook(registry, tenant, wiring.WORLDS, _shipped(RULEBOOK), now())


def _world(settings: Settings) -> str:
    env = (settings.bootstrap_api_key or "bq_live").split("_")[1]
    return wiring.world(settings.bootstrap_tenant, env)


def _shipped(name: str) -> str:
    return resources.files("laurels.cli.demo").joinpath(name).read_text("utf-8")


def _shipped_deeds() -> Iterator[Deed | None]:
    for line in _shipped(HISTORY).splitlines():
        event = json.loads(line)
        at = datetime.fromisoformat(event["timestamp"])
        yield Deed(
            participant=event["participant_id"],
            name=event["event_name"],
            properties=event["properties"],
            at=int(at.timestamp()) * 1000,
            key=event["idempotency_key"],
        )
