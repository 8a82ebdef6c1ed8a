"""Whose a Redis database is: names in it are the same for everybody, so it has one installation."""

from typing import Any

from laurels.link import BlockingLink
from laurels.queue.names import INSTALLATION


def owner(link: BlockingLink, installation: str) -> str:
    """
    Return which installation's it is: the one that asks, if it was nobody's.

    Raises one of link.FAILURES without an answer.
    """
    # A client's own types are full of gaps.
    at: Any = link
    # To read first is not for speed: a Redis that is full takes nothing more, and is to be emptied.
    found = at.get(INSTALLATION)
    if found is None and not at.set(INSTALLATION, installation, nx=True):
        found = at.get(INSTALLATION)  # Somebody was quicker.
    return installation if found is None else spelled(found)


def spelled(installation: bytes) -> str:
    """Spell what somebody may have put there by hand."""
    return installation.decode("ascii", "backslashreplace")
