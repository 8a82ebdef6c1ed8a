"""`laurels rulebook`: look at a rulebook before it decides anything, then put it in force."""

from collections.abc import Iterator, Mapping
from typing import Final

import click
import msgspec

from laurels import wiring
from laurels.api import instant
from laurels.cli.options import (
    FINDINGS,
    check_tenant,
    now,
    opened_registry,
    read_settings,
    store_option,
)
from laurels.core.rulebook import Rulebook
from laurels.engine.rulebook_text import load_rulebook

PLAIN: Final = ("timezone", "week_starts", "currencies", "lifetimes_days")
"""Fields of a rulebook whose values are short enough to be shown."""
SECTIONS: Final = {
    "earn": "earn rules",
    "badges": "badges",
    "campaigns": "campaigns",
    "challenges": "challenges",
    "streaks": "streaks",
    "leaderboards": "leaderboards",
    "contests": "contests",
    "offers": "rewards",
    "tiers": "tiers",
    "webhooks": "webhooks",
    "incidents": "incidents",
}
"""All other fields, and what their parts are called."""
tenant_option = click.option(
    "--tenant", help="The tenant that the rulebook is for. [default: the bootstrap tenant]"
)
env_option = click.option(
    "--env",
    type=click.Choice([*wiring.WORLDS, "both"]),
    default="both",
    show_default=True,
    help="The world of the tenant.",
)


@click.group()
def rulebook() -> None:
    """Check, compare and apply rulebooks."""


@rulebook.command()
@click.argument("file", type=click.Path())
def check(file: str) -> None:
    """Say whether a rulebook is sound, and where it is not."""
    book = load_rulebook(wiring.read_rulebook(file))
    counted = [_counted(len(parts), kind) for kind, parts in sections(book).items() if parts]
    click.echo(f"{file} is sound" + (f": {', '.join(counted)}." if counted else ", and empty."))


@rulebook.command()
@click.argument("file", type=click.Path())
@tenant_option
@env_option
@store_option
def plan(file: str, tenant: str | None, env: str, store: str | None) -> None:
    """Say what applying a rulebook would change; exit 1 if it would change anything."""
    text = wiring.read_rulebook(file)
    tenant = tenant or _bootstrap_tenant(store)
    lines: list[str] = []
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        for env_ in _envs(env):
            world = wiring.world(tenant, env_)
            version, old = at.rulebook_source(world) or (0, "{}")
            if version and old == text:
                continue
            changes = list(differences(old, text)) or ["  the text alone differs"]
            lines += [f"{world}, version {version} to {version + 1}:", *changes]
    click.echo("\n".join(lines) if lines else "Nothing would change.")
    if lines:
        raise SystemExit(FINDINGS)


@rulebook.command("apply")
@click.argument("file", type=click.Path())
@tenant_option
@env_option
@store_option
def apply_file(file: str, tenant: str | None, env: str, store: str | None) -> None:
    """Put a rulebook in force. What was decided before stays as it was decided."""
    text = wiring.read_rulebook(file)
    tenant = tenant or _bootstrap_tenant(store)
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        for world, version in wiring.apply_rulebook(at, tenant, _envs(env), text, now()).items():
            click.echo(f"{world} is at version {version}.")


def sections(book: Rulebook) -> dict[str, Mapping[str, object]]:
    """Return the parts of a rulebook by kind and id."""
    return {kind: _parts(book, field) for field, kind in SECTIONS.items()}


def _parts(book: Rulebook, field: str) -> Mapping[str, object]:
    if field == "tiers":
        # Each with what is said of all of them, since that changes what it takes to reach it.
        ladder = book.tiers
        shared = ladder and msgspec.structs.replace(ladder, levels=())
        return {level.id: (level, shared) for level in (ladder.levels if ladder else ())}
    if field == "incidents":
        to_text = instant.to_text
        return {f"{to_text(one.starts)} to {to_text(one.ends)}": one for one in book.incidents}
    return {part.id: part for part in getattr(book, field)}


def differences(old: str, new: str) -> Iterator[str]:
    """Yield a line for each part that is new, gone or other than it was."""
    before, after = load_rulebook(old), load_rulebook(new)
    for name in PLAIN:
        if getattr(before, name) != getattr(after, name):
            yield f"  ~ {name}: {getattr(before, name)} to {getattr(after, name)}"
    was, will_be = sections(before), sections(after)
    for kind, parts in will_be.items():
        for part in sorted(was[kind].keys() | parts.keys()):
            if mark := _mark(was[kind].get(part), parts.get(part)):
                yield f"  {mark} {kind}: {part}"


def _mark(before: object, after: object) -> str:
    if before == after:
        return ""
    return "+" if before is None else "-" if after is None else "~"


def _counted(count: int, kind: str) -> str:
    return f"{count} {kind if count != 1 else kind.removesuffix('s')}"


def _bootstrap_tenant(store: str | None) -> str:
    return read_settings(store=store).settings.bootstrap_tenant


def _envs(env: str) -> tuple[str, ...]:
    return wiring.WORLDS if env == "both" else (env,)
