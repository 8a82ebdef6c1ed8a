"""From `event` or `fact`, and `where`, to what a rule hears."""

from typing import Final

from laurels.core.event import CUSTOM
from laurels.core.filter import Clause, Path
from laurels.core.parse.filter import parse_where
from laurels.core.parse.node import Fields, Node, unknown
from laurels.core.rulebook import OWN_KINDS, Listener

HEARING: Final = ("event", "fact", "where")
"""The keys that say what is heard."""


def read_listener(fields: Fields) -> Listener | None:
    where = parse_where(fields["where"])
    if "event" in fields and "fact" in fields:
        fields.refuse("hears an `event` or a `fact`, not both; `event: x` is `fact: custom.x`")
    if "event" in fields:
        return Listener(kind=CUSTOM + fields["event"].text(), where=where)
    if "fact" in fields:
        return Listener(kind=_fact(fields["fact"]), where=where)
    if "where" in fields:
        fields["where"].refuse("needs an `event` or a `fact` whose data it is about")
    return None


def read_needed_listener(fields: Fields) -> Listener:
    hears = read_listener(fields)
    if hears is None and "where" not in fields:
        fields.refuse("needs an `event` or a `fact` to hear")
    return hears or Listener(kind="")


def credits_of(currency: str) -> Listener:
    """Hear whatever is credited in a currency."""
    return Listener(kind="points.posted", where=Clause(Path("currency"), "eq", currency))


def _fact(node: Node) -> str:
    kind = node.text()
    if kind and kind not in OWN_KINDS and not (kind.startswith(CUSTOM) and kind != CUSTOM):
        node.refuse(unknown("fact", kind, (*OWN_KINDS, "custom.<event>")))
    return kind
