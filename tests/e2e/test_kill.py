"""SIGKILL under load, again and again: what was acknowledged is there, and there once."""

import asyncio
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path as File

import pytest
from tests.e2e import planted
from tests.e2e.load import LONG, STORE, Load, serve
from tests.e2e.log import reconcile, stored, verified
from tests.serving import Running

KILLS = 20
CHAINS = 5 if LONG else 1
PLANTED_KILLS_MAX = 5
KILL_AFTER_S = (0.05, 0.5)
READY_S_MAX = 5


class Chain:
    """Lives of one server on one store: load, kill, look, and ask again what is not known."""

    def __init__(self, folder: File, seed: int, by: Sequence[str] = ()) -> None:
        self.folder = folder
        self.file = folder / STORE
        self.by = by
        self.load = Load(seed)
        self.chance = random.Random(seed)
        self.unanswered = 0
        self.resent = 0
        self.restarts_s: list[float] = []

    def run(self, kills: int) -> None:
        with serve(self.folder, self.by) as server:
            asyncio.run(self.load.prepare(server.url))
            known = self._kill(server)
        for _ in range(kills - 1):
            with self._again() as server:
                self._look(server, known)
                known = self._kill(server)
        with self._again() as server:
            self._look(server, known)
        assert not verified(self.file)

    def _kill(self, server: Running) -> set[str]:
        """Kill in the middle of the load; return the keys that had been answered before it."""
        known = set(self.load.log.acked)
        moment = self.chance.uniform(*KILL_AFTER_S)
        asyncio.run(self.load.storm(server.url, moment, server.process.kill))
        assert server.process.wait(READY_S_MAX) == -signal.SIGKILL
        self.unanswered += len(self.load.log.waiting)
        return known

    def _again(self) -> Running:
        begun = time.monotonic()
        server = serve(self.folder, self.by)
        self.restarts_s.append(time.monotonic() - begun)
        return server

    def _look(self, server: Running, known: set[str]) -> None:
        log = self.load.log
        assert not reconcile(log, stored(self.file))
        assert not verified(self.file)

        answered = sorted(log.acked.keys() - known)
        self.resent += asyncio.run(self.load.resend(server.url))
        asyncio.run(self.load.repeat(server.url, answered))

        held = stored(self.file)
        assert not reconcile(log, held)
        assert {row.key for row in held.events} == log.sent.keys() == log.acked.keys()
        assert not log.refused


@pytest.mark.parametrize("seed", range(CHAINS))
def test_a_kill_loses_nothing_and_counts_nothing_twice(tmp_path, capsys, seed):
    chain = Chain(tmp_path, seed)
    chain.run(KILLS)

    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{KILLS} kills: {len(chain.load.log.acked)} events acknowledged,"
            f" {chain.unanswered} requests unanswered, {chain.resent} sent again,"
            f" ready again in {max(chain.restarts_s):.2f} s at worst"
        )
    assert max(chain.restarts_s) < READY_S_MAX


@pytest.mark.parametrize("bug", planted.BUGS)
def test_a_bug_would_be_seen(tmp_path, bug):
    chain = Chain(tmp_path, 0, by=[sys.executable, planted.__file__, bug])

    with pytest.raises(AssertionError, match=planted.BUGS[bug].seen_as):
        chain.run(PLANTED_KILLS_MAX)
