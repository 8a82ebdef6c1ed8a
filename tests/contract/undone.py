"""A transaction of which somebody thinks better."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.cast import Stage


class Change(Exception):
    """Somebody thinks better of it."""


class Within:
    """A transaction that somebody else began, and will end."""

    def __init__(self, of_tenant: Any) -> None:
        self.of_tenant = of_tenant

    def transaction(self) -> "Within":
        return self

    def __enter__(self) -> Any:
        return self.of_tenant

    def __exit__(self, *failure: object) -> bool:
        return False


@contextmanager
def undone(stage: Stage) -> Iterator[None]:
    """Let all that is sent in here be of one transaction, and roll it back."""
    store: Any = stage.store
    with suppress(Change), store.transaction() as of_tenant:
        stage.engine._store = Within(of_tenant)
        yield
        raise Change
    stage.engine._store = store
