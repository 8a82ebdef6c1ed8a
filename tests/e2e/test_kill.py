"""SIGKILL under load, again and again: what was acknowledged is there, and there once."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path as File

import pytest
from tests.e2e import planted
from tests.e2e.lives import READY_S_MAX, Lives
from tests.e2e.load import LONG, Load
from tests.e2e.log import reconcile, stored, verified
from tests.serving import Running

KILLS = 20
CHAINS = 5 if LONG else 1
PLANTED_KILLS_MAX = 5


class EventLives(Lives):
    """Events on all routes."""

    def __init__(self, folder: File, seed: int, by: Sequence[str] = ()) -> None:
        super().__init__(folder, seed, by)
        self.load = Load(seed)
        self.known: set[str] = set()
        """The keys that had been answered before the last look."""
        self.resent = 0

    @property
    def clients(self) -> Load:
        return self.load

    def look(self, server: Running) -> None:
        log = self.load.log
        assert not reconcile(log, stored(self.file))
        assert not verified(self.file)

        answered = sorted(log.acked.keys() - self.known)
        self.resent += asyncio.run(self.load.resend(server.url))
        asyncio.run(self.load.repeat(server.url, answered))

        held = stored(self.file)
        assert not reconcile(log, held)
        assert {row.key for row in held.events} == log.sent.keys() == log.acked.keys()
        assert not log.refused
        self.known = set(log.acked)


@pytest.mark.parametrize("seed", range(CHAINS))
def test_a_kill_loses_nothing_and_counts_nothing_twice(tmp_path, capsys, seed):
    lives = EventLives(tmp_path, seed)
    lives.run(KILLS)

    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{KILLS} kills: {len(lives.load.log.acked)} events acknowledged,"
            f" {lives.unanswered} requests unanswered, {lives.resent} sent again,"
            f" ready again in {max(lives.restarts_s):.2f} s at worst"
        )
    assert max(lives.restarts_s) < READY_S_MAX


@pytest.mark.parametrize("bug", ["answer-before-the-commit", "forget-receipts"])
def test_a_bug_would_be_seen(tmp_path, bug):
    lives = EventLives(tmp_path, 0, by=[sys.executable, planted.__file__, bug])

    with pytest.raises(AssertionError, match=planted.BUGS[bug].seen_as):
        lives.run(PLANTED_KILLS_MAX)
