"""Reads the .sql files."""

import re
from importlib import resources
from typing import Final, LiteralString, cast

HEADING: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)
PLACEHOLDER: Final = re.compile(r":(\w+)")


def load(*files: str) -> dict[str, LiteralString]:
    """
    Return every statement in the named files, by its name.

    We write `:name` for a value, as sqlite3 and psql do. Values are bound in the order in which
    their names first appear, so a statement can also be run for many plain tuples. No name may be
    used twice.
    """
    statements: dict[str, LiteralString] = {}
    for file in files:
        text = resources.files("laurels.store.sql").joinpath(f"{file}.sql").read_text("utf-8")
        _, *parts = HEADING.split(text)
        for name, sql in zip(parts[::2], parts[1::2], strict=True):
            assert name not in statements, f"{name} is defined twice"
            # The files ship with us, so we vouch for them as if they stood in this module. Any
            # other string that reaches a database is then a type error.
            statements[name] = cast("LiteralString", number_placeholders(COMMENT.sub("", sql)))
    return statements


def number_placeholders(sql: str) -> str:
    """
    Spell each `:name` as the number of its first appearance.

    >>> number_placeholders("SELECT :b, :a, :b")
    'SELECT ?1, ?2, ?1'
    """
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"?{numbers.setdefault(match[1], len(numbers) + 1)}"

    return PLACEHOLDER.sub(number, sql).strip()
