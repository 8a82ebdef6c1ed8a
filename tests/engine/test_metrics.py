"""What the server counts of itself: in plain numbers, and of no more kinds than it knows."""

from laurels.core.errors import Unavailable
from laurels.engine.metrics import DELIVERIES_TOLD_APART_MAX, OTHER, SECONDS, Metrics

ROUTE = "GET /v1/health"


def test_replies_are_counted_by_route_and_status_with_how_long_they_took():
    metrics = Metrics()
    metrics.answered(ROUTE, 200, 0.002)
    metrics.answered(ROUTE, 503, 2 * SECONDS[-1])
    metrics.unrouted("none", 404)

    assert dict(metrics.routes[ROUTE].statuses) == {200: 1, 503: 1}
    seconds = metrics.routes[ROUTE].seconds
    assert (sum(seconds.counts), seconds.counts[-1]) == (2, 1)
    assert dict(metrics.routes["none"].statuses) == {404: 1}
    assert sum(metrics.routes["none"].seconds.counts) == 0


def test_refusals_are_counted_by_their_kind():
    metrics = Metrics()
    metrics.refused(Unavailable("later"))

    assert dict(metrics.requests_refused) == {Unavailable: 1}


def test_streams_come_and_go():
    metrics = Metrics()
    metrics.stream_opened()
    metrics.stream_opened()
    metrics.stream_closed()

    assert metrics.streams_open == 1


def test_deliveries_are_told_apart_up_to_a_bound():
    metrics = Metrics()
    for number in range(DELIVERIES_TOLD_APART_MAX + 2):
        metrics.delivery(f"source-{number}", "processed")

    assert metrics.deliveries["source-0", "processed"] == 1
    assert metrics.deliveries[OTHER, OTHER] == 2
