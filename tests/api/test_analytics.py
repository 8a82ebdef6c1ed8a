"""What analytics may be asked for, and that a real run is told to the unit."""

import pytest
from starlette.testclient import TestClient
from tests.api.stub import ADMIN, NOW, House
from tests.cast import DAY, HOUR

from laurels.api import instant
from laurels.core import limits
from laurels.engine.answers import Analytics, AnalyticsAsked, Figures

PATH = "/api/v1/admin/analytics"
NEXT_HOUR = NOW // HOUR + 1
"""Now is half past ten, 2026-04-10."""


def ask(query="", house=None):
    return (house or House()).call("GET", f"{PATH}{query}", key=ADMIN)


def asked(query=""):
    house = House()
    assert ask(query, house).status == 200, query
    return house.stub.asked_for


def hour(text):
    return instant.from_text(text) // HOUR


def test_the_last_24_hours_by_name_are_told_unless_something_else_is_asked_for():
    assert asked() == AnalyticsAsked(since=NEXT_HOUR - 24, until=NEXT_HOUR, by="name")


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("?from=2026-04-09", "2026-04-09T00:00Z", "2026-04-10T11:00Z"),
        ("?from=2026-04-10&to=2026-04-10", "2026-04-10T00:00Z", "2026-04-11T00:00Z"),
        ("?to=2026-04-01", "2026-04-01T00:00Z", "2026-04-02T00:00Z"),
        ("?to=2026-04-01T00:00:00Z", "2026-03-31T00:00Z", "2026-04-01T00:00Z"),
        ("?to=2026-04-01T00:00:00.001Z", "2026-03-31T01:00Z", "2026-04-01T01:00Z"),
        ("?from=2026-04-01T05:59%2B02:00&to=2026-04-02", "2026-04-01T03:00Z", "2026-04-03T00:00Z"),
        ("?from=1900-01-01&to=1900-01-01", "1900-01-01T00:00Z", "1900-01-02T00:00Z"),
        ("?from=2025-04-10T11:00Z&by=day", "2025-04-10T11:00Z", "2026-04-10T11:00Z"),
        ("?from=2026-03-10T11:00Z&by=hour", "2026-03-10T11:00Z", "2026-04-10T11:00Z"),
    ],
)  # fmt: skip
def test_time_is_taken_in_whole_hours_and_a_date_is_all_of_its_day(query, since, until):
    one = asked(query)

    assert (one.since, one.until) == (hour(since), hour(until))


def test_the_last_day_that_there_is_can_be_asked_for():
    reply = ask("?from=9998-12-31&to=9998-12-31")

    assert (reply.status, reply.json["to"]) == (200, "9999-01-01T00:00:00Z")


def test_what_is_asked_for_arrives():
    one = asked("?name=quiz%20done&by=day&unique=true")

    assert (one.name, one.by, one.unique) == ("quiz done", "day", True)


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ("?from=yesterday", "from", "is no RFC 3339 time"),
        ("?from=", "from", "is no RFC 3339 time"),
        ("?from=2026-4-1", "from", "is no RFC 3339 time"),
        ("?from=2026-02-30", "from", "is a date that does not exist"),
        ("?to=2026-02-01T25:00Z", "to", "is a time that does not exist"),
        ("?to=01-02-2026", "to", "is no date"),
        ("?to=0001-01-01", "to", "outside the years"),
        ("?to=9999-12-31", "to", "outside the years"),
        ("?from=2026-04-11", "from", "must lie before to"),
        ("?from=2026-04-10T10:00Z&to=2026-04-10T10:00Z", "from", "must lie before to"),
        ("?from=2025-04-09T10:59Z", "from", "lies more than 366 days before to"),
        ("?from=2026-03-10T10:59Z&by=hour", "from", "lies more than 31 days before to"),
        ("?from=1900-01-01", "from", "lies more than 366 days before to"),
        ("?by=week", "by", "must be one of name, day, hour"),
        ("?by=", "by", "must be one of"),
        ("?unique=yes", "unique", "must be one of true, false"),
        ("?name=%00", "name", "0000"),
        ("?name=%ff", "query", "must be UTF-8"),
        ("?by=day&by=day", "query", "names a parameter twice"),
    ],
)
def test_nonsense_is_refused_by_name(query, path, words):
    house = House()

    reply = ask(query, house)

    assert reply.status == 422
    ((fault,)) = reply.json["errors"]
    assert fault["path"] == path
    assert words in fault["message"]
    assert not hasattr(house.stub, "asked_for")


def test_too_many_events_for_counting_participants_are_refused():
    house, most = House(), limits.UNIQUE_EVENTS_MAX
    total = Figures(None, None, most + 1, 0, 0, 0)
    house.stub.analytics = lambda *_: Analytics(total, [], has_more=False, is_unique=False)

    reply = ask("?unique=true", house)

    assert reply.status == 422
    assert reply.json["detail"] == (
        f"unique: counts among {most} events at most, and there are {most + 1}; "
        "ask for a shorter time"
    )
    assert ask("", house).status == 200


def test_a_run_is_told_to_the_unit_and_of_its_own_world_only(house):
    live, test = ({"X-API-Key": key} for key in (house.live_key, house.test_key))
    events = [
        {"participant_id": who, "event_name": name}
        for who, name in (("ann", "seen"), ("bob", "seen"), ("ann", "done"), ("ann", "seen"))
    ]
    with TestClient(house.app) as client:
        client.post("/api/v1/gamify/events/batch", headers=live, json={"events": events})
        client.post("/api/v1/gamify/events", headers=test, json=events[0])
        house.store.merge_analytics()
        client.post(
            "/api/v1/gamify/events",
            headers=live,
            json={**events[0], "timestamp": instant.to_text(house.server.edge.clock.now() - DAY)},
        )
        by_name = client.get(f"{PATH}?unique=true", headers=live).json()
        by_day = client.get(f"{PATH}?by=day&from=2026-01-01&name=seen", headers=live).json()

    assert [(row["name"], row["events"], row["participants"]) for row in by_name["rows"]] == [
        ("seen", 4, 2),
        ("done", 1, 1),
    ]
    assert (by_name["total"]["events"], by_name["total"]["participants"]) == (5, 2)
    assert DAY <= by_name["total"]["lag_ms_max"] < DAY + HOUR
    assert by_name["rows"][0]["lag_ms_average"] >= DAY // 4
    assert sum(row["events"] for row in by_day["rows"]) == 4
    assert all("participants" not in row for row in by_day["rows"])
    assert all(row["at"].endswith("T00:00:00Z") for row in by_day["rows"])
