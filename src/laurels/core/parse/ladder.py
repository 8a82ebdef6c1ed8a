"""From `tiers` to a ladder: levels that are listed, or that follow a curve."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Final

from laurels.core.limits import AMOUNT_MAX, NUMBER_MAX
from laurels.core.number import ONE
from laurels.core.parse.listener import HEARING, credits_of, read_needed_listener
from laurels.core.parse.node import Fields, Node, unknown
from laurels.core.parse.scope import Scope, currency_called, distinct
from laurels.core.rulebook import Ladder, Level, Listener, Requalify, Window, WindowKind

LEVELS_MAX: Final = 1_000
GRACE_DAYS_MAX: Final = 365
LEVEL: Final = ("id", "title", "level", "at", "multiplier", "perks", "keep", "color")
NUMBERED: Final = "{level}"
"""What stands for its number in the id and the title of a level on a curve."""
REQUALIFIED: Final[tuple[WindowKind, ...]] = ("yearly", "monthly")


def read_ladder(node: Node, scope: Scope) -> Ladder | None:
    if node.is_absent:
        return None
    fields = node.fields(("by", "levels", "requalify"))
    hears, currency = _measured(fields.need("by"), scope.currencies)
    levels = fields.need("levels")
    return Ladder(
        hears=hears,
        currency=currency,
        levels=_curve(levels) if levels.is_mapping else _levels(levels),
        requalify=_requalify(fields["requalify"]),
    )


def _measured(node: Node, currencies: tuple[str, ...]) -> tuple[Listener, str | None]:
    """Read what the levels go by: what was earned of a currency, or the number of facts."""
    if node.is_mapping:
        return read_needed_listener(node.fields(HEARING)), None
    name = node.text()
    currency = currency_called(name, currencies)
    if name and currency is None:
        node.refuse(unknown("currency", name, currencies))
    return credits_of(currency or name), currency or name


def _levels(node: Node) -> tuple[Level, ...]:
    nodes, known_before = node.items(), len(node.problems)
    if node.is_empty:
        node.refuse("must have at least one level")
    if len(nodes) > LEVELS_MAX:
        node.refuse(f"may have {LEVELS_MAX:,} levels, not {len(nodes):,}")
        return ()
    levels = distinct(nodes, (_level(each, position) for position, each in enumerate(nodes, 1)))
    if len(node.problems) == known_before:
        for child, (below, level) in zip(nodes[1:], pairwise(levels), strict=True):
            _check_that_it_rises(child, below, level)
    return levels


def _level(node: Node, position: int) -> Level:
    fields = node.fields(LEVEL)
    id_, at = fields.need("id").name(), fields.need("at").whole(AMOUNT_MAX, least=0)
    return Level(
        id=id_,
        title=fields["title"].text(default=id_),
        level=fields["level"].whole(NUMBER_MAX, default=position),
        at=at,
        multiplier=fields["multiplier"].positive(),
        perks=tuple(child.text() for child in fields["perks"].items()),
        keep=fields["keep"].whole(AMOUNT_MAX, least=0, default=at),
        color=fields["color"].text(),
    )


def _check_that_it_rises(node: Node, below: Level, level: Level) -> None:
    steps = (("level", below.level, level.level), ("at", below.at, level.at))
    for key, lower, upper in steps:
        if upper <= lower:
            node.child(key, upper).refuse(
                f"must be more than {lower:,}, the `{key}` of the level before, not {upper:,}"
            )


def _curve(node: Node) -> tuple[Level, ...]:
    fields = node.fields(("count", "first", "growth", "id", "title"))
    count, id_ = fields.need("count").whole(LEVELS_MAX), fields["id"]
    template = id_.text(default=f"level_{NUMBERED}")
    if NUMBERED not in template:
        id_.refuse(f"must have `{NUMBERED}` where the number goes, as `level_{NUMBERED}`")
    else:
        Node(_numbered(template, count), id_.path, id_.problems).name()
    title = fields["title"].text(default=f"Level {NUMBERED}")
    return tuple(
        Level(
            id=_numbered(template, level),
            title=_numbered(title, level),
            level=level,
            at=at,
            keep=at,
        )
        for level, at in enumerate(_thresholds(fields, count), 1)
    )


def _numbered(template: str, level: int) -> str:
    return template.replace(NUMBERED, str(level))


def _thresholds(fields: Fields, count: int) -> Iterator[int]:
    """Add up steps that grow by a factor: the sum is exact, and each threshold floored once."""
    first, growth = fields.need("first").whole(AMOUNT_MAX), fields["growth"].positive()
    if growth < ONE:
        fields["growth"].refuse("must be 1 or more, so that levels do not come ever closer")
        return
    step = total = Fraction(first)
    for level in range(1, count + 1):
        if total > AMOUNT_MAX:
            fields.refuse(
                f"level {level:,} would be at more than {AMOUNT_MAX:,}; lower `count` or `growth`"
            )
            return
        yield floor(total)
        step *= Fraction(growth, ONE)
        total += step


def _requalify(node: Node) -> Requalify | None:
    if node.is_absent:
        return None
    fields = node.fields(("every", "grace_days"))
    return Requalify(
        window=Window(fields.need("every").choice(REQUALIFIED, "yearly")),
        grace_days=fields["grace_days"].whole(GRACE_DAYS_MAX, least=0),
    )
