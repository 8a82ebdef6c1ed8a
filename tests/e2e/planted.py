"""`laurels` with a bug put in, to see that the tests would notice. Run as a program of its own."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from laurels.cli import main
from laurels.core import decide, evolve
from laurels.core.change import HoldEnded, PrizeWon
from laurels.core.command import PayPrize
from laurels.core.rules import challenge
from laurels.core.rules.reward import pay
from laurels.engine import batch, scheduler
from laurels.engine.worker import Worker
from laurels.store.sqlite.connections import STATEMENTS, SqliteConnections, SqliteHand

COMMITS_HELD_BACK = 20


def answer_before_the_commit() -> None:
    """Commit now and then only, for speed; answer all the same."""
    batches = 0

    @contextmanager
    def writing(self: SqliteConnections) -> Iterator[SqliteHand]:
        nonlocal batches
        if not self.writer.in_transaction:
            self.writer.execute("BEGIN IMMEDIATE")
        yield SqliteHand(self.writer)
        batches += 1
        if batches % COMMITS_HELD_BACK == 0 or batches < COMMITS_HELD_BACK:
            self.writer.execute("COMMIT")

    SqliteConnections.writing = writing


def forget_receipts() -> None:
    """Remember keys in memory alone, so that a restart has never seen them."""
    find, put = STATEMENTS["find_receipts"], STATEMENTS["put_receipts"]
    STATEMENTS["find_receipts"] = find.removesuffix(";") + " LIMIT 0"
    STATEMENTS["put_receipts"] = put.replace(" END", " ELSE excluded.number END")


def forget_receipts_of_commands() -> None:
    """Remember the keys of events only."""
    find, put = STATEMENTS["find_receipts"], STATEMENTS["put_receipts"]
    STATEMENTS["find_receipts"] = find.removesuffix(";") + " WHERE r.operation = 'event'"
    STATEMENTS["put_receipts"] = put.replace(" END", " ELSE excluded.number END")


def count_stock_after_the_batch() -> None:
    """Let all of a batch take the same one, and give each claim whatever number is free."""
    batch.share = lambda shared, _: shared
    free = "(SELECT COALESCE(MAX(number), 0) + 1 FROM claims WHERE reward = ?4)"
    STATEMENTS["put_claims"] = STATEMENTS["put_claims"].replace("?7", free)


def end_a_hold_again() -> None:
    """Leave a hold where it is, and take its points from where there are any."""
    del evolve._CARRY[HoldEnded]


def forget_prizes() -> None:
    """Pay a prize whenever it is asked for, and begin with the first place each time."""

    def pay_again(chain, command):
        yield PrizeWon(command.contest, command.rank, command.at)
        yield from pay(chain, command.rewards, command.contest, command.at, -1)

    decide._ASKED[PayPrize] = pay_again
    scheduler.PayPrize = lambda **more: PayPrize(**{**more, "key": None})
    STATEMENTS["pay_contest"] = STATEMENTS["pay_contest"].replace(
        "CASE WHEN paid < ?1 THEN ?1 ELSE paid END", "0 * ?1"
    )


def acknowledge_before_the_commit() -> None:
    """Take events out of the queue as soon as they are read, as if nobody died in between."""
    submit = Worker._submit

    def acknowledge_first(self, entries):
        self._reader.done(entries)
        time.sleep(0.05)  # Else a kill would seldom come in between.
        return submit(self, entries)

    Worker._submit = acknowledge_first


def claim_again() -> None:
    """Pay whatever is completed, however often it is claimed."""
    challenge.is_owed = lambda progress: progress.completed_at is not None


class Bug(NamedTuple):
    plant: Callable[[], None]
    seen_as: str


BUGS = {
    "answer-before-the-commit": Bug(answer_before_the_commit, "acknowledged and is lost"),
    "forget-receipts": Bug(forget_receipts, "was answered with .+ and with |is stored 2 times"),
    "forget-receipts-of-commands": Bug(
        forget_receipts_of_commands, "done and nobody was told|was done again"
    ),
    "count-stock-after-the-batch": Bug(count_stock_after_the_batch, r"given \d+ times"),
    "end-a-hold-again": Bug(end_a_hold_again, r"a hold was ended \d+ times"),
    "forget-prizes": Bug(forget_prizes, r"was paid \d+ times"),
    "acknowledge-before-the-commit": Bug(acknowledge_before_the_commit, "acknowledged and is lost"),
    "claim-again": Bug(claim_again, r"was paid \d+ times"),
}
"""What was planted, and how the tests must see it."""

if __name__ == "__main__":
    BUGS[sys.argv.pop(1)].plant()
    main()
