"""What several tests of the store look at."""

import pytest

from laurels.store.ranks import Tended


@pytest.fixture
def loads(monkeypatch):
    """The names of all rankings that were loaded, each time."""
    loaded = []
    fetch = Tended._fetch

    def counted(tended, connections):
        loaded.append(tended.name)
        return fetch(tended, connections)

    monkeypatch.setattr(Tended, "_fetch", counted)
    return loaded
