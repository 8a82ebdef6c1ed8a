"""The command line: one module a command, or a family of them. Says everything in sentences."""

import click

from laurels import __version__
from laurels.cli import checks, codes, copy, events, identity, parked, rulebooks, serving, work
from laurels.cli.demo import command as demo
from laurels.core.errors import LaurelsError, RulebookRefused
from laurels.settings import SettingRefused


class Commands(click.Group):
    """A group that tells each of our own errors as one sentence, and never as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingRefused as problem:
            raise click.UsageError(problem.message) from problem
        except RulebookRefused as problem:
            raise click.ClickException(f"The rulebook is refused:\n{problem.message}") from problem
        except LaurelsError as problem:
            raise click.ClickException(problem.message) from problem


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="laurels", message="%(prog)s %(version)s")
def main() -> None:
    """Laurels: the gamification engine that decides what an event earns, exactly once."""


for command in (
    serving.serve,
    work.work,
    demo.demo,
    events.load,
    rulebooks.rulebook,
    identity.tenants,
    identity.apps,
    identity.keys,
    codes.codes,
    copy.copy,
    parked.queue,
    checks.verify,
    checks.migrate,
    checks.config,
):
    main.add_command(command)
