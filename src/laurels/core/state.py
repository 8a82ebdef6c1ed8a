"""All that the rules may know of one participant: one value, opened only where a fact looks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from laurels.core import limits
from laurels.core.errors import StateTooLarge
from laurels.core.event import EventId, Instant
from laurels.core.ledger import Balance
from laurels.core.number import Millionths
from laurels.core.section import PROFILE, SECTIONS, Section, Value

SCHEMA: Final = 1


class Progress(
    Struct,
    frozen=True,
    omit_defaults=True,
    gc=False,
    # A state is written with every event of its participant, so its names are short.
    rename={
        "measures": "m",
        "seen": "s",
        "completed_at": "done",
        "claimed_at": "paid",
        "milestones": "way",
        "reached_at": "at",
        "lapsed": "gone",
    },
):
    """
    How far one window of something that counts has come.

    Challenges measure by objective. Boards, caps and tiers have one measure, named by nothing.
    """

    measures: dict[str, Millionths] = {}
    seen: dict[str, list[str]] = {}
    """Distinct values in canonical JSON, sorted, so that arrival order leaves no trace."""
    completed_at: Instant | None = None
    claimed_at: Instant | None = None
    milestones: tuple[str, ...] = ()
    """Those that were paid."""
    reached_at: Instant | None = None
    """When it last moved, by the time of the facts. Of a score: what ties are decided by."""
    lapsed: bool = False
    """Completed, and not claimed until there were too many of its kind."""

    @property
    def measure(self) -> Millionths:
        """The measure of what has only one."""
        return self.measures.get("", 0)


Windows: TypeAlias = dict[str, Progress]

UNTOUCHED: Final = Progress()

BOARD: Final = "/board/"
CAP: Final = "/cap/"
TIER_COUNT: Final = "/tier"
TIER_PERIODS: Final = "/tier/periods"
"""What counts in windows beside challenges, whose ids begin with a letter or a digit."""


class Stored(Struct, omit_defaults=True):
    """A state as it is written down. What nobody asks about stays closed."""

    schema: int
    balances: dict[str, Balance] = {}
    badges: dict[str, Instant] = {}
    items: dict[str, int] = {}
    challenges: dict[str, Raw] = {}
    """Whatever counts in windows, by its id."""
    folded: dict[str, str] = {}
    """By the same id, the newest window that was folded away into a row of its own."""
    sections: dict[str, Raw] = {}
    due: dict[str, Instant] = {}
    """By section, when it must be settled. Follows from the rest, and from the rulebook."""
    created_at: Instant = 0
    posted: tuple[int, EventId] | None = None
    """How many postings there were, and the last command that made some: a chain to walk back."""


_stored: Final = msgspec.json.Decoder(Stored)
_windows: Final = msgspec.json.Decoder(Windows)
_encode: Final = msgspec.json.Encoder().encode


class State:
    """A participant's state while a batch works on it."""

    __slots__ = (
        "_closed",
        "_moved",
        "_open",
        "_opened",
        "_sections",
        "_touched",
        "badges",
        "balances",
        "created_at",
        "due",
        "due_at",
        "due_kept",
        "folded",
        "is_new",
        "items",
        "posted",
    )

    def __init__(self, text: str | bytes | None = None) -> None:
        self.is_new = text is None
        """Whether the participant was never met, so that there is no row yet."""
        stored = Stored(SCHEMA) if text is None else _stored.decode(text)
        assert stored.schema == SCHEMA, f"a state of schema {stored.schema}"
        self.balances = stored.balances
        self.badges = stored.badges
        self.items = stored.items
        self.folded = stored.folded
        self.due = stored.due
        self.due_at = min(self.due.values(), default=None)
        """The earliest moment at which something must be settled."""
        self.due_kept = self.due_at
        """What the store holds as the earliest due date."""
        self.created_at = stored.created_at
        self.posted = stored.posted
        self._closed = stored.challenges
        self._open: dict[str, Windows] = {}
        self._moved: set[str] = set()
        self._sections = stored.sections
        self._opened: dict[str, Any] = {}
        self._touched: set[str] = set()

    @property
    def timezone(self) -> str | None:
        profile = self.read(PROFILE, "")
        return None if profile is None else profile.timezone

    def clear(self, at: Instant) -> None:
        """Make it the state of somebody who was met at that moment, and has done nothing yet."""
        kept = self.due_kept
        self.__init__()
        self.is_new, self.created_at, self.due_kept = False, at, kept

    def read(self, section: Section[Value], key: str) -> Value | None:
        """Return what stands in a section, if anything does."""
        name = section.at(key)
        if name in self._opened:
            return self._opened[name]
        closed = self._sections.get(name)
        value = None if closed is None else section.decode(closed)
        self._opened[name] = value
        return value

    def keys(self, section: Section[Any]) -> Iterator[str]:
        """Return the keys of all sections of a kind that have something in them."""
        prefix = section.at("")
        names = {*self._sections, *self._opened}
        for name in sorted(names):
            if name.startswith(prefix) and self._opened.get(name, True) is not None:
                yield name[len(prefix) :]

    def set_due(self, moments: Mapping[str, Instant | None]) -> None:
        """Set when sections must be settled; None is never."""
        due = {name: at for name, at in {**self.due, **moments}.items() if at is not None}
        self.due, self.due_at = due, min(due.values(), default=None)

    def put(self, name: str, value: object) -> None:
        """Put a value into the section of that full name; None empties it."""
        self._opened[name] = value
        self._touched.add(name)

    def windows(self, challenge: str) -> Windows:
        """Return the live windows of a challenge, by name, to look at."""
        windows = self._open.get(challenge)
        if windows is None:
            closed = self._closed.get(challenge)
            windows = self._open[challenge] = {} if closed is None else _windows.decode(closed)
        return windows

    def counted(self, prefix: str) -> Iterator[str]:
        """Return the ids of what counts in windows and begins so."""
        return (each for each in sorted({*self._closed, *self._open}) if each.startswith(prefix))

    def put_window(self, challenge: str, window: str, progress: Progress) -> None:
        self.windows(challenge)[window] = progress
        self._moved.add(challenge)

    def walk_back(self, command: EventId, postings: int) -> EventId | None:
        """
        Note that a command made postings, and return the one before it that did, if any.

        So a ledger can be read backwards without an index of its own.
        """
        if not postings:
            return None
        before = self.posted
        self.posted = ((before[0] if before else 0) + postings, command)
        return before[1] if before else None

    def fold_away(self) -> list[tuple[str, str, str]]:
        """
        Take the oldest windows out of the state, as (challenge, window, progress) to be kept apart.

        What is completed and not yet claimed stays: a claim must find it here.
        """
        away: list[tuple[str, str, str]] = []
        for challenge in self._moved:
            windows = self._open[challenge]
            if len(windows) <= limits.WINDOWS_LIVE_MAX:
                continue
            settled = sorted(name for name, progress in windows.items() if not is_owed(progress))
            for name in settled[: len(windows) - limits.WINDOWS_LIVE_MAX]:
                away.append((challenge, name, encode_progress(windows.pop(name))))
                self.folded[challenge] = max(name, self.folded.get(challenge, ""))
        return away

    def misses(self, challenge: str, window: str) -> bool:
        """Say whether that window may have been folded away, and must be fetched to be judged."""
        newest = self.folded.get(challenge)
        return newest is not None and window <= newest and window not in self.windows(challenge)

    def picture(self) -> tuple[object, ...]:
        """Return all that is in the state, as values to compare; which windows are live is not."""
        challenges = {key: self.windows(key) for key in {*self._closed, *self._open}}
        touched = {key: windows for key, windows in challenges.items() if windows}
        sections = {
            section.at(key): self.read(section, key)
            for section in SECTIONS
            for key in self.keys(section)
        }
        return self.balances, self.badges, self.items, touched, sections

    def encode(self) -> str:
        """Return the state as text, and refuse to outgrow the limit. Only what moved is spelled."""
        for challenge in self._moved:
            self._closed[challenge] = Raw(_encode(self._open[challenge]))
        self._moved.clear()
        for name in self._touched:
            value = self._opened[name]
            if value is None:
                self._sections.pop(name, None)
            else:
                self._sections[name] = Raw(_encode(value))
        self._touched.clear()
        encoded = _encode(
            Stored(
                SCHEMA,
                balances=self.balances,
                badges=self.badges,
                items=self.items,
                challenges=self._closed,
                folded=self.folded,
                sections=self._sections,
                due=self.due,
                created_at=self.created_at,
                posted=self.posted,
            )
        )
        if len(encoded) > limits.STATE_BYTES_MAX:
            raise StateTooLarge
        return encoded.decode()


def is_owed(progress: Progress) -> bool:
    """Say whether a window is completed and its reward still to be claimed."""
    is_claimed = progress.claimed_at is not None or progress.lapsed
    return progress.completed_at is not None and not is_claimed


def encode_progress(progress: Progress) -> str:
    return _encode(progress).decode()


def decode_progress(text: str) -> Progress:
    return msgspec.json.decode(text, type=Progress)
