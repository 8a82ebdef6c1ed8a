"""SIGKILL while points are held, spent and claimed: nothing is lost, nothing is done twice."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path as File

import pytest
from tests.e2e import planted
from tests.e2e.customers import CUPS, Customers, lost, on_the_shelf, reconcile
from tests.e2e.lives import READY_S_MAX, Lives
from tests.e2e.load import LONG
from tests.e2e.log import verified
from tests.e2e.shop import CATALOGUE, Books
from tests.serving import Running

KILLS = 40 if LONG else 8
PLANTED_KILLS_MAX = 5
REPEATED = 100


class ShopLives(Lives):
    """Customers in a shop with a little of everything."""

    def __init__(self, folder: File, seed: int, by: Sequence[str] = ()) -> None:
        super().__init__(folder, seed, by, CATALOGUE)
        self.customers = Customers(seed)
        self.resent = 0

    @property
    def clients(self) -> Customers:
        return self.customers

    def look(self, server: Running) -> None:
        books = Books(self.file)
        assert not list(lost(self.customers, books))
        assert not verified(self.file)

        self.resent += asyncio.run(self.customers.resend(server.url))
        assert not list(reconcile(self.customers, books))
        asyncio.run(self.customers.repeat(server.url, REPEATED))
        assert not list(reconcile(self.customers, books))

        shelf, (taken, _) = asyncio.run(on_the_shelf(server.url)), books.pool("gift")
        assert shelf["gift"] == len(self.customers.uploaded) - taken
        taken, returned = books.pool("cup")
        assert shelf["cup"] == CUPS - taken + returned


@pytest.mark.parametrize("seed", range(2 if LONG else 1))
def test_a_kill_loses_no_claim_and_no_hold_and_does_none_twice(tmp_path, capsys, seed):
    lives = ShopLives(tmp_path, seed)
    lives.run(KILLS)

    customers = lives.customers
    done = {one.wish.what for one in customers.receipts if one.reply.ok}
    assert done >= {
        "event",
        "award",
        "deduct",
        "holds",
        "capture",
        "release",
        "gift",
        "cup",
        "void",
    }
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{KILLS} kills: {len(customers.receipts)} commands answered,"
            f" {sum(one.reply.ok for one in customers.receipts)} of them carried out,"
            f" {lives.unanswered} unanswered, {lives.resent} sent again"
        )
    assert max(lives.restarts_s) < READY_S_MAX


def test_a_bug_would_be_seen(tmp_path):
    bug = "forget-receipts-of-commands"
    lives = ShopLives(tmp_path, 0, by=[sys.executable, planted.__file__, bug])

    with pytest.raises(AssertionError, match=planted.BUGS[bug].seen_as):
        lives.run(PLANTED_KILLS_MAX)
