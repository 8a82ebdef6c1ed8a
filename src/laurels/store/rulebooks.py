"""Rulebooks as they are stored, made ready to judge by."""

from typing import Final

from laurels.core.compile import Compiled, compile_rulebook
from laurels.core.rulebook import Rulebook
from laurels.engine.rulebook_text import load_rulebook

NO_RULEBOOK: Final = compile_rulebook(Rulebook(), 0)


def compiled(row: tuple[int, str] | None) -> Compiled:
    """Return a stored version; where there is none, the rulebook that rewards nothing."""
    return NO_RULEBOOK if row is None else compile_rulebook(load_rulebook(row[1]), row[0])
