"""The numbered files that bring a database's schema to the version this program knows."""

from importlib import resources
from typing import LiteralString, NamedTuple, cast

from laurels.core.errors import LaurelsError


class SchemaTooNew(LaurelsError):
    """The store was written by a newer Laurels; upgrade this one."""


class SchemaTooOld(LaurelsError):
    """The store has an older schema; run `laurels migrate`."""


class Migration(NamedTuple):
    number: int
    name: str
    sql: LiteralString


def migrations(database: str) -> list[Migration]:
    """Return every migration of a database, in order."""
    folder = resources.files("laurels.store.migrations").joinpath(database)
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [
        # They ship with us, as the statements do.
        Migration(
            int(name[:4]),
            name.removesuffix(".sql"),
            cast("LiteralString", folder.joinpath(name).read_text("utf-8")),
        )
        for name in files
    ]


def missing(database: str, version: int, *, only_check: bool) -> list[Migration]:
    """
    Return what is to be run on a schema of that version; 0 is an empty one.

    Raises SchemaTooNew, or SchemaTooOld where nothing may be run.
    """
    known = migrations(database)
    if version > known[-1].number:
        raise SchemaTooNew
    found = [each for each in known if each.number > version]
    if found and only_check:
        raise SchemaTooOld
    return found
