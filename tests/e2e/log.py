"""What clients know, what the store holds, and whether the two agree."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tests.e2e.rows import Place, rows, verified
from tests.e2e.wire import TO_SEND_AGAIN, Ack, Event, Path, Reply, acks_of

__all__ = ["Log", "Row", "Sent", "Stored", "reconcile", "stored", "verified"]

BONUS_STEPS = 100
BONUS = 1000

EVENTS = "SELECT id, key, participant, name, properties FROM events WHERE participant LIKE '{who}'"
POINTS = """
    SELECT substr(account, 3), CAST(SUM(amount) AS BIGINT)
      FROM (SELECT target AS account, amount, currency FROM postings
             UNION ALL
            SELECT source, -amount, currency FROM postings) AS moves
     WHERE account LIKE 'p:{who}' AND currency = 'points'
     GROUP BY account"""
TWINS = "SELECT id, duplicate_of FROM duplicates"


class Sent(NamedTuple):
    path: Path
    events: list[Event]


class Contradiction(NamedTuple):
    """Two answers of one key, and what is wrong with them unless one id stands for the other."""

    one: str | None
    other: str | None
    said: str


class Log:
    """
    Kept by all clients together: what they sent, and what they were promised.

    `accepting` are the routes that only accept: what waits is still new to who has it decided.
    """

    def __init__(self, accepting: Collection[Path] = ()) -> None:
        self.accepting = accepting
        self._new: set[tuple[bool, str]] = set()
        self.sent: dict[str, Event] = {}
        self.acked: dict[str, str | None] = {}
        self.first: set[str] = set()
        self.waiting: dict[int, Sent] = {}
        self.refused: list[Reply] = []
        self.contradictions: list[Contradiction] = []
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
        path, events = self.waiting[number]
        acks = acks_of(path, reply)
        for event, ack in zip(events, acks, strict=True):
            if ack is not TO_SEND_AGAIN:
                self._take(event.key, ack, accepted=path in self.accepting)
        if TO_SEND_AGAIN not in acks:
            del self.waiting[number]
        return acks

    def _take(self, key: str, ack: Ack, *, accepted: bool) -> None:
        known = self.acked.get(key)
        if known and ack.id and known != ack.id:
            said = f"{key} was answered with {known} and with {ack.id}"
            self.contradictions.append(Contradiction(known, ack.id, said))
        if ack.first and (accepted, key) in self._new:
            self.contradictions.append(Contradiction(known, ack.id, f"{key} was new twice"))
        if ack.first:
            self._new.add((accepted, key))
            self.first.add(key)
        self.acked[key] = known or ack.id


class Row(NamedTuple):
    id: str
    key: str
    participant: str
    name: str
    properties: str


class Stored(NamedTuple):
    """What a store holds, read without the server's help."""

    events: list[Row]
    points: dict[str, int]
    twins: Mapping[str, str] = MappingProxyType({})
    """Other ids that were promised under a key, and the one that they stand for."""

    def is_same(self, one: str | None, other: str | None) -> bool:
        return one != other and self.twins.get(one or "", one) == self.twins.get(other or "", other)


def stored(place: Place, who: str = "%") -> Stored:
    """Read about those whose names match a pattern."""
    events, points, twins = rows(place, EVENTS.format(who=who), POINTS.format(who=who), TWINS)
    return Stored([Row(*row) for row in events], dict(points), dict(twins))


def reconcile(log: Log, held: Stored) -> list[str]:
    """Return whatever is lost, counted twice, altered or made up, as sentences."""
    return [
        *(one.said for one in log.contradictions if not held.is_same(one.one, one.other)),
        *_lost(log, held),
        *_strange(log, held),
        *_miscounted(held),
    ]


def _lost(log: Log, held: Stored) -> Iterator[str]:
    ids = {row.key: row.id for row in held.events}
    for key, acked in log.acked.items():
        if key not in ids:
            yield f"{key} was acknowledged and is lost"
        elif acked not in (None, ids[key]) and not held.is_same(acked, ids[key]):
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
