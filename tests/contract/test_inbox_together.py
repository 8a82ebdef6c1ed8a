"""Webhooks at several processes: one that comes to two of them is one event."""

import asyncio
from collections import Counter
from functools import partial

import pytest
from tests.cast import SHOP
from tests.contract.together import at_once, several
from tests.engine.test_inbox import RULEBOOK, Mail


@pytest.fixture
def mails(quick_postgres_url, caplog):
    with several(quick_postgres_url, 3, RULEBOOK) as stages:
        yield [Mail(stage) for stage in stages]
        assert stages[0].findings() == []
    assert caplog.records == []


def test_what_is_sent_to_all_in_any_order_is_kept_once(mails):
    def put(mail, step):
        batch = [mail.delivery(f"evt_{n}") for n in range(40)]
        assert mail.put(*batch[::step]) == [one.id for one in batch[::step]]

    at_once(*(partial(put, mail, step) for mail, step in zip(mails, (1, -1, 1), strict=True)))

    assert mails[0].stage.rows("SELECT COUNT(*) FROM inbox") == [(40,)]


def test_what_all_look_at_becomes_one_event(mails):
    one, *_ = mails
    one.put(*(one.delivery(f"evt_{n}") for n in range(60)))

    async def work(mail):
        async with mail.working() as worker:
            while await worker.step():
                pass

    at_once(*(partial(asyncio.run, work(mail)) for mail in mails))

    assert one.stage.balance() == 60 * 5
    statuses = one.stage.rows("SELECT status FROM inbox WHERE tenant = ?", SHOP)
    assert Counter(status for (status,) in statuses) == {"processed": 60}


def test_one_signed_alike_under_two_names_is_kept_once(mails):
    for n in range(20):

        def put(mail, which, n=n):
            more = {"source": "open", "fingerprint": b"%d" % n}
            return mail.put(mail.delivery(f"{which}-{n}", **more))

        kept = at_once(*(partial(put, mail, which) for which, mail in enumerate(mails)))
        assert len({ids[0] for ids in kept}) == 1
