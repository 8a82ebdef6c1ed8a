"""From a tree of plain values to a rulebook, or to everything that is wrong with it."""

from functools import partial
from typing import Final

from laurels.core.circles import circles, feeds
from laurels.core.errors import Problem, RulebookRefused
from laurels.core.limits import RULES_MAX
from laurels.core.parse.board import read_board, read_contest
from laurels.core.parse.challenge import read_challenge, refuse_circles
from laurels.core.parse.earn import read_badge, read_earn_rule
from laurels.core.parse.ladder import read_ladder
from laurels.core.parse.node import Fields, Node, unknown
from laurels.core.parse.offer import read_offer
from laurels.core.parse.scope import (
    LIFETIME_DAYS_MAX,
    Scope,
    circle_of,
    look_ahead,
    read_entries,
    read_needed_span,
    read_span,
)
from laurels.core.parse.streak import read_streak
from laurels.core.parse.webhook import read_sources
from laurels.core.rulebook import Badge, Campaign, EarnRule, Incident, Offer, Rulebook
from laurels.core.window import timezones

SECTIONS: Final = (
    "timezone", "week_starts", "currencies", "incidents", "campaigns", "earn", "badges",
    "challenges", "tiers", "streaks", "leaderboards", "contests", "rewards", "webhooks",
)  # fmt: skip
CAMPAIGN: Final = (
    "id", "title", "starts", "ends", "multiplier", "description", "color", "banner",
)  # fmt: skip


def parse_rulebook(tree: object) -> Rulebook:
    """
    Read a rulebook from mappings, lists and plain values.

    Raises RulebookRefused with every problem there is, each with the path of its value.
    """
    root = Node(tree, "", list[Problem]())
    fields = root.fields(SECTIONS)
    timezone, (currencies, lifetimes) = _timezone(fields["timezone"]), _currencies(fields)
    campaigns = read_entries(fields["campaigns"], partial(_campaign, timezone=timezone))
    badges = read_entries(fields["badges"], read_badge)
    read_one = partial(read_offer, timezone=timezone, currencies=currencies)
    offers = read_entries(fields["rewards"], read_one)
    scope = Scope(
        timezone=timezone,
        currencies=currencies,
        campaigns={campaign.id: campaign for campaign in campaigns if campaign.id},
        badges=_titles(badges),
        offers=_titles(offers),
        challenges=look_ahead(fields["challenges"]),
        streaks={id_: "freezes" in each for id_, each in look_ahead(fields["streaks"]).items()},
    )
    rulebook = Rulebook(
        timezone=timezone,
        week_starts=fields["week_starts"].choice(("monday", "sunday", "saturday"), "monday"),
        currencies=currencies,
        lifetimes_days=lifetimes,
        earn=read_entries(fields["earn"], partial(read_earn_rule, scope=scope)),
        badges=badges,
        campaigns=campaigns,
        challenges=read_entries(fields["challenges"], partial(read_challenge, scope=scope)),
        tiers=read_ladder(fields["tiers"], scope),
        streaks=read_entries(fields["streaks"], partial(read_streak, scope=scope)),
        leaderboards=read_entries(fields["leaderboards"], partial(read_board, scope=scope)),
        contests=read_entries(fields["contests"], partial(read_contest, scope=scope)),
        offers=offers,
        incidents=tuple(_incident(each, timezone) for each in fields["incidents"].items()),
        webhooks=read_sources(fields["webhooks"]),
    )
    _check_together(rulebook, root, fields)
    if root.problems:
        raise RulebookRefused(*root.problems)
    return rulebook


def _titles(entries: tuple[Badge, ...] | tuple[Offer, ...]) -> dict[str, str]:
    return {entry.id: entry.title for entry in entries if entry.id}


def _timezone(node: Node) -> str:
    name = node.text(default="UTC")
    if name != "UTC" and name not in timezones():
        node.refuse(unknown("time zone", name, tuple(sorted(timezones()))))
        return "UTC"
    return name


def _currencies(fields: Fields) -> tuple[tuple[str, ...], dict[str, int]]:
    """Read the currencies and how long each lives; the first is what "points" alone means."""
    node, names, lifetimes = fields["currencies"], dict[str, None](), dict[str, int]()
    for child in node.items():
        named = child.fields(("id", "expires")) if child.is_mapping else None
        name = (named.need("id") if named else child).name()
        if name in names:
            child.refuse(f"`{name}` is there twice")
        names[name] = None
        if named and (days := named["expires"].days(LIFETIME_DAYS_MAX)):
            lifetimes[name] = days
    if node.is_empty:
        node.refuse("must name at least one currency; or leave it out, for `points`")
    return tuple(names) or ("points",), lifetimes


def _incident(node: Node, timezone: str) -> Incident:
    fields = node.fields(("from", "to"))
    return Incident(*read_needed_span(fields, ("from", "to"), timezone))


def _campaign(node: Node, *, timezone: str) -> Campaign:
    fields = node.fields(CAMPAIGN)
    id_ = fields.need("id").name()
    starts, ends = read_span(fields, ("starts", "ends"), timezone)
    return Campaign(
        id=id_,
        title=fields["title"].text(default=id_),
        starts=starts,
        ends=ends,
        multiplier=fields["multiplier"].positive(),
        description=fields["description"].text(),
        color=fields["color"].text(),
        banner=fields["banner"].text(),
    )


def _check_together(rulebook: Rulebook, root: Node, fields: Fields) -> None:
    """Check what no entry shows alone."""
    if _count_rules(rulebook) > RULES_MAX:
        root.refuse(
            f"may have {RULES_MAX:,} earn rules, badges, objectives, streaks, leaderboards, "
            "contests and rewards together; split it"
        )
    refuse_circles(fields["challenges"], "requires", rulebook.challenges)
    _check_contests(rulebook, fields["contests"])
    if not any(problem.path.startswith("earn[") for problem in root.problems):
        _check_feeding(rulebook.earn, fields["earn"])


def _count_rules(rulebook: Rulebook) -> int:
    listed = (
        *(rulebook.earn, rulebook.badges, rulebook.streaks, rulebook.leaderboards),
        *(rulebook.contests, rulebook.offers),
    )
    return sum(map(len, listed)) + sum(len(each.objectives) for each in rulebook.challenges)


def _check_contests(rulebook: Rulebook, node: Node) -> None:
    boards = {board.id for board in rulebook.leaderboards if board.id}
    for contest, child in zip(rulebook.contests, node.items() if boards else (), strict=False):
        if contest.id in boards:
            child.child("id", contest.id).refuse(
                f"`{contest.id}` is the id of a leaderboard; ids of both must differ"
            )


def _check_feeding(rules: tuple[EarnRule, ...], node: Node) -> None:
    """Refuse earn rules that hear, if only by way of others, the points that they post."""
    for circle in circles(feeds(rules)):
        first, *others = circle
        names = circle_of([rules[index].id for index in (first, *reversed(others))])
        node.items()[first].child("fact", "points.posted").refuse(
            f"feeds itself without end: {names}; "
            "say in `where` which other `rule` or `currency` it is about"
        )
