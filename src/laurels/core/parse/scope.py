"""What the sections of a rulebook may name of each other, and the forms that they share."""

from collections.abc import Callable, Collection, Iterable
from typing import Final, Protocol, TypeVar, cast

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.limits import AMOUNT_MAX
from laurels.core.parse.node import NAMES_SHOWN_MAX, UNSTORABLE, Fields, Node, unknown
from laurels.core.rulebook import Campaign, Price

LIFETIME_DAYS_MAX: Final = 36_500
PERIOD_DAYS_MAX: Final = 3_650


class Scope(Struct, frozen=True, kw_only=True):
    """Everything that has a name which other entries use."""

    timezone: str
    currencies: tuple[str, ...]
    campaigns: dict[str, Campaign]
    badges: dict[str, str]
    """The title of each."""
    offers: dict[str, str]
    """The title of each."""
    challenges: Collection[str]
    streaks: dict[str, bool]
    """Whether each has freezes."""


class Entry(Protocol):
    """Whatever has an id in the rulebook."""

    @property
    def id(self) -> str: ...


EntryT = TypeVar("EntryT", bound=Entry)


def read_entries(node: Node, read: Callable[[Node], EntryT]) -> tuple[EntryT, ...]:
    """Read a list of entries whose ids differ."""
    nodes = node.items()
    return distinct(nodes, map(read, nodes))


def distinct(nodes: list[Node], entries: Iterable[EntryT]) -> tuple[EntryT, ...]:
    """Collect entries, and refuse those whose id is there already."""
    seen: dict[str, EntryT] = {}
    collected: list[EntryT] = []
    for node, entry in zip(nodes, entries, strict=True):
        if entry.id and entry.id in seen:
            node.child("id", entry.id).refuse(f"`{entry.id}` is there twice; ids must differ")
        seen[entry.id] = entry
        collected.append(entry)
    return tuple(collected)


def look_ahead(node: Node) -> dict[str, dict[object, object]]:
    """Return the entries of a list by their ids, without a word about what is wrong with them."""
    entries = cast("list[object]", node.value) if node.is_list else []
    mappings = [cast("dict[object, object]", each) for each in entries if isinstance(each, dict)]
    ids = [each.get("id") for each in mappings]
    return {
        id_: mapping
        for id_, mapping in zip(ids, mappings, strict=True)
        if isinstance(id_, str) and not UNSTORABLE.search(id_)
    }


def form_of(fields: Fields, forms: dict[str, tuple[str, ...]]) -> str | None:
    """Say which of several forms an entry has, by its keys."""
    given = {key for keys in forms.values() for key in keys if key in fields}
    fitting = [form for form, keys in forms.items() if given and given <= set(keys)]
    if fitting:
        return fitting[0]
    fields.refuse(f"needs exactly one of {', '.join(f'`{form}`' for form in forms)}")
    return None


def currency_called(name: str, currencies: tuple[str, ...]) -> str | None:
    """
    Find a currency by its name; the first one may be called `points`, unless another is.

    >>> currency_called("points", ("coin", "gem")), currency_called("points", ("coin", "points"))
    ('coin', 'points')
    >>> currency_called("pints", ("coin", "gem"))
    """
    if name in currencies:
        return name
    return currencies[0] if name == "points" else None


def read_price(node: Node, currencies: tuple[str, ...]) -> Price | None:
    """Read one currency and an amount of it; an absent price is none."""
    if node.is_absent:
        return None
    asked = node.mapping()
    if node.is_mapping and len(asked) != 1:
        node.refuse("must name one currency and how much of it, as `{points: 200}`")
    for name, amount in asked.items():
        currency = currency_called(name, currencies)
        if currency is None:
            amount.refuse(unknown("currency", name, currencies))
        return Price(currency or name, amount.whole(AMOUNT_MAX))
    return None


def read_campaign_of(fields: Fields, scope: Scope) -> Campaign | None:
    """Read the name of the campaign that a rule belongs to."""
    return scope.campaigns.get(fields["campaign"].known("campaign", scope.campaigns))


def read_span(
    fields: Fields, keys: tuple[str, str], timezone: str
) -> tuple[Instant | None, Instant | None]:
    """Read when something begins and ends."""
    starts, ends = (fields[key].moment(timezone) for key in keys)
    if starts is not None and ends is not None and starts >= ends:
        fields[keys[1]].refuse(f"must be later than `{keys[0]}`")
    return starts, ends


def read_needed_span(
    fields: Fields, keys: tuple[str, str], timezone: str
) -> tuple[Instant, Instant]:
    """Read when something begins and ends, which must both be said."""
    for key in keys:
        fields.need(key)
    starts, ends = read_span(fields, keys, timezone)
    return starts or 0, ends or 0


def circle_of(names: list[str]) -> str:
    """
    Show a circle of names.

    >>> circle_of(["a", "b"])
    '`a -> b -> a`'
    """
    shown = names if len(names) <= NAMES_SHOWN_MAX else [*names[:NAMES_SHOWN_MAX], "…"]
    return f"`{' -> '.join([*shown, names[0]])}`"
