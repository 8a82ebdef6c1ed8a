"""Turns the passing of time into commands: what is due is settled, contests end."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from laurels.core import limits
from laurels.core.command import HOUSE, CloseContest, Command, CompleteContest, PayPrize, Tick
from laurels.core.compile import Compiled
from laurels.core.errors import Unavailable
from laurels.core.event import EventId, Instant, TenantId
from laurels.core.rulebook import Contest
from laurels.core.window import window_key
from laurels.engine.answers import BoardName, ContestRow, Placed
from laurels.engine.contests import last_rank, prizes
from laurels.engine.ports import Clock, Queries, Submitter, Upkeep

log = logging.getLogger(__name__)

STEP_S: Final = 1.0
COMMANDS_AT_ONCE_MAX: Final = 200
"""In one submission, so that live traffic never waits long behind the scheduler."""
MERGE_INTERVAL_MS: Final = 10_000
"""How often the figures of batches are added up by the hour."""


class Scheduler:
    """
    Looks every second for what is due, in all tenants.

    It only ever submits commands that change nothing when somebody else was faster, so there may be
    any number of schedulers; after a long stop everything is caught up with once.
    """

    def __init__(
        self, submitter: Submitter, queries: Queries, upkeep: Upkeep, clock: Clock
    ) -> None:
        self._submitter = submitter
        self._queries = queries
        self._upkeep = upkeep
        self._clock = clock
        self._seen_days: dict[tuple[TenantId, str], int] = {}
        self._merged_at: Instant = 0

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                is_behind = await self.step()
            except Unavailable as refusal:
                log.warning("what is due has to wait: %s", refusal)
                is_behind = False
            except Exception:
                log.exception("the scheduler stumbled, and goes on")
                is_behind = False
            await asyncio.sleep(0 if is_behind else STEP_S)

    async def step(self) -> bool:
        """Do a bounded part of what is due, and of what has to be tidied; say whether more is."""
        now = self._clock.now()
        try:
            is_more = await self._settle(now)
        finally:  # Whatever is wrong with one world, what all of them leave must not pile up.
            is_behind = await self._tidy(now)
        return is_more or is_behind

    async def _settle(self, now: Instant) -> bool:
        """Settle a bounded number of participants, and end contests; say whether more are due."""
        due = await asyncio.to_thread(self._queries.due, now, COMMANDS_AT_ONCE_MAX)
        await self._submit(
            [
                Tick(tenant=tenant, id=tick_id, participant=who, received_at=at, at=now)
                for (tenant, who), (at, tick_id) in zip(due, self._ids(len(due)), strict=True)
            ]
        )
        for world in await asyncio.to_thread(self._queries.worlds):
            rulebook = await asyncio.to_thread(self._queries.rulebook, world)
            await self._end_contests(world, rulebook, now)
            await asyncio.to_thread(self._remember_ranks, world, rulebook, now)
        return len(due) == COMMANDS_AT_ONCE_MAX

    async def _tidy(self, now: Instant) -> bool:
        """Merge figures, and forget receipts; say whether there is more of either."""
        is_more = await self._merge_analytics(now)
        kept_since = now - limits.RECEIPT_KEPT_MS
        return await asyncio.to_thread(self._upkeep.forget_receipts, kept_since) or is_more

    async def _merge_analytics(self, now: Instant) -> bool:
        """Merge a slice, unless all was merged just now; say whether more wait."""
        if now - self._merged_at < MERGE_INTERVAL_MS:
            return False
        is_more = await asyncio.to_thread(self._upkeep.merge_analytics)
        if not is_more:
            self._merged_at = now
        return is_more

    def _remember_ranks(self, tenant: TenantId, rulebook: Compiled, now: Instant) -> None:
        """Take a snapshot of each board when a day begins by its clock."""
        day = rulebook.calendar.day(now)
        for board in rulebook.rulebook.leaderboards:
            window = window_key(board.window, now, rulebook.calendar)
            if window is not None and self._seen_days.get((tenant, board.id)) != day:
                name = BoardName(board.id, window, board.ties)
                self._upkeep.take_snapshot(tenant, name, day=day)
                self._seen_days[tenant, board.id] = day

    async def _end_contests(self, tenant: TenantId, rulebook: Compiled, now: Instant) -> None:
        closed = await asyncio.to_thread(self._queries.contests, tenant)
        over = [
            contest.id
            for contest in rulebook.rulebook.contests
            if not contest.draft
            and contest.id not in closed
            and contest.ends + contest.grace_ms <= now
        ]
        if over:
            await self._submit(
                [
                    CloseContest(
                        tenant=tenant, id=id_, participant=HOUSE, received_at=at, contest=contest
                    )
                    for contest, (at, id_) in zip(over, self._ids(len(over)), strict=True)
                ]
            )
            closed = await asyncio.to_thread(self._queries.contests, tenant)
        for row in closed.values():
            if row.completed_at is None:
                await self._pay(tenant, row)

    async def _pay(self, tenant: TenantId, row: ContestRow) -> None:
        """
        Send out the prizes, by the rulebook that closed the contest.

        All of them, each time: who was paid is known by their key and their state, while somebody
        who could not be paid just now may have any rank.
        """
        rulebook = await asyncio.to_thread(self._queries.rulebook_of, tenant, row.version)
        contest, is_paid = rulebook.boards.get(row.contest), True
        if isinstance(contest, Contest):
            places = await asyncio.to_thread(self._places, tenant, contest)
            won = self._prizes(tenant, contest, rulebook, places, row)
            while commands := list(islice(won, COMMANDS_AT_ONCE_MAX)):
                is_paid &= await self._submit(commands)
        if not is_paid:
            return
        ((at, id_),) = self._ids(1)
        await self._submit(
            [
                CompleteContest(
                    tenant=tenant,
                    id=id_,
                    participant=HOUSE,
                    received_at=at,
                    key=f"contest:{row.contest}",
                    contest=row.contest,
                )
            ]
        )

    def _places(self, tenant: TenantId, contest: Contest) -> list[Placed]:
        name = BoardName(contest.id, "", contest.ties)
        # Where ranks are shared, more may win than the last rank says.
        count = last_rank(contest)
        if count and contest.ties != "earliest":
            count = self._queries.total(tenant, name)
        return self._queries.top(tenant, name, count).places if count else []

    def _prizes(
        self,
        tenant: TenantId,
        contest: Contest,
        rulebook: Compiled,
        places: list[Placed],
        row: ContestRow,
    ) -> Iterator[PayPrize]:
        for place, rewards in prizes(contest, places, rulebook.rulebook.currencies[0]):
            ((received_at, id_),) = self._ids(1)
            yield PayPrize(
                tenant=tenant,
                id=id_,
                participant=place.participant,
                received_at=received_at,
                key=f"contest:{contest.id}:{place.participant}",
                contest=contest.id,
                rank=place.rank,
                rewards=rewards,
                at=row.closed_at,
            )

    def _ids(self, count: int) -> list[tuple[Instant, EventId]]:
        at, ids = self._clock.accept(count)
        return [(at, each) for each in ids]

    async def _submit(self, commands: Sequence[Command]) -> bool:
        """Say whether the store took all of them. Those it did not are tried by the next step."""
        outcomes = await self._submitter.submit(commands) if commands else []
        refused = sum(isinstance(outcome, Unavailable) for outcome in outcomes)
        if refused:
            log.warning("%d of %d commands that are due have to wait", refused, len(outcomes))
        return not refused
