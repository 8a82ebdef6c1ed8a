"""All that the rules may know of one participant: one value, opened only where a fact looks."""

from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from laurels.core import limits
from laurels.core.errors import StateTooLarge
from laurels.core.event import Instant
from laurels.core.ledger import NOTHING, Balance
from laurels.core.number import Millionths

SCHEMA: Final = 1


class Progress(
    Struct,
    frozen=True,
    omit_defaults=True,
    gc=False,
    # A state is written with every event of its participant, so its names are short.
    rename={"measures": "m", "seen": "s", "completed_at": "done", "claimed_at": "paid"},
):
    """How far one window of a challenge has come: a measure, or the values seen, by objective."""

    measures: dict[str, Millionths] = {}
    seen: dict[str, list[str]] = {}
    """Distinct values in canonical JSON, sorted, so that arrival order leaves no trace."""
    completed_at: Instant | None = None
    claimed_at: Instant | None = None


Windows: TypeAlias = dict[str, Progress]

UNTOUCHED: Final = Progress()


class Stored(Struct, omit_defaults=True):
    """A state as it is written down. Challenges nobody asks about stay closed."""

    schema: int
    balances: dict[str, Balance] = {}
    badges: dict[str, Instant] = {}
    items: dict[str, int] = {}
    challenges: dict[str, Raw] = {}
    folded: dict[str, str] = {}
    """By challenge, the newest window that was folded away into a row of its own."""


_stored: Final = msgspec.json.Decoder(Stored)
_windows: Final = msgspec.json.Decoder(Windows)
_encode: Final = msgspec.json.Encoder().encode


class State:
    """A participant's state while a batch works on it."""

    __slots__ = (
        "_closed",
        "_moved",
        "_open",
        "badges",
        "balances",
        "folded",
        "is_new",
        "items",
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
        self._closed = stored.challenges
        self._open: dict[str, Windows] = {}
        self._moved: set[str] = set()

    def windows(self, challenge: str) -> Windows:
        """Return the live windows of a challenge, by name, to look at."""
        windows = self._open.get(challenge)
        if windows is None:
            closed = self._closed.get(challenge)
            windows = self._open[challenge] = {} if closed is None else _windows.decode(closed)
        return windows

    def put_window(self, challenge: str, window: str, progress: Progress) -> None:
        self.windows(challenge)[window] = progress
        self._moved.add(challenge)

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
        return self.balances, self.badges, self.items, touched

    def encode(self) -> str:
        """Return the state as text, and refuse to outgrow the limit. Only what moved is spelled."""
        for challenge in self._moved:
            self._closed[challenge] = Raw(_encode(self._open[challenge]))
        self._moved.clear()
        encoded = _encode(
            Stored(
                SCHEMA,
                balances=self.balances,
                badges=self.badges,
                items=self.items,
                challenges=self._closed,
                folded=self.folded,
            )
        )
        if len(encoded) > limits.STATE_BYTES_MAX:
            raise StateTooLarge
        return encoded.decode()


class Draft:
    """
    A private overlay of a state, for one command. Nothing shows until it is folded in.

    So a command that is refused or parked halfway leaves no trace of its first half.
    """

    __slots__ = ("_badges", "_balances", "_items", "_progress", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._balances: dict[str, Balance] = {}
        self._badges: dict[str, Instant] = {}
        self._items: dict[str, int] = {}
        self._progress: dict[tuple[str, str], Progress] = {}

    def balance(self, currency: str) -> Balance:
        drafted = self._balances.get(currency)
        return drafted or self._state.balances.get(currency, NOTHING)

    def set_balance(self, currency: str, balance: Balance) -> None:
        self._balances[currency] = balance

    def has_badge(self, badge: str) -> bool:
        return badge in self._badges or badge in self._state.badges

    def add_badge(self, badge: str, at: Instant) -> None:
        self._badges[badge] = at

    def add_item(self, item: str, quantity: int) -> None:
        self._items[item] = self._items.get(item, self._state.items.get(item, 0)) + quantity

    def progress(self, challenge: str, window: str) -> Progress:
        drafted = self._progress.get((challenge, window))
        return drafted or self._state.windows(challenge).get(window, UNTOUCHED)

    def set_progress(self, challenge: str, window: str, progress: Progress) -> None:
        self._progress[challenge, window] = progress

    def fold_in(self) -> None:
        """Make the draft the state."""
        state = self._state
        state.balances.update(self._balances)
        state.badges.update(self._badges)
        state.items.update(self._items)
        for (challenge, window), progress in self._progress.items():
            state.put_window(challenge, window, progress)


def is_owed(progress: Progress) -> bool:
    """Say whether a window is completed and its reward not yet claimed."""
    return progress.completed_at is not None and progress.claimed_at is None


def encode_progress(progress: Progress) -> str:
    return _encode(progress).decode()


def decode_progress(text: str) -> Progress:
    return msgspec.json.decode(text, type=Progress)
