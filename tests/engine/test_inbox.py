"""Webhooks on their way in: kept once, counted once, tried again, and never lost from sight."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import pytest
from tests.cast import DAY, LOOP, SECOND, SHOP, SHOP_TEST, Stage, as_json, out_of_order
from tests.waiting import until_so

from laurels.core import limits
from laurels.core.errors import NumberOutOfRange, Unavailable
from laurels.engine import inbox as inboxes
from laurels.engine.gather import Gather
from laurels.engine.inbox import Delivery, Inbox, InboxWorker

RULEBOOK = f"""
earn:
  - {{id: unit, event: purchase, points: {{of: amount, times: 1}}}}
{LOOP}
webhooks:
  - source: stripe
    events:
      - {{type: invoice.paid, event: purchase}}
      - {{type: loop}}
  - {{source: open, signature: stripe}}
"""
BEFORE = ("waiting", 0)


class Mail:
    """A stage whose world gets webhooks."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.kept: Any = stage.store.inbox
        self.refusals: list[Any] = []
        self.observed: list[tuple[str, str]] = []

    def delivery(self, id_: str = "evt_1", source: str = "stripe", **more: Any) -> Delivery:
        received_at, (event,) = self.stage.clock.accept(1)
        name = {"tenant": SHOP, "source": source, "id": id_, "event": event, "type": "invoice.paid"}
        return Delivery(**{**name, "received_at": received_at, "body": paid()} | more)

    def put(self, *deliveries: Delivery) -> list[str]:
        return self.kept.put(deliveries)

    def step(self, times: int = 1) -> list[bool]:
        """Let the worker look so many times, and say each time whether there may be more."""

        async def look() -> list[bool]:
            async with self.working() as worker:
                return [await worker.step() for _ in range(times)]

        return asyncio.run(look())

    @asynccontextmanager
    async def working(self):
        gather = Gather(self.stage.engine)
        gather.start()
        post = Post(gather, self.refusals)
        try:
            yield InboxWorker(
                Inbox(self.kept),
                post,
                self.stage.store.queries,
                self.stage.clock,
                tenant=SHOP,
                observe=lambda source, status: self.observed.append((source, status)),
            )
        finally:
            await gather.close()

    def find(self, id_: str = "evt_1", source: str = "stripe") -> Any:
        return self.stage.store.inbox.find(SHOP, source, id_)

    def status(self, id_: str = "evt_1", source: str = "stripe") -> tuple[str, str | None]:
        found = self.find(id_, source)
        return found.status, found.reason

    def events(self) -> list[tuple[str, str, str]]:
        return self.stage.rows("SELECT id, name, key FROM events ORDER BY id")


class Post:
    """Refuses as often as it is told to, and hands everything else on."""

    def __init__(self, gather: Gather, refusals: list[Any]) -> None:
        self.recall = gather.recall
        self._gather = gather
        self._refusals = refusals

    async def submit(self, commands: Sequence[Any]) -> Any:
        if self._refusals:
            refusal = self._refusals.pop(0)
            if isinstance(refusal, list):
                return refusal
            raise refusal
        return await self._gather.submit(commands)


def paid(customer: Any = "ann", amount: Any = 5, **more: Any) -> bytes:
    thing = {"customer": customer, "amount": amount} | more
    return json.dumps({"created": 1_715_774_000, "data": {"object": thing}}).encode()


@pytest.fixture
def mail(place):
    stage = Stage(place, as_json(RULEBOOK))
    yield Mail(stage)
    assert stage.findings() == []
    stage.store.close()


def test_a_delivery_becomes_an_event_with_its_key_source_and_time(mail):
    kept = mail.delivery()
    mail.put(kept)
    assert (mail.find().status, mail.stage.balance()) == ("waiting", 0)

    assert mail.step() == [False]

    assert mail.status() == ("processed", None)
    assert mail.stage.balance() == 5
    columns = "id, participant, name, properties, occurred_at, received_at, key, source"
    assert mail.stage.rows(f"SELECT {columns} FROM events") == [
        (
            *(kept.event, "ann", "purchase", '{"customer":"ann","amount":5}'),
            *(1_715_774_000_000, kept.received_at, "evt_evt_1", "stripe"),
        )
    ]
    assert mail.observed == [("stripe", "processed")]


def test_one_that_is_sent_again_counts_once(mail):
    assert mail.put(mail.delivery()) == ["evt_1"]
    assert mail.put(mail.delivery(), mail.delivery(body=paid(amount=9))) == ["evt_1", "evt_1"]
    mail.step()
    mail.stage.clock.move(by=30 * DAY)
    assert mail.put(mail.delivery()) == ["evt_1"]
    mail.step(2)

    assert mail.stage.balance() == 5
    assert len(mail.events()) == 1


def test_sources_and_worlds_do_not_know_each_other(mail):
    mail.put(mail.delivery(), mail.delivery(source="open", type="purchase", body=paid("bob")))
    mail.put(mail.delivery(tenant=SHOP_TEST))
    mail.step()

    statuses = [mail.status(source=source)[0] for source in ("stripe", "open")]
    assert statuses == ["processed", "processed"]
    assert (mail.stage.balance("ann"), mail.stage.balance("bob")) == (5, 5)
    assert mail.stage.store.inbox.find(SHOP_TEST, "stripe", "evt_1").status == "waiting"


def test_what_was_signed_is_known_again_under_another_name(mail):
    print_ = sha256(b"push\0{}").digest()
    mail.put(mail.delivery("first", "github", fingerprint=print_))

    assert mail.put(mail.delivery("second", "github", fingerprint=print_)) == ["first"]
    assert mail.put(mail.delivery("first", "github", fingerprint=print_)) == ["first"]
    assert mail.put(mail.delivery("second", "shopify", fingerprint=print_)) == ["second"]
    assert mail.find("second", "github") is None


def test_a_note_that_was_not_made_makes_no_second_event(mail, monkeypatch):
    """As if the process had died between the event's commit and the note of it."""
    mail.put(mail.delivery())
    monkeypatch.setattr(mail.kept, "settle", broken)
    with pytest.raises(Unavailable):
        mail.step()
    monkeypatch.undo()
    assert (mail.find().status, mail.stage.balance()) == ("waiting", 5)

    mail.stage.clock.move(by=40 * DAY)
    mail.stage.rows("DELETE FROM receipts")
    mail.stage.reopen()
    mail.kept = mail.stage.store.inbox
    mail.step()

    assert mail.status() == ("processed", None)
    assert (mail.stage.balance(), len(mail.events())) == (5, 1)


def broken(*_):
    raise Unavailable


def test_an_event_that_the_application_reported_itself_is_the_same_event(mail):
    properties = {"customer": "ann", "amount": 5}
    mail.stage.tell("purchase", key="evt_evt_1", properties=properties)
    mail.put(mail.delivery())
    mail.step()

    assert mail.status() == ("processed", None)
    assert (mail.stage.balance(), len(mail.events())) == (5, 1)


def test_a_key_that_stands_for_something_else_is_left_to_an_operator(mail):
    mail.stage.tell("purchase", key="evt_evt_1", amount=700)
    mail.put(mail.delivery())
    mail.step()

    assert mail.status() == (
        "parked",
        "another event has its key, evt_evt_1; requeue it when that one is a day old",
    )
    mail.stage.rows("DELETE FROM receipts")
    mail.stage.store.inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
    mail.step()
    assert (mail.status()[0], mail.stage.balance()) == ("processed", 705)


@pytest.mark.parametrize(
    ("delivery", "status", "reason"),
    [
        ({"type": "invoice.sent"}, "ignored", "the rulebook lists no event for the type"),
        ({"body": paid(None)}, "unclaimed", "there is no participant at data.object.customer"),
        ({"body": b'{"data":{"object":[]}}'}, "unclaimed", "there is no participant"),
        ({"body": paid(note="\0")}, "parked", "its properties hold U+0000"),
        ({"body": paid(amount=10**12)}, "parked", "amount: a rule reads this number"),
        ({"type": "loop", "body": paid()}, "parked", "One event led to more facts"),
        ({"source": "gone"}, "parked", "the rulebook has no such source any more"),
    ],
)
def test_what_is_no_event_of_anybody_says_why(mail, delivery, status, reason):
    kept = mail.delivery(**delivery)
    mail.put(kept, mail.delivery("evt_2"))
    mail.step()

    found = mail.find(source=kept.source)
    assert found.status == status
    assert found.reason.startswith(reason)
    assert (found.attempts, found.due_at) == (1, None)
    assert mail.status("evt_2") == ("processed", None), "its neighbour is none the worse"
    assert mail.stage.balance() == 5


def test_an_event_that_was_parked_stays_so_when_it_is_asked_for_again(mail):
    mail.put(mail.delivery(type="loop"))
    mail.step()
    mail.stage.store.inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
    mail.step()

    assert mail.status() == ("parked", "its event was parked")
    assert len(mail.events()) == 1


@pytest.mark.parametrize("how", ["queue", "store", "reading"])
def test_what_fails_is_tried_five_times_more_and_then_parked(mail, monkeypatch, how):
    mail.put(mail.delivery())
    waits = []
    for _ in range(5):
        fail(mail, monkeypatch, how)
        mail.step()
        found = mail.find()
        assert found.status == "waiting"
        assert found.reason
        wait = found.due_at - mail.stage.clock.at
        waits.append(wait // SECOND)
        mail.stage.clock.move(by=wait - 1)
        assert mail.step() == [False]
        assert mail.find() == found, "it is not tried before its time"
        mail.stage.clock.move(by=1)
    assert waits == [30, 60, 120, 240, 480]

    fail(mail, monkeypatch, how)
    mail.step()
    assert (mail.find().status, mail.find().attempts) == ("parked", 6)
    assert (mail.events(), mail.observed[-1]) == ([], ("stripe", "parked"))

    monkeypatch.undo()
    mail.refusals.clear()
    for _ in range(2):
        again = mail.stage.store.inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
        assert (again.status, again.attempts, again.reason) == ("waiting", 0, None)
    mail.step()
    assert mail.status() == ("processed", None)


def fail(mail, monkeypatch, how):
    if how == "queue":
        mail.refusals[:] = [Unavailable("full")]
    elif how == "store":
        mail.refusals[:] = [[Unavailable("away")]]
    else:
        monkeypatch.setattr(inboxes, "meaning", failing)


def failing(*_):
    raise ZeroDivisionError("a bug")


def test_a_refusal_that_will_not_change_is_not_tried_again(mail):
    mail.put(mail.delivery())
    mail.refusals.append([NumberOutOfRange()])
    mail.step()

    assert mail.find().status == "parked"


def test_a_delivery_can_be_looked_at_by_another_rulebook(mail):
    mail.put(mail.delivery(type="invoice.sent"))
    mail.step()
    assert mail.find().status == "ignored"

    text = RULEBOOK.replace("type: invoice.paid", "type: invoice.sent")
    mail.stage.store.registry.put_rulebook(SHOP, text, mail.stage.clock.at)
    assert mail.stage.store.inbox.requeue(SHOP, "stripe", "nobody", 0) is None
    mail.stage.store.inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
    mail.step()

    assert (mail.find().status, mail.stage.balance()) == ("processed", 5)


def test_a_processed_one_that_is_looked_at_again_has_no_second_effect(mail):
    mail.put(mail.delivery())
    mail.step()
    mail.stage.store.inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
    mail.step()

    assert mail.status() == ("processed", None)
    assert (mail.stage.balance(), len(mail.events())) == (5, 1)


def test_a_step_is_bounded_and_says_that_there_is_more(mail):
    count = inboxes.DELIVERIES_AT_ONCE_MAX * 2 + 1
    mail.put(*(mail.delivery(f"evt_{number}") for number in range(count)))

    assert mail.step(4) == [True, True, False, False]
    assert mail.stage.balance() == 5 * count


def test_a_worker_that_is_behind_does_not_rest(mail, monkeypatch):
    monkeypatch.setattr(inboxes, "STEP_S", 60)
    count = inboxes.DELIVERIES_AT_ONCE_MAX * 2 + 1
    mail.put(*(mail.delivery(f"evt_{number}") for number in range(count)))

    async def work():
        async with mail.working() as worker:
            worker._observe = None
            running = asyncio.create_task(worker.run())
            await until_so(lambda: not mail.stage.store.inbox.due(SHOP, mail.stage.clock.at, 1))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work(), 30))
    assert mail.stage.balance() == 5 * count
    assert mail.observed == []


def test_an_operator_wakes_the_worker(mail):
    mail.put(mail.delivery())

    async def requeue():
        inbox = Inbox(mail.kept)
        found = await inbox.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.at)
        return found, inbox.news.is_set()

    found, is_told = asyncio.run(requeue())
    assert (found and found.status, is_told) == ("waiting", True)


def test_the_list_is_newest_first_by_page_status_and_source(mail):
    for number in range(5):
        mail.put(mail.delivery(f"evt_{number}", type="invoice.paid" if number % 2 else "other"))
        mail.stage.clock.move(by=SECOND)
    mail.put(mail.delivery("d", "github"))
    mail.step()

    def listed(**which):
        asked = {"status": None, "source": None, "page": 1, "page_size": 2} | which
        found = mail.stage.store.inbox.listed(SHOP, **asked)
        return [each.id for each in found.deliveries], found.total

    assert listed() == (["d", "evt_4"], 6)
    assert listed(page=3) == (["evt_1", "evt_0"], 6)
    assert listed(page=4) == ([], 6)
    assert listed(source="stripe", status="processed") == (["evt_3", "evt_1"], 2)
    assert listed(source="nobody") == ([], 0)
    whole = mail.stage.store.inbox.listed(SHOP, status=None, source=None, page=1, page_size=9)
    assert not any(each.body for each in whole.deliveries)


def test_deliveries_that_come_together_share_a_transaction_and_hear_it_at_once(mail):
    batches: list[int] = []

    class Counting:
        def put(self, deliveries):
            batches.append(len(deliveries))
            return mail.stage.store.inbox.put(deliveries)

    async def send():
        inbox = Inbox(Counting())  # pyright: ignore[reportArgumentType] - only `put` is asked for
        kept = await asyncio.gather(*(inbox.put(mail.delivery(f"evt_{n}")) for n in range(40)))
        assert inbox.news.is_set()
        return kept

    assert asyncio.run(send()) == [f"evt_{number}" for number in range(40)]
    assert len(batches) <= 2


def test_too_many_at_once_are_refused_and_harm_nobody(mail):
    most = limits.WEBHOOKS_WAITING_MAX

    async def send():
        inbox = Inbox(mail.kept)
        puts = (inbox.put(mail.delivery(f"evt_{number}")) for number in range(most + 1))
        return await asyncio.gather(*puts, return_exceptions=True)

    *kept, last = asyncio.run(send())
    assert kept == [f"evt_{number}" for number in range(most)]
    assert isinstance(last, Unavailable)


def test_a_store_that_is_away_keeps_nothing_and_says_so(mail):
    async def send():
        inbox = Inbox(mail.kept)
        with out_of_order(mail.stage.path, "inbox"), pytest.raises(Unavailable):
            await inbox.put(mail.delivery())
        return await inbox.put(mail.delivery())

    assert asyncio.run(send()) == "evt_1"


def test_who_hangs_up_is_kept_all_the_same(mail):
    async def send():
        inbox = Inbox(mail.kept)
        hasty = asyncio.create_task(inbox.put(mail.delivery()))
        await asyncio.sleep(0)
        hasty.cancel()
        await inbox.put(mail.delivery("evt_2"))

    asyncio.run(send())
    assert mail.find()


def test_news_wake_the_worker_and_a_stumble_does_not_stop_it(mail, monkeypatch, caplog):
    """However long it would sleep otherwise."""
    monkeypatch.setattr(inboxes, "STEP_S", 60)
    stumbles = [Unavailable(), ZeroDivisionError()]
    due = mail.stage.store.inbox.due

    def stumbling(*asked):
        if stumbles:
            raise stumbles.pop()
        return due(*asked)

    monkeypatch.setattr(mail.kept, "due", stumbling)

    async def work():
        async with mail.working() as worker:
            inbox = worker._inbox
            running = asyncio.create_task(worker.run())
            for number in range(3):
                await inbox.put(mail.delivery(f"evt_{number}"))
                await until_so(lambda: not inbox.news.is_set())
            await until_so(lambda: mail.find("evt_2").status == "processed")
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work(), 30))
    assert mail.stage.balance() == 15
    assert "stumbled" in caplog.text
    assert "have to wait" in caplog.text


def test_a_delivery_queued_anew_while_it_is_looked_at_is_looked_at_again(mail):
    mail.put(mail.delivery(body=paid(customer=None)))
    ((due, _),) = mail.kept.due(SHOP, mail.stage.clock.now(), 10)
    mail.stage.clock.move(by=SECOND)
    mail.kept.requeue(SHOP, "stripe", "evt_1", mail.stage.clock.now())

    mail.kept.settle([inboxes._settle(due, "unclaimed", "nobody")])

    assert mail.find().status == "waiting"
    mail.step()
    assert mail.find().status == "unclaimed"


def test_what_is_done_with_gives_up_its_body_after_a_month_and_keeps_its_name(mail):
    mail.put(mail.delivery(), mail.delivery("evt_2", body=paid(customer=None)))
    mail.step()
    mail.stage.clock.move(by=29 * DAY)
    mail.put(mail.delivery("evt_3"))
    mail.step(2)
    assert mail.find().body == paid()

    mail.stage.clock.move(by=2 * DAY)
    mail.step()

    bodies = [mail.find(name).body for name in ("evt_1", "evt_2", "evt_3")]
    assert bodies == [b"", paid(customer=None), paid()]
    mail.put(mail.delivery())
    mail.step()
    assert mail.status() == ("processed", None)
    assert mail.stage.balance() == 10


def test_the_bodies_of_long_ago_go_hour_by_hour(mail):
    mail.put(mail.delivery())
    mail.stage.clock.move(by=3 * 60 * 60 * SECOND)
    mail.put(mail.delivery("evt_2"))
    mail.step()
    mail.stage.clock.move(by=31 * DAY)
    emptied = []
    for _ in range(5):
        mail.step()
        emptied.append([mail.find(name).body == b"" for name in ("evt_1", "evt_2")])
        mail.stage.clock.move(by=60 * SECOND)

    assert emptied[0] == [True, False]
    assert emptied[-1] == [True, True]
