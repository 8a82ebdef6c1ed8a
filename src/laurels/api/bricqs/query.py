"""What a history is asked for by."""

from msgspec import Struct

from laurels.api import instant
from laurels.api.query import Query
from laurels.core.errors import InvalidQuery, Problem
from laurels.core.event import Instant
from laurels.core.window import DAY_MS


class HistoryQuery(Struct, frozen=True):
    name: str | None
    since: Instant | None
    until: Instant | None
    page: int
    page_size: int


def from_history_query(query: Query) -> HistoryQuery:
    """Read the filters and the page. Raises InvalidQuery; nothing is clamped."""
    since = query.read("from_date", instant.day_from_text)
    last = query.read("to_date", instant.day_from_text)
    if since is not None and last is not None and since > last:
        raise InvalidQuery(Problem("from_date", "lies after to_date"))
    page, page_size = query.page()
    return HistoryQuery(
        name=query.text("event_name"),
        since=since,
        until=None if last is None else last + DAY_MS,
        page=page,
        page_size=page_size,
    )
