"""`laurels rulebook`: look at a rulebook before it decides anything, then put it in force."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from laurels import wiring
from laurels.cli.options import check_tenant, now, opened_registry, store_option
from laurels.core.rulebook import Rulebook
from laurels.engine.rulebook_text import load_rulebook

FINDINGS = 1
tenant_option = click.option("--tenant", default="demo", show_default=True)
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
    counted = ", ".join(f"{len(rules)} {kind}" for kind, rules in sections(book).items())
    click.echo(f"{file} is sound: {counted}.")


@rulebook.command()
@click.argument("file", type=click.Path())
@tenant_option
@env_option
@store_option
def plan(file: str, tenant: str, env: str, store: str | None) -> None:
    """Say what applying a rulebook would change; exit 1 if it would change anything."""
    text = wiring.read_rulebook(file)
    lines: list[str] = []
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        for env_ in _envs(env):
            world = wiring.world(tenant, env_)
            version, old = at.rulebook_source(world) or (0, "{}")
            changes = [] if old == text else list(differences(old, text))
            lines += [f"{world}, version {version} to {version + 1}:", *changes] if changes else []
    click.echo("\n".join(lines) if lines else "Nothing would change.")
    if lines:
        raise SystemExit(FINDINGS)


@rulebook.command("apply")
@click.argument("file", type=click.Path())
@tenant_option
@env_option
@store_option
def apply_file(file: str, tenant: str, env: str, store: str | None) -> None:
    """Put a rulebook in force. What was decided before stays as it was decided."""
    text = wiring.read_rulebook(file)
    with opened_registry(store) as at:
        check_tenant(at, tenant)
        for world, version in wiring.apply_rulebook(at, tenant, _envs(env), text, now()).items():
            click.echo(f"{world} is at version {version}.")


def sections(book: Rulebook) -> dict[str, Mapping[str, Any]]:
    """Return the rules of a rulebook by kind and id."""
    return {
        "earn rules": {rule.id: rule for rule in book.earn},
        "badges": {badge.id: badge for badge in book.badges},
        "challenges": {challenge.id: challenge for challenge in book.challenges},
    }


def differences(old: str, new: str) -> Iterator[str]:
    """Yield a line for each rule that is new, gone or other than it was."""
    before, after = load_rulebook(old), load_rulebook(new)
    for name in ("timezone", "week_starts", "currencies"):
        if getattr(before, name) != getattr(after, name):
            yield f"  ~ {name}: {getattr(before, name)} to {getattr(after, name)}"
    was, will_be = sections(before), sections(after)
    for kind, rules in will_be.items():
        for rule in sorted(was[kind].keys() | rules.keys()):
            if mark := _mark(was[kind].get(rule), rules.get(rule)):
                yield f"  {mark} {kind}: {rule}"


def _mark(before: object, after: object) -> str:
    if before == after:
        return ""
    return "+" if before is None else "-" if after is None else "~"


def _envs(env: str) -> tuple[str, ...]:
    return wiring.WORLDS if env == "both" else (env,)
