"""From a tree of plain values to a rulebook, or to everything that is wrong with it."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Final, TypeVar

from msgspec import Struct

from laurels.core.errors import Problem, RulebookRefused
from laurels.core.event import CUSTOM
from laurels.core.limits import AMOUNT_MAX, NUMBER_MAX, RULES_MAX
from laurels.core.node import Fields, Node, unknown
from laurels.core.number import ONE, Millionths
from laurels.core.parse_filter import parse_where
from laurels.core.rulebook import (
    OWN_KINDS,
    Badge,
    BadgeReward,
    Challenge,
    EarnRule,
    ItemReward,
    Listener,
    Measure,
    Objective,
    PointsReward,
    Reward,
    Rulebook,
    Window,
    WindowKind,
)
from laurels.core.window import timezones

SECTIONS: Final = ("timezone", "week_starts", "currencies", "earn", "badges", "challenges")
SECTIONS_LATER: Final = ("campaigns", "contests", "leaderboards", "rewards", "streaks", "tiers")
HEARING: Final = ("event", "fact", "where")
PAYING: Final = {"points": ("points",), "currency": ("currency", "amount")}
REWARDING: Final = {**PAYING, "badge": ("badge",), "item": ("item", "quantity")}
"""The forms that a reward may have, each with its keys."""
CHALLENGE: Final = ("id", "title", "window", "needs", "claim", "objectives", "rewards")
CHALLENGE_LATER: Final = ("after", "campaign", "milestones", "repeat")
MEASURES: Final[tuple[Measure, ...]] = ("count", "sum", "distinct", "max")
WINDOWS: Final[tuple[WindowKind, ...]] = ("daily", "weekly", "monthly", "lifetime")

Entry = TypeVar("Entry", EarnRule, Badge, Challenge, Objective)


class Scope(Struct, frozen=True):
    """What the sections of a rulebook may name of each other."""

    timezone: str
    currencies: tuple[str, ...]
    badge_titles: dict[str, str]


def parse_rulebook(tree: object) -> Rulebook:
    """
    Read a rulebook from mappings, lists and plain values.

    Raises RulebookRefused with every problem there is, each with the path of its value.
    """
    root = Node(tree, "", list[Problem]())
    fields = root.fields(SECTIONS, later=SECTIONS_LATER)
    badges = _entries(fields["badges"], _badge)
    scope = Scope(
        timezone=_timezone(fields["timezone"]),
        currencies=_currencies(fields["currencies"]),
        badge_titles={badge.id: badge.title for badge in badges if badge.id},
    )
    rulebook = Rulebook(
        timezone=scope.timezone,
        week_starts=fields["week_starts"].choice(("monday", "sunday", "saturday"), "monday"),
        currencies=scope.currencies,
        earn=_entries(fields["earn"], partial(_earn_rule, scope=scope)),
        badges=badges,
        challenges=_entries(fields["challenges"], partial(_challenge, scope=scope)),
    )
    rules = len(rulebook.earn) + len(rulebook.badges)
    if rules + sum(len(each.objectives) for each in rulebook.challenges) > RULES_MAX:
        root.refuse(f"may have {RULES_MAX:,} earn rules, badges and objectives; split it")
    if root.problems:
        raise RulebookRefused(*root.problems)
    return rulebook


def _entries(node: Node, read: Callable[[Node], Entry]) -> tuple[Entry, ...]:
    """Read a list of entries whose ids differ."""
    entries, seen = list[Entry](), set[str]()
    for child in node.items():
        entry = read(child)
        if entry.id and entry.id in seen:
            child.child("id", entry.id).refuse(f"`{entry.id}` is there twice; ids must differ")
        seen.add(entry.id)
        entries.append(entry)
    return tuple(entries)


def _timezone(node: Node) -> str:
    name = node.text(default="UTC")
    if name != "UTC" and name not in timezones():
        node.refuse(unknown("time zone", name, tuple(sorted(timezones()))))
        return "UTC"
    return name


def _currencies(node: Node) -> tuple[str, ...]:
    """Read the names of the currencies; the first is what "points" without a name means."""
    names: list[str] = []
    for child in node.items():
        name = child.name()
        if name in names:
            child.refuse(f"`{name}` is there twice")
        names.append(name)
    if node.is_empty:
        node.refuse("must name at least one currency; or leave it out, for `points`")
    return tuple(names) or ("points",)


def _earn_rule(node: Node, *, scope: Scope) -> EarnRule:
    fields = node.fields(("id", *HEARING, "points", "currency", "amount"))
    id_, hears = fields.need("id").name(), _needed_listener(fields)
    currency, amount = _credit(fields, _form(fields, PAYING), scope)
    if not amount.is_mapping:
        return EarnRule(id=id_, hears=hears, currency=currency, fixed=amount.whole(AMOUNT_MAX))
    product = amount.fields(("of", "times"))
    of, times = product.need("of").property_name(), product["times"].positive()
    return EarnRule(id=id_, hears=hears, currency=currency, of=of, times=times)


def _badge(node: Node) -> Badge:
    fields = node.fields(("id", "title", *HEARING))
    id_, hears = fields.need("id").name(), _listener(fields)
    if hears is None and "where" in fields:
        fields["where"].refuse("needs an `event` or a `fact` whose data it is about")
    return Badge(id=id_, title=fields["title"].text(default=id_), hears=hears)


def _challenge(node: Node, *, scope: Scope) -> Challenge:
    fields = node.fields(CHALLENGE, later=CHALLENGE_LATER)
    id_, listed = fields.need("id").name(), fields.need("objectives")
    if listed.is_empty:
        listed.refuse("must have at least one objective")
    alone = len(listed.items()) == 1
    objectives = _entries(listed, partial(_objective, id_if_none=id_ if alone else None))
    return Challenge(
        id=id_,
        title=fields["title"].text(default=id_),
        window=_window(fields["window"], scope.timezone),
        needs=_needs(fields["needs"], len(objectives)),
        claim=fields["claim"].choice(("automatic", "manual"), "automatic"),
        objectives=objectives,
        rewards=tuple(_reward(child, scope) for child in fields["rewards"].items()),
    )


def _window(node: Node, timezone: str) -> Window:
    if not node.is_mapping:
        return Window(node.choice(WINDOWS, "lifetime"))
    fields = node.fields(("from", "to"), later=("days",))
    if node.is_empty:
        node.refuse("needs `from`, `to`, or both")
    starts, ends = fields["from"].moment(timezone), fields["to"].moment(timezone)
    if starts is not None and ends is not None and starts >= ends:
        fields["to"].refuse("must be later than `from`")
    return Window("fixed", starts, ends)


def _needs(node: Node, objectives: int) -> int:
    if node.is_absent or node.value == "all":
        return objectives
    if node.value == "any":
        return 1
    if isinstance(node.value, str):
        node.refuse(f"must be `all`, `any` or a number from 1 to {objectives}")
        return objectives
    return node.whole(max(objectives, 1))


def _objective(node: Node, *, id_if_none: str | None) -> Objective:
    fields = node.fields(("id", *HEARING, *MEASURES, "target"), later=("after",))
    id_node = fields.need("id") if id_if_none is None else fields["id"]
    id_, hears = id_node.name(default=id_if_none or ""), _needed_listener(fields)
    given: list[Measure] = [measure for measure in MEASURES if measure in fields]
    if len(given) != 1:
        fields.refuse("needs exactly one of `count`, `sum`, `distinct`, `max`")
        return Objective(id=id_, hears=hears, measure="count", target=ONE)
    measure = given[0]
    of = None if measure == "count" else fields[measure].property_name()
    return Objective(id=id_, hears=hears, measure=measure, of=of, target=_target(fields, measure))


def _target(fields: Fields, measure: Measure) -> Millionths:
    if measure == "count":
        if "target" in fields:
            fields["target"].refuse("a count is its own target: write `count: 5`")
        return fields["count"].whole(NUMBER_MAX) * ONE
    target = fields.need("target")
    return target.whole(NUMBER_MAX) * ONE if measure == "distinct" else target.positive()


def _reward(node: Node, scope: Scope) -> Reward:
    fields = node.fields(tuple(chain.from_iterable(REWARDING.values())))
    form = _form(fields, REWARDING)
    match form:
        case "badge":
            badge = fields["badge"].known("badge", scope.badge_titles)
            return BadgeReward(badge, scope.badge_titles.get(badge, badge))
        case "item":
            return ItemReward(fields.need("item").name(), fields["quantity"].whole(AMOUNT_MAX))
        case _:
            currency, amount = _credit(fields, form, scope)
            return PointsReward(currency, amount.whole(AMOUNT_MAX))


def _form(fields: Fields, forms: dict[str, tuple[str, ...]]) -> str | None:
    """Say which of several forms an entry has, by its keys."""
    given = [form for form, keys in forms.items() if any(key in fields for key in keys)]
    if len(given) == 1:
        return given[0]
    fields.refuse(f"needs exactly one of {', '.join(f'`{form}`' for form in forms)}")
    return None


def _credit(fields: Fields, form: str | None, scope: Scope) -> tuple[str, Node]:
    """Return the currency of an entry, and where its amount stands."""
    if form == "currency":
        return fields.need("currency").known("currency", scope.currencies), fields.need("amount")
    return scope.currencies[0], fields["points"]


def _listener(fields: Fields) -> Listener | None:
    where = parse_where(fields["where"])
    if "event" in fields and "fact" in fields:
        fields.refuse("hears an `event` or a `fact`, not both; `event: x` is `fact: custom.x`")
    if "event" in fields:
        return Listener(kind=CUSTOM + fields["event"].text(), where=where)
    return Listener(kind=_fact(fields["fact"]), where=where) if "fact" in fields else None


def _needed_listener(fields: Fields) -> Listener:
    hears = _listener(fields)
    if hears is None:
        fields.refuse("needs an `event` or a `fact` to hear")
    return hears or Listener(kind="")


def _fact(node: Node) -> str:
    kind = node.text()
    if kind and kind not in OWN_KINDS and not (kind.startswith(CUSTOM) and kind != CUSTOM):
        node.refuse(unknown("fact", kind, (*OWN_KINDS, "custom.<event>")))
    return kind
