"""A page in a real browser, on another origin, with a token and without a secret."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, Request
from tests.browser.backend import (
    Told,
    fire,
    mint,
    numbers_of,
    port_of,
    serve,
    told_from_the_beginning,
)
from tests.e2e.load import STORE
from tests.e2e.log import verified
from tests.serving import Running

CONNECTING, CLOSED = 0, 2
QUIET_MS = 500
STORY = [
    *("mission.progress", "mission.completed"),
    *("mission.claimed", "reward.granted", "balance.changed"),
]
PURCHASE = {"amount": 5, "currency": "USD"}
"""A step of the weekly basket, and the first one of the explorer."""


class Visit:
    """Somebody's page, which has a token of theirs."""

    def __init__(self, page: Page, server: Running, user: str) -> None:
        self.page = page
        self.api = server.url
        self.user = user
        self.token = mint(server, user)

    def listen(self) -> None:
        self.page.evaluate("given => listen(...given)", [self.api, self.token])
        self.until("opens === 1")

    def fire(self, name: str, payload: dict[str, Any], key: str | None = None) -> Any:
        given = [self.api, self.token, self.user, name, payload, key]
        return self.page.evaluate("given => fire(...given)", given)

    def ask(self, method: str, path: str, key: str | None = None) -> Any:
        given = [self.api, self.token, method, path, None, key]
        return self.page.evaluate("given => ask(...given)", given)

    def until(self, condition: str) -> None:
        self.page.wait_for_function(condition)

    @property
    def seen(self) -> list[Told]:
        return [Told(*each) for each in self.page.evaluate("seen")]


@contextmanager
def preflights(page: Page) -> Iterator[list[str]]:
    """Note each question that the browser asks of its own accord, without remembering any."""
    asked: list[str] = []

    def note(sent: dict[str, Any]) -> None:
        if sent["request"]["method"] == "OPTIONS":
            asked.append(sent["request"]["url"])

    session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", note)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield asked
    session.detach()


def streams(page: Page) -> list[str]:
    """Return a list that grows with each stream that is asked for."""
    asked: list[str] = []

    def note(sent: Request) -> None:
        if "/v1/sse/" in sent.url:
            asked.append(sent.url)

    page.on("request", note)
    return asked


def test_a_page_fires_claims_and_hears_of_it(shop, page):
    visit = Visit(page, shop, "ann")
    assert page.evaluate("location.origin") != shop.url
    visit.listen()

    with preflights(page) as asked:
        first = visit.fire("walk.finished", {"km": 4}, "walk-1")
    again = visit.fire("walk.finished", {"km": 4}, "walk-1")
    assert (first["status"], first["replay"]) == (200, None)
    assert (again["status"], again["replay"]) == (200, "hit")
    assert again["body"] == first["body"]
    assert asked == [f"{shop.url}/v1/events"]
    visit.until("seen.length === 1")
    assert visit.fire("walk.finished", {"km": 6}, "walk-2")["status"] == 200
    visit.until("seen.length === 2")

    claimed = visit.ask("POST", "/v1/missions/spring-walk/claim", "claim-1")
    again = visit.ask("POST", "/v1/missions/spring-walk/claim", "claim-1")
    assert (claimed["status"], claimed["replay"]) == (200, None)
    assert (again["status"], again["replay"]) == (200, "hit")
    assert again["body"] == claimed["body"]
    visit.until("seen.length === 5")
    progress, completed, claim, granted, balance = (told.body["data"] for told in visit.seen)
    assert [told.body["type"] for told in visit.seen] == STORY
    assert (progress["currentCount"], progress["progress"]) == (4, 0.4)
    assert (completed["currentCount"], completed["status"]) == (10, "completed")
    assert claim == claimed["body"]["progress"]
    assert granted["reward"] == claimed["body"]["reward"]
    assert balance == claimed["body"]["balance"]
    assert visit.ask("GET", "/v1/balance/coin")["body"]["balance"]["amount"] == 20


def test_a_page_misses_nothing_while_the_server_is_gone(tmp_path, page):
    with serve(tmp_path) as server:
        port = port_of(server)
        visit = Visit(page, server, "bob")
        visit.listen()
        for _ in range(3):
            assert visit.fire("purchase.completed", PURCHASE)["status"] == 200
        visit.until("seen.length === 3 + 1")
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        visit.until(f"errors.length && source.readyState === {CONNECTING}")

    # Where the page cannot reach it: so whatever happens now, it misses.
    with serve(tmp_path) as server:
        for _ in range(4):
            fire(server, visit.token, "bob", "purchase.completed", PURCHASE)
        server.stop(signal.SIGKILL)
    with serve(tmp_path, port) as server:
        assert server.url == visit.api
        # Whether it is back already or not: it must make no difference.
        for _ in range(3):
            fire(server, visit.token, "bob", "purchase.completed", PURCHASE)
        visit.until("opens === 2")
        assert visit.fire("purchase.completed", PURCHASE)["status"] == 200
        count = 3 + 4 + 3 + 1
        visit.until(f"seen.length >= {count + 1}")
        page.wait_for_timeout(QUIET_MS)
        _heard_all(visit, told_from_the_beginning(server, visit.token, count + 1))
        assert numbers_of(tmp_path, "bob") == sorted({told.place[0] for told in visit.seen})
    assert not verified(tmp_path / STORE)


def _heard_all(visit: Visit, told: list[Told]) -> None:
    seen = visit.seen
    assert seen == told
    assert all(before.place < after.place for before, after in pairwise(seen))
    assert {each.event for each in seen} == {"update"}
    counts = [
        each.body["data"]["currentCount"]
        for each in seen
        if each.body["data"]["missionId"] == "weekly-basket"
    ]
    assert counts == [5 * step for step in range(1, len(counts) + 1)]


def test_a_page_with_a_bad_token_is_told_once(shop, page):
    asked = streams(page)
    visit = Visit(page, shop, "dan")
    visit.token = visit.token[:-3] + "AAA"
    page.evaluate("given => listen(...given)", [visit.api, visit.token])
    visit.until("errors.length === 1")
    page.wait_for_timeout(QUIET_MS)

    assert page.evaluate("errors") == [CLOSED]
    assert len(asked) == 1
    refused = visit.fire("walk.finished", {"km": 1})
    assert (refused["status"], refused["body"]["error"]) == (401, "unauthorized")
    assert refused["body"]["message"]


def test_a_page_that_signs_out_hears_no_more_and_does_not_insist(shop, page):
    asked = streams(page)
    visit = Visit(page, shop, "eve")
    visit.listen()
    assert visit.ask("POST", "/v1/auth/revoke")["status"] == 204
    fire(shop, mint(shop, "eve"), "eve", "walk.finished", {"km": 1})
    visit.until(f"source.readyState === {CLOSED}")

    # The end of the stream, and what it was told when it came back for more.
    assert page.evaluate("errors") == [CONNECTING, CLOSED]
    assert len(asked) == 2
    assert not visit.seen
