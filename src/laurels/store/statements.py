"""Reads the .sql files."""

import re
from importlib import resources
from typing import Final, LiteralString, NamedTuple, cast

HEADING: Final = re.compile(r"^-- name: (\w+)(?: \((\w+)\))?$", re.MULTILINE)
COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)
PLACEHOLDER: Final = re.compile(r":(\w+)")


FILES: Final = (
    "analytics",
    "common",
    "inbox",
    "lookups",
    "registry",
    "resets",
    "rewards",
    "revocations",
    "standings",
    "verify",
)


class Dialect(NamedTuple):
    """How a database wants things spelled."""

    name: str
    """As it stands behind the name of a statement that others need in other words."""
    placeholder: str


SQLITE: Final = Dialect("sqlite", "?")
POSTGRES: Final = Dialect("postgres", "$")


def load(dialect: Dialect, *files: str) -> dict[str, LiteralString]:
    """
    Return every statement in the named files, by its name; without files, all there are.

    We write `:name` for a value, as sqlite3 and psql do. Values are bound in the order in which
    their names first appear, so a statement can also be run for many plain tuples. No name may be
    used twice, but for different databases.
    """
    statements: dict[str, LiteralString] = {}
    for file in files or FILES:
        text = resources.files("laurels.store.sql").joinpath(f"{file}.sql").read_text("utf-8")
        _, *parts = HEADING.split(text)
        for name, database, sql in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if database not in {None, dialect.name}:
                continue
            assert name not in statements, f"{name} is defined twice"
            numbered = number_placeholders(COMMENT.sub("", sql), dialect)
            # The files ship with us, so we vouch for them as if they stood in this module. Any
            # other string that reaches a database is then a type error.
            statements[name] = cast("LiteralString", numbered)
    return statements


def number_placeholders(sql: str, dialect: Dialect) -> str:
    """
    Spell each `:name` as the number of its first appearance.

    >>> number_placeholders("SELECT :b, :a, :b", SQLITE)
    'SELECT ?1, ?2, ?1'
    """
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"{dialect.placeholder}{numbers.setdefault(match[1], len(numbers) + 1)}"

    return PLACEHOLDER.sub(number, sql).strip()
