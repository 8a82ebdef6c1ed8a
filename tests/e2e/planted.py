"""`laurels` with a bug put in, to see that the tests would notice. Run as a program of its own."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from laurels.cli import main
from laurels.store.connections import STATEMENTS, Connections

COMMITS_HELD_BACK = 20


def answer_before_the_commit() -> None:
    """Commit now and then only, for speed; answer all the same."""
    batches = 0

    @contextmanager
    def writing(self: Connections) -> Iterator[sqlite3.Connection]:
        nonlocal batches
        if not self.writer.in_transaction:
            self.writer.execute("BEGIN IMMEDIATE")
        yield self.writer
        batches += 1
        if batches % COMMITS_HELD_BACK == 0 or batches < COMMITS_HELD_BACK:
            self.writer.execute("COMMIT")

    Connections.writing = writing


def forget_receipts() -> None:
    """Remember keys in memory alone, so that a restart has never seen them."""
    find, put = STATEMENTS["find_receipts"], STATEMENTS["put_receipts"]
    STATEMENTS["find_receipts"] = find.removesuffix(";") + " LIMIT 0"
    STATEMENTS["put_receipts"] = put.replace(" END", " ELSE excluded.number END")


class Bug(NamedTuple):
    plant: Callable[[], None]
    seen_as: str


BUGS = {
    "answer-before-the-commit": Bug(answer_before_the_commit, "acknowledged and is lost"),
    "forget-receipts": Bug(forget_receipts, "was answered with .+ and with |is stored 2 times"),
}

if __name__ == "__main__":
    BUGS[sys.argv.pop(1)].plant()
    main()
