"""A bounded memory of what was used lately."""

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """
    Keeps between half of `count_max` and all of it: when the young half is full, the old half goes.

    Forgetting by halves costs nothing an entry, where taking out the eldest of one dictionary walks
    over all the places that were taken out before.
    """

    def __init__(self, count_max: int) -> None:
        self._half = count_max // 2
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        young = self._young.get(key)
        return self._old.get(key) if young is None else young

    def put(self, key: Key, value: Value) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, is_dropped: Callable[[Key], bool]) -> None:
        """Forget some. Looks at every key: for what seldom happens."""
        for half in (self._young, self._old):
            for key in [key for key in half if is_dropped(key)]:
                del half[key]

    def clear(self) -> None:
        self._young, self._old = {}, {}
