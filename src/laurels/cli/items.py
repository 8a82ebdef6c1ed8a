"""Lines that are events: decoded as the API decodes a body, with a progress bar by bytes."""

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import click

from laurels.api.bricqs import wire
from laurels.api.bricqs.read import Part, Reader
from laurels.cli.lines import STDIN, Line, Report, Source
from laurels.core.errors import InvalidBody, MalformedBody
from laurels.core.limits import INGEST_BATCH_EVENTS_MAX

BAR_STEP_BYTES: Final = 1 << 16

_reader: Final = Reader(wire.IngestEvent, wire.IngestBatch, INGEST_BATCH_EVENTS_MAX)


class Item(NamedTuple):
    """A line that has the shape of an event."""

    line: Line
    part: Part[wire.IngestEvent]


@contextmanager
def opened(files: Sequence[str], report: Report) -> Generator[Iterator[Item]]:
    """Yield the events of some files, and report the lines that are none."""
    sources = [Source(name) for name in files]
    if STDIN in files:
        # Of standard input nobody knows how much is to come.
        yield (item for source in sources for item in _items(source, report))
        return
    with click.progressbar(
        length=sum(source.size for source in sources),
        label="Importing",
        file=sys.stderr,
        update_min_steps=BAR_STEP_BYTES,
    ) as bar:
        yield (item for source in sources for item in _moving(bar.update, source, report))


def _moving(update: Callable[[int], None], source: Source, report: Report) -> Iterator[Item]:
    shown = 0
    for item in _items(source, report):
        update(source.read_bytes - shown)
        shown = source.read_bytes
        yield item
    update(source.size - shown)


def _items(source: Source, report: Report) -> Iterator[Item]:
    for line in source.lines(report):
        try:
            part = _reader.one(line.text)
        except (MalformedBody, InvalidBody) as problem:
            report(line.place, problem.message.removeprefix("The body "))
        else:
            yield Item(line, part)
