"""Analytics: how many events there were, how late they came, and what came of them."""

from typing import Final, Literal, cast

from msgspec import UNSET

from laurels.api import instant
from laurels.api.admin import wire_analytics as wire
from laurels.api.bricqs import docs
from laurels.api.bricqs.desk import Desk, answer
from laurels.api.bricqs.docs import Told, in_query, reads, route
from laurels.api.bricqs.errors import ADMIN
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query
from laurels.api.route import Route
from laurels.core import limits
from laurels.core.errors import InvalidQuery, Problem
from laurels.core.event import Instant
from laurels.core.window import DAY_MS, HOUR_MS
from laurels.engine import answers

TAG: Final = "Operations"
HOURS_DEFAULT: Final = 24
DAYS_MAX: Final = {
    "name": limits.ANALYTICS_DAYS_MAX,
    "day": limits.ANALYTICS_DAYS_MAX,
    "hour": limits.ANALYTICS_DAYS_BY_HOUR_MAX,
}
DAY_CHARS: Final = len("2026-04-10")


class Analytics:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_analytics(self, request: Request) -> Reply:
        caller = await self._desk.caller(request, is_admin=True)
        asked = from_query(Query(request), self._desk.clock.now())
        found = await self._desk.ask(self._desk.queries.analytics, caller.tenant, asked)
        if asked.unique and not found.is_unique:
            most = limits.UNIQUE_EVENTS_MAX
            fault = f"counts among {most} events at most, and there are {found.total.events}"
            raise InvalidQuery(Problem("unique", f"{fault}; ask for a shorter time"))
        return answer(to_analytics(asked, found))


def from_query(query: Query, now: Instant) -> answers.AnalyticsAsked:
    """Read what is asked for, in whole hours. Raises InvalidQuery; nothing is clamped."""
    by = cast("Literal['name', 'hour', 'day']", query.one_of("by", DAYS_MAX) or "name")
    ends, begins = query.read("to", _end), query.read("from", _begin)
    until = -(-(now + 1 if ends is None else ends) // HOUR_MS)
    since = until - HOURS_DEFAULT if begins is None else begins // HOUR_MS
    if since >= until:
        raise InvalidQuery(Problem("from", "must lie before to"))
    if until - since > DAYS_MAX[by] * 24:
        raise InvalidQuery(Problem("from", f"lies more than {DAYS_MAX[by]} days before to"))
    return answers.AnalyticsAsked(
        since=since, until=until, by=by, name=query.text("name"), unique=query.flag("unique")
    )


def _begin(text: str) -> Instant:
    if len(text) != DAY_CHARS:
        return instant.from_text(text)
    at = instant.day_from_text(text)
    if limits.INSTANT_MIN_MS <= at <= limits.INSTANT_MAX_MS:
        return at
    raise ValueError("lies outside the years 1900 to 9998")


def _end(text: str) -> Instant:
    """Read an end. A date is all of its day."""
    return _begin(text) + (DAY_MS if len(text) == DAY_CHARS else 0)


def to_analytics(asked: answers.AnalyticsAsked, found: answers.Analytics) -> wire.Analytics:
    return wire.Analytics(
        from_=instant.to_text(asked.since * HOUR_MS),
        to=instant.to_text(asked.until * HOUR_MS),
        by=asked.by,
        total=to_figures(found.total),
        rows=[to_figures(row) for row in found.rows],
        has_more=found.has_more,
    )


def to_figures(row: answers.Figures) -> wire.Figures:
    return wire.Figures(
        name=UNSET if row.name is None else row.name,
        at=UNSET if row.at is None else instant.to_text(row.at),
        events=row.events,
        changes=row.changes,
        lag_ms_average=row.lag_ms_average,
        lag_ms_max=row.lag_ms_max,
        participants=UNSET if row.participants is None else row.participants,
    )


_FIGURES: Final = {
    "events": 1840,
    "changes": 2210,
    "lag_ms_average": 310,
    "lag_ms_max": 86_400_000,
    "participants": 402,
}

READ: Final = reads(
    Told(
        id="readAnalytics",
        tag=TAG,
        summary="What the events of some time came to",
        about=(
            "Of the key's own world. Events are counted by when they were received, replays and "
            "refusals not at all, and every event that has been answered is in it. Figures are "
            f"kept by the hour, UTC. At most {limits.FIGURES_MAX} rows are told, names with the "
            "most events first; `has_more` says that there are others, which `total` counts too."
        ),
        reply=wire.Analytics,
        shows={
            "from": "2026-04-09T11:00:00Z",
            "to": "2026-04-10T11:00:00Z",
            "by": "name",
            "total": _FIGURES,
            "rows": [{"name": "purchase_completed", **_FIGURES}],
            "has_more": False,
        },
        parameters=(
            in_query(
                "from",
                "A date or an RFC 3339 time, taken back to the full hour. Default: "
                f"{HOURS_DEFAULT} hours before `to`.",
            ),
            in_query(
                "to",
                "A date, all of which is meant, or an RFC 3339 time, taken on to the full hour. "
                "Default: now.",
            ),
            in_query("name", "Only of the event of this name."),
            in_query(
                "by",
                "A row for each name, hour or day (UTC). Default `name`. By hour, "
                f"{DAYS_MAX['hour']} days at most; otherwise {DAYS_MAX['day']}.",
                Literal["name", "hour", "day"],
            ),
            in_query(
                "unique",
                "Count participants as well. That reads each event, of which there may be "
                f"{limits.UNIQUE_EVENTS_MAX} at most. Default false.",
                bool,
            ),
        ),
        refusals=docs.ADMIN,
    )
)


def routes(desk: Desk) -> list[Route]:
    analytics = Analytics(desk)
    return [route("GET", "/api/v1/admin/analytics", analytics.get_analytics, READ, api=ADMIN)]
