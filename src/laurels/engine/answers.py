"""What the store answers to questions, as values."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from laurels.core.change import Change
from laurels.core.compile import Compiled
from laurels.core.event import EventId, Instant, ParticipantId
from laurels.core.number import Millionths
from laurels.core.rulebook import Ties
from laurels.core.state import State


class HistoryEntry(Struct, frozen=True):
    id: EventId
    name: str
    properties_json: str
    occurred_at: Instant


class History(Struct, frozen=True):
    """One page of a participant's events, newest first, and how many there are in all."""

    entries: list[HistoryEntry]
    total: int


class JournalEntry(Struct, frozen=True):
    """One command as it was decided: who, by which rulebook, and all that came of it."""

    number: int
    command: EventId
    operation: str
    """`event`, or `claim:` and the challenge."""
    participant: ParticipantId
    version: int
    recorded_at: Instant
    changes: tuple[Change, ...]


class Completion(NamedTuple):
    """Somebody completed a challenge."""

    participant: ParticipantId
    challenge: str


class Feed(NamedTuple):
    """Part of a journal: some participants' entries up to and with `read_to`, all of one moment."""

    entries: list[JournalEntry]
    read_to: int
    head: int
    """The newest number there was; there is more to read while `read_to` is below it."""


class BoardName(NamedTuple):
    """One ranking: a board or contest, the window of its period, and perhaps one segment of it."""

    board: str
    window: str
    ties: Ties = "earliest"
    segment: str | None = None


class Placed(NamedTuple):
    """A participant's place in a ranking; the score is in millionths."""

    rank: int
    participant: ParticipantId
    score: Millionths
    reached_at: Instant


class Ranking(NamedTuple):
    """Some places of a ranking, best first, and how many there are in all."""

    places: list[Placed]
    total: int


class Snapshot(NamedTuple):
    """The ranks of the best at one moment, and whether there were others beside them."""

    ranks: Mapping[ParticipantId, int]
    has_more: bool


class LedgerLine(Struct, frozen=True):
    """One posting as the participant sees it: `amount` falls below zero for what was taken."""

    id: str
    """The command and the posting's place among its changes: `<event id>-<position>`."""
    command: EventId
    operation: str
    amount: int
    currency: str
    rule: str
    reason: str
    counterpart: str
    """The other account."""
    balance_after: int
    """What was there to spend of that currency afterwards."""
    recorded_at: Instant


class Ledger(Struct, frozen=True):
    """A page of postings, newest first, and how many there are in all."""

    lines: list[LedgerLine]
    total: int


class ClaimRow(Struct, frozen=True):
    """An offer that was granted or claimed, and what became of it."""

    id: str
    reward: str
    title: str
    type: str
    status: str
    """`granted`, `claimed`, `fulfilled` or `void`."""
    code: str | None
    at: Instant


class ContestRow(Struct, frozen=True):
    """How far the closing of a contest has come."""

    contest: str
    version: int
    """Of the rulebook that closed it."""
    closed_at: Instant
    paid: int
    """Up to which rank prizes have been sent out."""
    completed_at: Instant | None


class AnalyticsAsked(Struct, frozen=True, kw_only=True):
    """Which figures, of which hours: `since <= hour < until`, whole hours since 1970, UTC."""

    since: int
    until: int
    by: Literal["name", "hour", "day"]
    name: str | None = None
    """Only of this event; otherwise of all."""
    unique: bool = False
    """Whether participants are to be counted, which reads the events themselves."""


class Figures(Struct, frozen=True):
    """What some events came to. Which ones, the name or the moment tells; both are None for all."""

    name: str | None
    at: Instant | None
    """When the hour or the day begins, UTC."""
    events: int
    lag_ms_average: int
    lag_ms_max: int
    """Lag is from when an event occurred until we received it."""
    changes: int
    participants: int | None = None


class Analytics(Struct, frozen=True):
    """Moments rise; names come with the most events first."""

    total: Figures
    rows: list[Figures]
    has_more: bool
    """Whether there were more rows than are told of."""
    is_unique: bool
    """Whether participants were counted; not if the events were too many for that."""


class Met(NamedTuple):
    """A participant as stored, by the rulebook in force. Nothing due has been settled."""

    state: State
    rulebook: Compiled
