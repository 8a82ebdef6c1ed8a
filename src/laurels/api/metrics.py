"""`/metrics`: what the server counts of itself, as Prometheus reads it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from laurels.api.edge import Edge
from laurels.api.exchange import Reply, Request
from laurels.core.event import Instant
from laurels.engine.metrics import Histogram, Metrics

PATH: Final = "/metrics"
KEPT_MS: Final = 1_000

_OPEN_METRICS: Final = "application/openmetrics-text"
_capitals: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Page:
    """
    Numbers are put into words when somebody asks: counting itself knows nothing of that.

    A page takes some milliseconds of the thread that takes requests. So each is kept for a second:
    the page is open to all, and nobody can keep us busy by asking.
    """

    def __init__(self, edge: Edge) -> None:
        self._clock = edge.clock
        self._registry = CollectorRegistry()
        self._registry.register(_Counted(edge.metrics, edge.config.version))
        ProcessCollector(registry=self._registry)
        self._kept = dict[str, tuple[Instant, Reply]]()

    def read(self, request: Request) -> Reply:
        # Only these two formats; whatever else a caller may accept, it gets the plain one.
        form = (
            _OPEN_METRICS if _OPEN_METRICS.encode() in request.headers.get(b"accept", b"") else ""
        )
        now = self._clock.now()
        made_at, reply = self._kept.get(form, (0, None))
        if reply is None or not 0 <= now - made_at < KEPT_MS:
            encode, media = choose_encoder(form)
            reply = Reply(200, encode(self._registry), media=media.encode())
            self._kept[form] = (now, reply)
        return reply


class _Counted(Collector):
    def __init__(self, metrics: Metrics, version: str) -> None:
        self._metrics = metrics
        self._build = {"version": version}

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("laurels_build", "Which Laurels this is.", self._build)
        yield from self._of_requests()
        yield from self._of_commits()
        yield from self._of_streams()

    def _of_requests(self) -> Iterator[Metric]:
        # Copies, of names and all: whoever counts may go on meanwhile.
        routes = self._metrics.routes.copy()
        yield _counter(
            "laurels_requests",
            "Requests that were answered, by route and status.",
            ("route", "status"),
            {
                (name, str(status)): count
                for name, route in routes.items()
                for status, count in route.statuses.copy().items()
            },
        )
        yield _histogram(
            "laurels_request_seconds",
            "How long it took until a reply was known.",
            ("route",),
            # What is no route is not timed.
            {(name,): each.seconds for name, each in routes.items() if any(each.seconds.counts)},
        )
        yield _by_class(
            "laurels_requests_refused",
            "Requests that were refused as a whole, by the refusal.",
            "refusal",
            self._metrics.requests_refused,
        )

    def _of_commits(self) -> Iterator[Metric]:
        metrics = self._metrics
        waiting = metrics.events_waiting()
        yield _gauge("laurels_events_waiting", "Events that wait to be written.", waiting)
        yield _gauge(
            "laurels_events_queued",
            "Events that wait in the queue, of all processes, as this one saw it last.",
            metrics.events_queued(),
        )
        yield _gauge(
            "laurels_limits_shared",
            "1 while rate limits hold over all processes through Redis, else 0.",
            metrics.limits_shared(),
        )
        yield _histogram(
            "laurels_batch_size",
            "How many commands were committed together; there is a commit a batch.",
            (),
            {(): metrics.batch_sizes},
        )
        yield _histogram(
            "laurels_commit_seconds",
            "How long a batch took from its first read to the end of its commit.",
            (),
            {(): metrics.commit_seconds},
        )
        yield _counter(
            "laurels_commits_failed",
            "Batches that could not be committed as a whole.",
            (),
            {(): metrics.commits_failed},
        )
        yield _by_class(
            "laurels_commands", "Commands that were decided.", "command", metrics.commands
        )
        yield _by_class(
            "laurels_commands_refused",
            "Commands that the rules refused.",
            "refusal",
            metrics.commands_refused,
        )
        yield _by_class("laurels_changes", "What came of commands.", "kind", metrics.changes)
        yield _counter(
            "laurels_replays",
            "Commands that had been answered before, by the memory that knew.",
            ("answered_by",),
            {(name,): count for name, count in metrics.replays.copy().items()},
        )

    def _of_streams(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield _gauge("laurels_streams_open", "Streams of updates.", metrics.streams_open)
        yield _counter(
            "laurels_deliveries",
            "Inbound webhooks, by source and what became of them.",
            ("source", "status"),
            metrics.deliveries.copy(),
        )


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def _counter(
    name: str, about: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], float]
) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _by_class(name: str, about: str, label: str, counts: Mapping[type, int]) -> Metric:
    named = {(_word(kind),): count for kind, count in dict(counts).items()}
    return _counter(name, about, (label,), named)


def _histogram(
    name: str,
    about: str,
    labels: tuple[str, ...],
    histograms: Mapping[tuple[str, ...], Histogram],
) -> Metric:
    family = HistogramMetricFamily(name, about, labels=labels)
    for values, histogram in histograms.items():
        family.add_metric(values, _buckets(histogram), histogram.sum)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    counts: Iterable[int] = accumulate(histogram.counts.copy())
    return list(zip(_spelled(tuple(histogram.bounds)), counts, strict=True))


@cache
def _spelled(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return (*(str(float(bound)) for bound in bounds), "+Inf")


@cache
def _word(kind: type) -> str:
    """Name a kind of change as the journal does, and anything else by its class."""
    tag = getattr(getattr(kind, "__struct_config__", None), "tag", None)
    return tag or _capitals.sub("_", kind.__name__).lower()
