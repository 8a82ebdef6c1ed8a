"""`laurels codes`: the codes that rewards of the catalogue give out."""

from typing import Final

import click

from laurels import wiring
from laurels.api.bricqs.rewards import NO_CODES
from laurels.cli.lines import Source
from laurels.cli.options import ENVS, check_tenant, now, opened, store_option
from laurels.core.limits import CODE_CHARS_MAX, CODES_MAX
from laurels.core.shared import UNTOUCHED_POOL

REPORTED_MAX: Final = 20
"""Bad lines that are named; the rest are only counted."""


@click.group()
def codes() -> None:
    """Codes that rewards of the catalogue give out."""


@codes.command()
@click.argument("reward")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--tenant", required=True, help="The tenant that the reward belongs to.")
@click.option("--env", type=ENVS, default="live", show_default=True)
@store_option
def upload(*, reward: str, file: str, tenant: str, env: str, store: str | None) -> None:
    """
    Add codes to a reward: one a line, in a file or, with -, on standard input.

    They are given out in this order. A code that is already there stays where it is.
    """
    found = read_codes(file)
    world = wiring.world(tenant, env)
    with opened(store) as at:
        check_tenant(at.registry, tenant)
        offer = at.queries.rulebook(world).offers.get(reward)
        if offer is None:
            raise click.ClickException(f"The rulebook of {world} has no reward {reward!r}.")
        if not offer.codes:
            raise click.ClickException(NO_CODES)
        # So many at once, that a server beside us never waits long for its turn to write.
        added = sum(
            at.registry.put_codes(world, reward, found[start : start + CODES_MAX], now())
            for start in range(0, len(found), CODES_MAX)
        )
        total = at.queries.pools(world).get(reward, UNTOUCHED_POOL).codes
    click.echo(f"{added:,} added, {len(found) - added:,} already known; {reward} has {total:,}.")


def read_codes(file: str) -> list[str]:
    """Return the codes of a file. If any line is none, nothing of it is taken."""
    bad: list[str] = []
    found: list[str] = []

    def report(place: str, problem: str) -> None:
        bad.append(f"{place}: {problem}")

    for line in Source(file).lines(report):
        try:
            code = line.text.decode().strip()
        except UnicodeDecodeError:
            report(line.place, "is not UTF-8")
            continue
        if len(code) > CODE_CHARS_MAX:
            report(line.place, f"is longer than {CODE_CHARS_MAX} characters")
        if "\0" in code:
            report(line.place, "contains U+0000, which not every store can keep")
        found.append(code)
    if bad:
        more = [f"and {len(bad) - REPORTED_MAX:,} more"] if len(bad) > REPORTED_MAX else []
        told = "\n".join([*bad[:REPORTED_MAX], *more])
        raise click.ClickException(f"No codes were added:\n{told}")
    return found
