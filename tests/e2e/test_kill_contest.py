"""SIGKILL while contests end: every winner is paid once, by the final ranks, whoever comes back."""

import asyncio
import itertools
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path as File
from typing import Any

import pytest
from tests.e2e import planted
from tests.e2e.cup import (
    WINNERS,
    Cup,
    announce,
    closed,
    completed,
    misjudged,
    stages,
    with_contests,
)
from tests.e2e.lives import READY_S_MAX, Lives
from tests.e2e.load import LONG, STORE, Load, connections, settings
from tests.e2e.log import Sent, reconcile, stored, verified
from tests.e2e.wire import API_KEY, Path, Reply, spell
from tests.serving import Running, program

KILLS = 40 if LONG else 8
PLANTED_KILLS_MAX = 8
ENDS_AFTER_S = (0.1, 0.6)
STAGE_S_MAX = 4
COMPLETE_S_MAX = 20
LATE = 20
POLL_S = 0.0005

STAGES = {"close": 1, "prize": 1, "prizes": WINNERS, "complete": 1}
"""When to kill: as soon as so many rows of a kind are seen in the journal."""


class Players(Load):
    participants = 300
    connections = 6
    batch_max = 20

    async def enter(self, url: str) -> None:
        """Let everybody score."""
        everybody = Sent(Path.BATCH, [self.walk(who) for who in self.tokens])
        async with connections(url, 1) as (connection,):
            reply, _ = await self.ask(connection, everybody)
            assert reply.ok


class CupLives(Lives):
    """
    Contests that end within the life they are announced in, or when nobody is there.

    Every other life is a short one: it is killed before it can say that it is ready.
    """

    def __init__(self, folder: File, seed: int, by: Sequence[str] = ()) -> None:
        super().__init__(folder, seed, by, folder / "rulebook.yaml")
        self.rulebook.write_text(with_contests([]))
        self.load = Players(seed)
        self.cups: list[Cup] = []
        self.stages = itertools.cycle(STAGES)
        self.stopped_amid = 0

    @property
    def clients(self) -> Load:
        return self.load

    def look(self, server: Running) -> None:
        log = self.load.log
        assert not reconcile(log, stored(self.file))
        asyncio.run(self.load.resend(server.url))
        held = stored(self.file)
        assert not reconcile(log, held)
        assert {row.key for row in held.events} == log.sent.keys()
        self.check()

    def check(self) -> None:
        assert not verified(self.file)
        wrong = list(misjudged(self.file, self.cups))
        assert not wrong, wrong[:5]

    def kill(self, server: Running) -> None:
        ends = datetime.now(UTC) + timedelta(seconds=self.chance.uniform(*ENDS_AFTER_S))
        self.cups.append(announce(self.file, self.rulebook, self.cups, ends))

        killing: list[asyncio.Task[None]] = []

        def begin() -> None:  # Not before all clients are there: the moment may be very near.
            kill = asyncio.to_thread(self.kill_amid, server.process)
            killing.append(asyncio.create_task(kill))

        async def storm() -> None:
            await self.load.storm(server.url, 0, begin)
            await asyncio.gather(*killing)

        asyncio.run(self.load.enter(server.url))
        asyncio.run(storm())
        self.short_life()

    def short_life(self) -> None:
        """Let the next process do what is due as soon as it starts, and kill it over that."""
        process = subprocess.Popen(
            [*(self.by or program()), "serve"],
            cwd=self.folder,
            env=settings(self.rulebook),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.kill_amid(process)
        self.check()

    def kill_amid(self, process: subprocess.Popen[Any]) -> None:
        """Kill at the next stage of a contest, or at last without one."""
        stage = next(self.stages)
        patience = time.monotonic() + STAGE_S_MAX
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as connection:
            number, _ = stages(connection, 0)
            seen: Counter[str] = Counter()
            while seen[stage.rstrip("s")] < STAGES[stage] and time.monotonic() < patience:
                time.sleep(POLL_S)
                number, more = stages(connection, number)
                seen += more
                if completed(connection) == len(self.cups):
                    break
            process.kill()
            assert process.wait(READY_S_MAX) == -signal.SIGKILL
            self.stopped_amid += completed(connection) < closed(connection)

    def last(self) -> None:
        """Live without a kill until all contests are over, and then hear of late events."""
        with self.again() as server:
            self.look(server)
            asyncio.run(self.end(server))
            self.look(server)

    async def end(self, server: Running) -> None:
        async with asyncio.timeout(COMPLETE_S_MAX), connections(server.url, 1) as (connection,):

            async def ask(path: str) -> Reply:
                header = f"x-api-key: {API_KEY}"
                return await connection.ask(spell(f"/api/v1/gamify/{path}", None, header))

            statuses: set[str] = set()
            while statuses != {"completed"}:
                shown = (await ask("contests")).body["contests"]
                statuses = {each["status"] for each in shown}
            boards = [f"leaderboards/{cup.id}?limit=100" for cup in self.cups]
            before = [(await ask(board)).body for board in boards]
            for _ in range(LATE):
                await self.load.ask(connection, self.load.next())
            assert [(await ask(board)).body for board in boards] == before


@pytest.mark.parametrize("seed", range(2 if LONG else 1))
def test_winners_are_paid_once_however_often_the_server_is_killed(tmp_path, capsys, seed):
    lives = CupLives(tmp_path, seed)
    lives.run(KILLS // 2)
    lives.last()

    with closing(sqlite3.connect(tmp_path / STORE)) as connection:
        ((prizes,),) = connection.execute(
            "SELECT COUNT(*) FROM journal WHERE operation LIKE 'prize:%'"
        )
        ((late,),) = connection.execute(
            "SELECT COUNT(*) FROM journal WHERE changes LIKE '%score.too_late%'"
        )
    assert late
    assert lives.stopped_amid
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{KILLS} kills, {lives.stopped_amid} of them between a closing and its last prize:"
            f" {len(lives.cups)} contests, {prizes} prizes paid,"
            f" {len(lives.load.log.acked)} events, {late} of them too late for a contest"
        )


def test_a_bug_would_be_seen(tmp_path):
    lives = CupLives(tmp_path, 0, by=[sys.executable, planted.__file__, "forget-prizes"])

    with pytest.raises(AssertionError, match=planted.BUGS["forget-prizes"].seen_as):
        lives.run(PLANTED_KILLS_MAX // 2)
