"""What clients know, what the store holds, and whether the two agree."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path as File
from typing import NamedTuple

from tests.e2e.wire import Ack, Event, Path, Reply, acks_of

from laurels import wiring

BONUS_STEPS = 100
BONUS = 1000


class Sent(NamedTuple):
    path: Path
    events: list[Event]


class Log:
    """Kept by all clients together: what they sent, and what they were promised."""

    def __init__(self) -> None:
        self.sent: dict[str, Event] = {}
        self.acked: dict[str, str | None] = {}
        self.first: set[str] = set()
        self.waiting: dict[int, Sent] = {}
        self.refused: list[Reply] = []
        self.contradictions: list[str] = []
        self._requests = 0

    def send(self, sent: Sent) -> int:
        """Note a request before its first byte leaves."""
        self.sent.update((event.key, event) for event in sent.events)
        self._requests += 1
        self.waiting[self._requests] = sent
        return self._requests

    def answer(self, number: int, reply: Reply) -> list[Ack]:
        """Note what a request was answered. What was refused is still waiting to be kept."""
        if not reply.ok:
            self.refused.append(reply)
            return []
        path, events = self.waiting.pop(number)
        acks = acks_of(path, reply)
        for event, ack in zip(events, acks, strict=True):
            self._take(event.key, ack)
        return acks

    def _take(self, key: str, ack: Ack) -> None:
        known = self.acked.get(key)
        if known and ack.id and known != ack.id:
            self.contradictions.append(f"{key} was answered with {known} and with {ack.id}")
        if ack.first and key in self.first:
            self.contradictions.append(f"{key} was new twice")
        if ack.first:
            self.first.add(key)
        self.acked[key] = known or ack.id


class Row(NamedTuple):
    id: str
    key: str
    participant: str
    name: str
    properties: str


class Stored(NamedTuple):
    """What a file holds, read without the server's help."""

    events: list[Row]
    points: dict[str, int]


def stored(file: File) -> Stored:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        events = connection.execute("SELECT id, key, participant, name, properties FROM events")
        sums = """
            SELECT substr(account, 3), SUM(amount)
              FROM (SELECT target AS account, amount, currency FROM postings
                     UNION ALL
                    SELECT source, -amount, currency FROM postings)
             WHERE account LIKE 'p:%' AND currency = 'points'
             GROUP BY account"""
        return Stored([Row(*row) for row in events], dict(connection.execute(sums).fetchall()))


def verified(file: File) -> list[str]:
    """Ask the product's own check. It may run beside a server."""
    with closing(wiring.open_store(f"sqlite:{file}", must_exist=True)) as store:
        return list(store.verify())


def reconcile(log: Log, held: Stored) -> list[str]:
    """Return whatever is lost, counted twice, altered or made up, as sentences."""
    return [
        *log.contradictions,
        *_lost(log, held),
        *_strange(log, held),
        *_miscounted(held),
    ]


def _lost(log: Log, held: Stored) -> Iterator[str]:
    ids = {row.key: row.id for row in held.events}
    for key, acked in log.acked.items():
        if key not in ids:
            yield f"{key} was acknowledged and is lost"
        elif acked not in (None, ids[key]):
            yield f"{key} was acknowledged as {acked} and is stored as {ids[key]}"


def _strange(log: Log, held: Stored) -> Iterator[str]:
    for key, times in Counter(row.key for row in held.events).items():
        if times > 1:
            yield f"{key} is stored {times} times"
    for row in held.events:
        event = log.sent.get(row.key)
        if event is None:
            yield f"{row.key} was never sent"
        elif row[2:] != (event.participant, event.name, event.properties_json):
            yield f"{row.key} was sent as {event} and is stored as {row}"


def _miscounted(held: Stored) -> Iterator[str]:
    earned: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for row in held.events:
        if row.name == "step":
            steps[row.participant] += 1
        else:
            earned[row.participant] += json.loads(row.properties)["km"]
    for participant in sorted({*steps, *earned, *held.points}):
        count = steps[participant]
        due = earned[participant] + count + (BONUS if count >= BONUS_STEPS else 0)
        has = held.points.get(participant, 0)
        if has != due:
            yield f"{participant} has {has} points for events worth {due}"
