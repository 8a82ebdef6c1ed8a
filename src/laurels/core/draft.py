"""What a command is about to make of a state, kept apart until it has succeeded."""

from typing import Any

from laurels.core.event import Instant
from laurels.core.ledger import NOTHING, Balance
from laurels.core.section import Section, Value
from laurels.core.state import UNTOUCHED, Progress, State, Windows


class Draft:
    """
    A private overlay of a state, for one command. Nothing shows until it is folded in.

    So a command that is refused or parked halfway leaves no trace of its first half.
    """

    __slots__ = (
        "_badges", "_balances", "_due", "_items", "_progress", "_reset_at", "_sections", "_state",
    )  # fmt: skip

    def __init__(self, state: State) -> None:
        self._state = state
        self._balances: dict[str, Balance] = {}
        self._badges: dict[str, Instant] = {}
        self._items: dict[str, int] = {}
        self._progress: dict[tuple[str, str], Progress] = {}
        self._sections: dict[str, Any] = {}
        self._due: dict[str, Instant | None] = {}
        self._reset_at: Instant | None = None

    @property
    def is_due_moved(self) -> bool:
        """Whether the draft sets another moment for anything to be settled."""
        if not self._due:
            return False
        due = self._state.due
        return any(due.get(name) != at for name, at in self._due.items())

    def balance(self, currency: str) -> Balance:
        drafted = self._balances.get(currency)
        return drafted or self._state.balances.get(currency, NOTHING)

    def set_balance(self, currency: str, balance: Balance) -> None:
        self._balances[currency] = balance

    def currencies(self) -> list[str]:
        """Return the currencies that the participant ever had."""
        return sorted({*self._state.balances, *self._balances})

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

    def windows(self, challenge: str) -> Windows:
        """Return the live windows of a challenge, those of the draft among them."""
        drafted = {key[1]: each for key, each in self._progress.items() if key[0] == challenge}
        return {**self._state.windows(challenge), **drafted}

    def folded(self, challenge: str) -> str | None:
        """Return the newest window of a challenge that was folded away, if any was."""
        return self._state.folded.get(challenge)

    def read(self, section: Section[Value], key: str = "") -> Value | None:
        """Return what stands in a section, if anything does."""
        name = section.at(key)
        return self._sections[name] if name in self._sections else self._state.read(section, key)

    def put(self, section: Section[Value], key: str, value: Value | None) -> None:
        """Put a value into a section; None empties it."""
        self._sections[section.at(key)] = value

    def keys(self, section: Section[Any]) -> list[str]:
        """Return the keys of all sections of a kind that have something in them."""
        prefix = section.at("")
        drafted = {
            name[len(prefix) :]: value is not None
            for name, value in self._sections.items()
            if name.startswith(prefix)
        }
        there = {key for key in self._state.keys(section) if drafted.get(key, True)}
        return sorted(there | {key for key, is_there in drafted.items() if is_there})

    def due(self, name: str) -> Instant | None:
        """Return when something must be settled, by the full name of its section."""
        return self._due[name] if name in self._due else self._state.due.get(name)

    def set_due(self, name: str, at: Instant | None) -> None:
        self._due[name] = at

    def reset(self, at: Instant) -> None:
        """Let nothing be left of the state. No command does anything else beside that."""
        self._reset_at = at

    def fold_in(self) -> None:
        """Make the draft the state."""
        state = self._state
        if self._reset_at is not None:
            state.clear(self._reset_at)
            return
        state.balances.update(self._balances)
        state.badges.update(self._badges)
        state.items.update(self._items)
        for (challenge, window), progress in self._progress.items():
            state.put_window(challenge, window, progress)
        for name, value in self._sections.items():
            state.put(name, value)
        if self.is_due_moved:
            state.set_due(self._due)
