"""`/metrics` tells what was sent, to the unit, and nothing about anybody."""

import re
import threading
from pathlib import Path

import pytest
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metric_families,
)
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.api.stub import House
from tests.cast import held, out_of_order

from laurels.api.metrics import KEPT_MS
from laurels.engine.metrics import DELIVERIES_TOLD_APART_MAX, SECONDS, Histogram, Metrics

DOCS = Path(__file__).parents[2] / "docs" / "operating" / "metrics.md"
EVENTS = "/api/v1/gamify/events"
OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def samples(text):
    """Return each sample's value by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Scraped:
    """What a page says; what it does not speak of is nothing."""

    def __init__(self, text):
        self._samples = samples(text)

    def __call__(self, name, **labels):
        return self._samples.get((f"laurels_{name}", *sorted(labels.items())), 0)

    def labels(self, name):
        return {
            labels: value
            for (of, *labels_), value in self._samples.items()
            if of == f"laurels_{name}"
            for labels in [tuple(value for _, value in labels_)]
        }


def scrape(client):
    return Scraped(client.get("/metrics").text)


def event(who="ann", name="quiz_completed", **more):
    return {"participant_id": who, "event_name": name, **more}


def test_it_is_open_to_all_in_the_form_of_the_library():
    house = House()

    reply = house.call("GET", "/metrics", key=None)

    assert reply.status == 200
    assert reply.headers["content-type"] == CONTENT_TYPE_PLAIN_0_0_4
    assert samples(reply.body.decode())
    assert house.call("HEAD", "/metrics", key=None).status == 200
    assert house.call("POST", "/metrics", key=None).status == 404
    assert House(docs=False).call("GET", "/metrics", key=None).status == 200


def test_who_asks_for_open_metrics_gets_it():
    reply = House().call("GET", "/metrics", headers=[("accept", OPEN_METRICS)])

    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert list(open_metric_families(reply.body.decode()))


@pytest.mark.parametrize(
    "accept",
    ["", ",", ";;;", "text/html", "*/*", "text/plain;version=1.0.0;escaping=allow-utf-8", "\xff"]
    + [f"application/openmetrics-text;{end}" for end in ("version=9", "version=", "q=x", "=;=,;")],
)
def test_a_strange_wish_is_no_fault_of_ours(accept):
    assert House().call("GET", "/metrics", headers=[("accept", accept)]).status == 200


def test_a_page_is_kept_for_a_second_each_form_by_itself():
    house = House()

    def page(at, accept=""):
        house.clock.at += at
        return house.call("GET", "/metrics", headers=[("accept", accept)]).body

    first, plain, other = page(0), page(0), page(0, OPEN_METRICS)

    assert first == plain != other
    assert page(KEPT_MS - 1) == first
    assert page(0, OPEN_METRICS) == other
    assert page(1) != first
    assert page(-KEPT_MS) != first, "a clock that was set back keeps nothing"


def test_names_and_types_are_as_prometheus_wants_them():
    house = House()
    house.post(EVENTS, event())
    house.call("POST", EVENTS, b"{")
    house.edge.metrics.delivery("stripe", "processed")

    families = list(text_string_to_metric_families(house.call("GET", "/metrics").body.decode()))

    assert len(families) > 12
    for family in families:
        assert re.fullmatch(r"(laurels|process)_[a-z_]+[a-z]", family.name)
        assert family.documentation.endswith(".")
        names = {sample.name.removeprefix(family.name) for sample in family.samples}
        assert (
            names
            <= {
                "counter": {"_total"},
                "gauge": {"", "_info"},
                "histogram": {"_bucket", "_count", "_sum"},
            }[family.type]
        ), family
        for sample in family.samples:
            assert set(sample.labels) <= {
                *("route", "status", "refusal", "command", "kind", "answered_by", "source", "le"),
                "version",
            }
    histograms = [family.name for family in families if family.type == "histogram"]
    assert histograms == [
        "laurels_request_seconds",
        "laurels_batch_size",
        "laurels_commit_seconds",
    ]


def test_every_metric_is_documented():
    house = House()
    page = house.call("GET", "/metrics").body.decode()
    docs = DOCS.read_text("utf-8")
    told = set(re.findall(r"^\| `(laurels_\w+)` \|", docs, re.MULTILINE))

    assert set(re.findall(r"^# TYPE (laurels_\w+)", page, re.MULTILINE)) == told


def test_a_run_is_counted_to_the_unit(house):
    key = {"X-API-Key": house.live_key}
    with TestClient(house.app) as client:
        for _ in range(3):
            assert client.post(EVENTS, headers=key, json=event()).status_code == 200
        for _ in range(2):
            client.post(EVENTS, headers=key, json=event("bob", idempotency_key="k1"))
        client.post(EVENTS, headers=key, content=b"{")
        client.post(EVENTS, json=event())
        twins = [event("cid", idempotency_key="twin") for _ in range(2)]
        client.post(f"{EVENTS}/batch", headers=key, json={"events": [*twins, event("dan")]})
        client.get("/v1/health")
        client.get("/docs")
        client.get("/nothing")
        client.options("/nothing")
        client.request("PUT", EVENTS)
        found = scrape(client)

    assert found("requests_total", route="emitEvent", status="200") == 5
    assert found("requests_total", route="emitEvent", status="422") == 1
    assert found("requests_total", route="emitEvent", status="401") == 1
    assert found("requests_total", route="emitBatch", status="200") == 1
    assert found("requests_total", route="none", status="404") == 1
    assert found("requests_total", route="none", status="405") == 1
    assert found("requests_total", route="page", status="200") == 1
    assert found("requests_total", route="preflight", status="204") == 1
    assert found("requests_refused_total", refusal="malformed_body") == 1
    assert found("requests_refused_total", refusal="unauthorized") == 1
    assert found("request_seconds_count", route="emitEvent") == 7
    assert found("request_seconds_bucket", route="emitEvent", le="+Inf") == 7
    assert 0 < found("request_seconds_sum", route="emitEvent") < 60
    assert found("commands_total", command="event") == 6
    assert found("replays_total", answered_by="cache") == 1
    assert found("replays_total", answered_by="store") == 1
    # One commit for each of four single events, one for the batch.
    assert found("batch_size_count") == found("commit_seconds_count") == 5
    assert found("batch_size_sum") == 7
    assert found("batch_size_bucket", le="1.0") == 4
    assert found("batch_size_bucket", le="5.0") == 5
    assert found("events_waiting") == found("commits_failed_total") == 0
    kinds = changes(house)
    assert kinds
    assert found.labels("changes_total") == kinds


def changes(house):
    """Count the kinds of changes in the journal itself."""
    counts = {}
    for entry in house.store.queries.journal("demo/live", after=0, count=1_000):
        for change in entry.changes:
            kind = (change.__struct_config__.tag,)
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def test_what_the_rules_refuse_is_counted_where_it_is_decided(house):
    key = {"X-API-Key": house.live_key}
    deduct = {"participant_id": "ann", "amount": 5, "reason": "none"}
    with TestClient(house.app) as client:
        reply = client.post("/api/v1/gamify/points/deduct", headers=key, json=deduct)
        found = scrape(client)

    assert reply.status_code == 400
    assert found("commands_refused_total", refusal="would_overdraw") == 1
    assert found("commands_total", command="deduct") == 0


def test_what_waits_is_told_while_it_waits(house, tmp_path):
    metrics = house.server.edge.metrics
    key = {"X-API-Key": house.live_key}
    with TestClient(house.app) as client:
        with held(tmp_path / "laurels.db"):
            body = {"events": [event(f"p{n}") for n in range(7)]}
            sending = threading.Thread(
                target=client.post, args=(f"{EVENTS}/batch",), kwargs={"headers": key, "json": body}
            )
            sending.start()
            while not metrics.events_waiting():
                sending.join(0.01)
            waiting = scrape(client)("events_waiting")
        sending.join()

    assert (waiting, metrics.events_waiting()) == (7, 0)


def test_a_batch_that_cannot_be_written_is_counted(house, tmp_path):
    key = {"X-API-Key": house.live_key}
    with TestClient(house.app) as client:
        with out_of_order(tmp_path / "laurels.db"):
            assert client.post(EVENTS, headers=key, json=event()).status_code == 503
        found = scrape(client)

    assert found("commits_failed_total") == 1
    assert found("requests_refused_total", refusal="unavailable") == 1
    assert found("commands_total", command="event") == 0


def test_a_thousand_unknown_paths_make_no_new_series():
    house = House()
    for path in ("/nothing", "/v1/nothing", "/api/v1/nothing"):
        house.call("GET", path)
    house.call("PUT", EVENTS)
    house.call("PUT", f"{EVENTS[:14]}/participants/x/events")
    house.call("OPTIONS", "/nothing")
    house.call("GET", "/api/v1/gamify/participants/x/events")
    house.call("GET", "/metrics")
    house.clock.at += KEPT_MS
    series = set(samples(house.call("GET", "/metrics").body.decode()))
    house.clock.at += KEPT_MS

    for n in range(1_000):
        house.call("GET", f"/{'v1' * (n % 2)}/path-{n}")
        house.call(f"METHOD{n}", f"/api/v1/x{n}")
        house.call("OPTIONS", f"/{n}")
        house.call("PUT", f"/api/v1/gamify/participants/{n}/events")
        house.call("GET", f"/api/v1/gamify/participants/{n}/events?q{n}=1")

    assert set(samples(house.call("GET", "/metrics").body.decode())) == series


def test_nothing_about_anybody_is_told(house):
    key = {"X-API-Key": house.live_key}
    with TestClient(house.app) as client:
        client.post(EVENTS, headers=key, json=event("who-i-am", "what_i_did", idempotency_key="k9"))
        client.get("/api/v1/gamify/participants/who-i-am/events", headers=key)
        page = client.get("/metrics").text

    for secret in ("who-i-am", "what_i_did", "k9", "demo", house.live_key, house.app_secret):
        assert secret not in page


def test_streams_and_deliveries_are_counted():
    house = House()
    metrics = house.edge.metrics
    metrics.stream_opened()
    metrics.stream_opened()
    metrics.stream_closed()
    for _ in range(2):
        metrics.delivery("stripe", "processed")
    metrics.delivery("stripe", "parked")

    found = Scraped(house.call("GET", "/metrics").body.decode())

    assert found("streams_open") == 1
    assert found("deliveries_total", source="stripe", status="processed") == 2
    assert found("deliveries_total", source="stripe", status="parked") == 1


def test_sources_that_somebody_makes_up_come_to_one():
    metrics = Metrics()

    for n in range(1_000):
        metrics.delivery(f"source-{n}", "processed")

    assert len(metrics.deliveries) == DELIVERIES_TOLD_APART_MAX + 1
    assert metrics.deliveries["other", "other"] == 1_000 - DELIVERIES_TOLD_APART_MAX


@pytest.mark.parametrize("value", [0, 0.0005, 0.00051, 0.3, 10.0, 10.1])
def test_a_value_counts_in_each_bucket_that_it_fits_into(value):
    histogram = Histogram(SECONDS)

    histogram.observe(value)

    counts = [sum(histogram.counts[: n + 1]) for n in range(len(SECONDS))]
    assert counts == [int(value <= bound) for bound in SECONDS]
    assert (sum(histogram.counts), histogram.sum) == (1, value)


def test_whoever_counts_may_go_on_while_somebody_reads():
    house = House()
    metrics, is_over = house.edge.metrics, threading.Event()

    def count():
        n = 0
        while not is_over.is_set():
            n += 1
            metrics.answered(f"route {n % 500}", n % 500, 0.01)
            metrics.changes[type(f"T{n % 500}", (), {})] += 1

    counting = threading.Thread(target=count)
    counting.start()
    try:
        for _ in range(3):
            house.clock.at += KEPT_MS
            assert house.call("GET", "/metrics").status == 200
    finally:
        is_over.set()
        counting.join()
