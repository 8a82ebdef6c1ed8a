"""The promises of the Store port, for every adapter there is."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest
from tests.cast import CAFE, DAY, HOUR, NOON, SHOP, SHOP_TEST, Stage, out_of_order
from tests.contract.undone import undone

from laurels.core import limits
from laurels.core.errors import RulebookRefused, Unavailable
from laurels.engine.registry import ApiKey, App, Tenant
from laurels.store import sweep

RULEBOOK = """
earn: [{id: unit, event: buy, points: {of: amount, times: 1}}]
challenges: [{id: daily, window: daily, objectives: [{event: buy, count: 2}]}]
"""


@pytest.fixture
def opens(place):
    """Return what opens one more stage on the same store, as another process would."""
    opened = []

    def open_one(rulebook=RULEBOOK, **more):
        stage = Stage(place, rulebook, **more)
        opened.append(stage)
        return stage

    yield open_one
    assert opened[-1].findings() == []
    for stage in opened:
        stage.store.close()


@pytest.fixture
def stage(opens):
    return opens()


def test_numbers_run_by_tenant_and_without_gaps(stage):
    for world in (SHOP, CAFE, SHOP):
        stage.send(*(stage.event("buy", f"p{n}", world=world, amount=1) for n in range(3)))

    assert [entry.number for entry in stage.journal(SHOP)] == [1, 2, 3, 4, 5, 6]
    assert [entry.number for entry in stage.journal(CAFE)] == [1, 2, 3]


def test_a_reader_who_follows_misses_nothing(opens):
    writers, batches = [opens() for _ in range(4)], 12
    reader, done = opens(), Flag()

    def write(number):
        stage = writers[number]
        stage.clock.count = 100_000 * number
        for size in range(batches):
            stage.send(*(stage.event("buy", f"p{size % 3}", amount=1) for _ in range(size % 4 + 1)))

    def follow():
        seen = []
        while True:
            last = done.is_set()
            news = reader.store.queries.journal(SHOP, after=len(seen), count=100)
            seen += [entry.number for entry in news]
            if last and not news:
                return seen

    with ThreadPoolExecutor(5) as threads:
        following = threads.submit(follow)
        for writing in [threads.submit(write, number) for number in range(4)]:
            writing.result()
        done.set()

    assert following.result() == list(range(1, 4 * 30 + 1))


def test_what_is_rolled_back_leaves_nothing(stage):
    tables = ["events", "journal", "postings", "receipts", "participants", "windows", "heads"]
    before = {table: stage.rows(f"SELECT * FROM {table}") for table in tables}
    with undone(stage):
        stage.send(stage.event("buy", key="k", amount=1))

    assert {table: stage.rows(f"SELECT * FROM {table}") for table in tables} == before
    assert len(stage.tell("buy", amount=1).changes) == 2
    assert stage.balance() == 1


def test_a_store_of_another_process_is_up_to_date_at_the_next_batch(opens):
    one, other = opens(), opens()
    other.clock.count = 1_000
    for n in range(4):
        [one, other][n % 2].tell("buy", amount=1)

    assert [type(change).__name__ for change in one.journal()[1].changes][-1] == "ChallengeClaimed"
    assert one.balance() == 4


def test_a_rulebook_of_another_process_is_in_force_at_the_next_batch(opens):
    one, other = opens(), opens()
    one.tell("buy", amount=1)
    version = other.store.registry.put_rulebook(
        SHOP, RULEBOOK.replace("times: 1", "times: 10"), NOON
    )
    receipt = one.tell("buy", amount=1)

    assert (version, receipt.version) == (2, 2)
    assert one.balance() == 11


def test_a_rulebook_of_this_process_is_in_force_at_the_next_batch(stage):
    stage.tell("buy", amount=1)
    stage.store.registry.put_rulebook(SHOP, "currencies: [gem]", NOON)

    assert stage.tell("buy", amount=1).version == 2


def test_the_same_rulebook_is_no_new_version(stage):
    registry = stage.store.registry

    assert [registry.put_rulebook(SHOP, RULEBOOK, NOON) for _ in range(2)] == [1, 1]
    assert registry.rulebook_source(SHOP) == (1, RULEBOOK)
    assert registry.rulebook_source(SHOP_TEST) is None


def test_a_rulebook_that_does_not_parse_leaves_the_old_one_in_force(stage):
    with pytest.raises(RulebookRefused):
        stage.store.registry.put_rulebook(SHOP, "earn: 5", NOON)

    assert stage.store.registry.rulebook_source(SHOP) == (1, RULEBOOK)
    assert stage.tell("buy", amount=1).version == 1


def test_tenants_are_made_once_and_can_be_disabled(opens):
    one, other = opens().store.registry, opens().store.registry

    assert [one.create_tenant(name, NOON) for name in ("shop", "cafe", "shop")] == [
        True,
        True,
        False,
    ]
    assert one.tenants() == [Tenant("cafe"), Tenant("shop")]
    assert other.set_disabled("shop", disabled=True)
    assert [one.is_disabled(world) for world in (SHOP, SHOP_TEST, CAFE)] == [True, True, False]
    assert one.tenants()[1].disabled
    assert one.set_disabled("shop", disabled=False)
    assert not other.is_disabled(SHOP)
    assert not one.set_disabled("nobody", disabled=True)


def test_apps_are_found_and_get_new_secrets(stage):
    registry = stage.store.registry
    registry.create_tenant("shop", NOON)
    for secret in (b"old", b"new"):
        registry.put_app(App(id="app", tenant=SHOP, secret_digest=secret), NOON)
    registry.put_app(App(id="orphan", tenant=CAFE, secret_digest=b"x"), NOON)

    assert registry.find_app("app") == App(id="app", tenant=SHOP, secret_digest=b"new")
    assert registry.find_app("none") is None
    assert [app.id for app in registry.apps()] == ["app", "orphan"]
    registry.set_disabled("shop", disabled=True)
    assert registry.find_app("app").tenant_disabled
    assert [app.tenant_disabled for app in registry.apps()] == [True, False]


def test_keys_are_found_by_their_digest_and_can_be_revoked(stage):
    registry = stage.store.registry
    registry.create_tenant("shop", NOON)
    key = ApiKey(
        id="k1", tenant=SHOP, scopes=frozenset({"participant", "read:pii"}), expires_at=NOON
    )
    registry.put_key(key, digest=b"1" * 32, hint="bq_live_abcd", at=NOON)
    registry.put_key(key, digest=b"1" * 32, hint="again", at=NOON + 1)

    found = registry.keys()
    assert registry.find_key(b"1" * 32) == key
    assert registry.find_key(b"2" * 32) is None
    assert [(entry.key, entry.hint, entry.created_at) for entry in found] == [
        (key, "bq_live_abcd", NOON)
    ]
    assert (registry.revoke_key("k1"), registry.revoke_key("k2")) == (True, False)
    registry.set_disabled("shop", disabled=True)
    found = registry.find_key(b"1" * 32)
    assert (found.revoked, found.tenant_disabled) == (True, True)


def test_expired_receipts_are_swept_in_slices_and_live_ones_stay(stage, monkeypatch):
    monkeypatch.setattr(sweep, "ROWS_PER_STEP", 3)
    old, new = range(7), range(7, 11)
    for keys in (old, new):
        for world in (SHOP, CAFE):
            stage.send(
                *(stage.event("buy", f"p{n % 2}", key=f"k{n}", world=world, amount=1) for n in keys)
            )
        stage.clock.move(by=DAY)
    before, left = stage.clock.at - DAY, []
    for _ in range(8):
        stage.store.forget_receipts(before)
        left += stage.rows("SELECT COUNT(*) FROM receipts")

    assert left[0] > left[-1]
    assert all(22 - 3 * step <= count for step, (count,) in enumerate(left, 1))
    assert left[-1] == (8,)
    assert stage.tell("buy", "p1", key="k9", amount=1).duplicate


def test_an_expired_key_counts_anew_among_many_that_are_new(stage):
    stage.tell("buy", "ann", key="old", amount=1)
    stage.clock.move(by=DAY + 1)
    keys = ["old", *(f"new {n}" for n in range(30))]
    for is_known in (False, True):
        outcomes = stage.send(*(stage.event("buy", "ann", key=key, amount=1) for key in keys))
        assert {outcome.duplicate for outcome in outcomes} == {is_known}


def test_receipts_of_nobody_are_soon_forgotten(stage):
    stage.store.forget_receipts(NOON)

    assert stage.rows("SELECT COUNT(*) FROM receipts") == [(0,)]


def test_history_is_told_in_pages_newest_first(stage):
    at = [NOON, NOON - HOUR, NOON - DAY, NOON, NOON + 1]
    sent = [stage.tell("buy" if n % 2 else "see", at=when, n=n) for n, when in enumerate(at)]
    stage.tell("buy", "bob")
    stage.tell("buy", world=SHOP_TEST)

    def history(page=1, page_size=10, **asked):
        asked = {"name": None, "since": None, "until": None, **asked}
        found = stage.store.queries.history(SHOP, "ann", page=page, page_size=page_size, **asked)
        return [json_n(entry.properties_json) for entry in found.entries], found.total

    assert history() == ([4, 3, 0, 1, 2], 5)
    assert history(page_size=2) == ([4, 3], 5)
    assert history(page=3, page_size=2) == ([2], 5)
    assert history(page=4, page_size=2) == ([], 5)
    assert history(page=limits.PAGE_MAX, page_size=limits.PAGE_SIZE_MAX) == ([], 5)
    assert history(name="buy") == ([3, 1], 2)
    assert history(since=NOON - HOUR, until=NOON) == ([1], 1)
    assert history(since=NOON) == ([4, 3, 0], 3)
    assert history(until=NOON - DAY) == ([], 0)
    assert (
        stage.store.queries.history(
            SHOP, "ann", name="see", since=None, until=None, page=1, page_size=1
        )
        .entries[0]
        .id
        == sent[4].id
    )


def json_n(text):
    return int(text.removeprefix('{"n":').removesuffix("}"))


def test_the_journal_is_told_after_a_cursor(stage):
    sent = stage.send(*(stage.event("buy", amount=n) for n in (1, 2, 3)))
    entries = stage.store.queries.journal(SHOP, after=1, count=1)

    assert [(entry.number, entry.command, entry.participant) for entry in entries] == [
        (2, sent[1].id, "ann")
    ]
    assert (entries[0].version, entries[0].recorded_at, entries[0].changes) == (
        1,
        NOON,
        sent[1].changes,
    )
    assert stage.store.queries.journal(SHOP, after=3, count=10) == []


def test_a_store_that_cannot_be_read_is_not_ready(stage):
    assert stage.store.queries.is_ready()
    with out_of_order(stage.path, "tenants"):
        assert not stage.store.queries.is_ready()
        with pytest.raises(Unavailable, match="cannot be read"):
            stage.store.registry.tenants()
    assert stage.store.queries.is_ready()
