"""A client that was written for somebody else's server gets along with ours."""

import json
import signal
import time
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.backend import mint, port_of, serve
from tests.e2e.load import APP_SECRET
from tests.e2e.missions import MISSIONS
from tests.serving import Running

ZOE = "zoë-日本-🥾"
"""As bytes of Latin-1 this would be somebody else."""
TOKEN_EVENTS_MAX = 100
STREAMED = [
    *("mission.progress", "mission.completed"),
    *("mission.claimed", "reward.granted", "balance.changed"),
]


class Client:
    """The client in the page, whose backend hands out these tokens, one after the other."""

    def __init__(self, page: Page, server: Running, *tokens: str) -> None:
        self.page = page
        page.evaluate(
            "([api, tokens]) => { window.client = new Client(api, async () => tokens.shift()); }",
            [server.url, list(tokens)],
        )

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: object) -> Any:
            return self.page.evaluate(
                "([name, given]) => client[name](...given)", [name, list(arguments)]
            )

        return call

    def refusal_of(self, name: str, *arguments: object) -> tuple[str, int, str]:
        """Return code, status and message of what the client throws."""
        thrown = self.page.evaluate(
            """([name, given]) => client[name](...given).then(
                () => null, ({ code, status, message }) => [code, status, message])""",
            [name, list(arguments)],
        )
        assert thrown
        return tuple(thrown)

    def subscribe(self) -> None:
        self.page.evaluate("""() => {
            window.told = [];
            window.changes = [];
            const end = client.subscribe((told) => window.told.push(told),
                                         (change) => window.changes.push(change));
            window.end = end;
        }""")
        self.page.wait_for_function("changes.includes('connected')")

    def told(self, count: int) -> list[dict[str, Any]]:
        self.page.wait_for_function(f"told.length >= {count}")
        return self.page.evaluate("told")


def test_a_token_is_minted_and_read(shop, page):
    # A backend's function. No page but this one knows a secret.
    minting = "given => mintToken(...given).catch(({ code, status }) => [code, status])"
    minted = page.evaluate(minting, [shop.url, "shop", APP_SECRET, ZOE])

    assert time.time() < minted["expiresAt"] / 1000 <= time.time() + 3601
    assert Client(page, shop, minted["token"]).getUserId() == ZOE
    assert page.evaluate(minting, [shop.url, "shop", "x" * 32, ZOE]) == ["unauthorized", 401]


def test_an_event_counts_and_is_claimed_and_heard_of(shop, page):
    client = Client(page, shop, mint(shop, ZOE))
    client.subscribe()
    first = client.fireEvent("walk.finished", {"km": 6}, {"key": "walk-1"})
    assert first.keys() == {"accepted", "eventId", "missionsUpdated"}
    assert first["accepted"] is True
    assert first["missionsUpdated"] == ["spring-walk"]
    assert client.fireEvent("walk.finished", {"km": 6}, {"key": "walk-1"}) == first
    client.fireEvent("walk.finished", {"km": 6})
    claimed = client.claimMission("spring-walk", "claim-1")
    assert claimed.keys() == {"progress", "balance", "reward"}
    assert client.claimMission("spring-walk", "claim-1") == claimed
    assert client.claimMission("spring-walk")["progress"] == claimed["progress"]

    told = client.told(len(STREAMED))
    assert [each["type"] for each in told] == STREAMED
    assert {each["data"]["userId"] for each in told} == {ZOE}
    assert told[2]["data"] == claimed["progress"]
    assert told[4]["data"] == claimed["balance"]
    page.evaluate("end()")


def test_everything_can_be_read(shop, page):
    client = Client(page, shop, mint(shop, "gil"))
    client.fireEvent("walk.finished", {"km": 12})
    client.claimMission("spring-walk")
    balance = client.getBalance("coin")
    assert (balance["userId"], balance["currency"], balance["amount"]) == ("gil", "coin", 20)
    assert client.getBalance("gem")["amount"] == 0
    assert [each["currency"] for each in client.getBalances()] == ["coin"]

    one = client.getMission("spring-walk")
    assert one["mission"]["criteria"]["eventName"] == "walk.finished"
    assert one["progress"]["status"] == "claimed"
    assert client.getMission("explorer")["progress"] is None
    assert [each["id"] for each in client.getCampaigns()] == ["spring", "new_year"]
    assert len(client.getCampaigns({"include": "expired"})) == 3
    spring = client.getCampaign("spring", {"include": "missions"})
    assert spring["campaign"]["missionIds"] == [each["id"] for each in spring["missions"]]
    assert "missions" not in client.getCampaign("spring")
    recommended = client.getRecommendations()
    assert recommended["count"] == len(recommended["missionIds"]) <= 3
    assert isinstance(recommended["reason"], str)
    assert recommended["cached"] is False


def test_missions_are_read_page_by_page(shop, page):
    client = Client(page, shop, mint(shop, "hal"))
    client.fireEvent("walk.finished", {"km": 1})
    everything = client.getMissions()
    pages, cursor = [], None
    while cursor or not pages:
        asked = {"limit": 3, "cursor": cursor} if cursor else {"limit": 3}
        pages.append(client.getMissions(asked))
        cursor = pages[-1].get("nextCursor")

    ids = [mission["id"] for each in pages for mission in each["missions"]]
    assert ids == sorted(ids) == [mission["id"] for mission in everything["missions"]]
    assert set(MISSIONS) < set(ids)
    progress = {name: told for each in pages for name, told in each["progress"].items()}
    assert progress == everything["progress"]
    assert progress.keys() == {"spring-walk"}
    locked = client.getMissions({"status": "locked"})
    assert [each["id"] for each in locked["missions"]] == ["good-resolution"]
    assert len(client.getMissions({"campaignId": "spring"})["missions"]) == 2


def test_what_is_refused_is_thrown_by_its_status(shop, page):
    client = Client(page, shop, mint(shop, "ida"))
    assert client.refusal_of("getMission", "nope") == ("not_found", 404, "mission_not_found")
    assert client.refusal_of("claimMission", "nope") == ("not_found", 404, "mission_not_found")
    assert client.refusal_of("getCampaign", "nope") == ("not_found", 404, "campaign_not_found")
    assert client.refusal_of("getBalance", "nope") == ("not_found", 404, "balance_not_found")
    early = client.refusal_of("claimMission", "spring-walk")
    assert early == ("server_error", 409, "claim_not_ready")
    assert client.refusal_of("fireEvent", "", {}) == ("invalid_request", 400, "invalid_event")
    assert client.refusal_of("demoReset") == ("forbidden", 403, "not_demo_user")


def test_a_token_that_is_refused_is_fetched_anew_but_for_events(shop, page):
    good = mint(shop, "joe")
    assert Client(page, shop, good[:-3] + "AAA", good).getBalances() == []
    thrown = Client(page, shop, good[:-3] + "AAA", good).refusal_of("fireEvent", "step", {})
    assert thrown == ("unauthorized", 401, "unauthorized")


def test_a_demo_account_begins_anew(shop, page):
    client = Client(page, shop, mint(shop, "demo_kim", kind="demo"))
    client.fireEvent("account.created", {}, {"key": "once"})
    assert client.getBalance("coin")["amount"] == 10
    assert client.demoReset() == {"ok": True}
    assert client.demoReset() == {"ok": True}
    assert client.getBalance("coin")["amount"] == 0
    assert client.getMissions()["progress"] == {}


def test_an_event_too_many_waits_and_is_counted_later(shop, page):
    client = Client(page, shop, mint(shop, "lea"), mint(shop, "lea"))
    firing = """count => Promise.all([...Array(count)].map(
        () => client.fireEvent("walk.finished", { km: 0.01 })))"""
    answers = page.evaluate(firing, TOKEN_EVENTS_MAX)
    assert all(each["accepted"] for each in answers)
    assert client.fireEvent("walk.finished", {"km": 0.01}) == {"accepted": False, "queued": True}
    assert client.getMission("spring-walk")["progress"]["progress"] == pytest.approx(0.1)

    page.evaluate("client.token = undefined")
    assert client.flushEvents() == 0
    assert client.getMission("spring-walk")["progress"]["progress"] == pytest.approx(0.101)


def test_a_restart_costs_no_event_and_all_streams_come_back(tmp_path, page):
    with serve(tmp_path) as server:
        token = mint(server, ZOE)
        client = Client(page, server, token)
        client.subscribe()
        page.evaluate("given => listen(...given)", [server.url, token])
        client.fireEvent("walk.finished", {"km": 1})
        client.told(1)
        page.wait_for_function("seen.length === 1")
        assert server.stop(signal.SIGTERM) == 0
        answer = client.fireEvent("walk.finished", {"km": 2})
        assert answer == {"accepted": False, "queued": True}
    with serve(tmp_path, port_of(server)):
        page.wait_for_function("changes.length > 2 && changes.at(-1) === 'connected'")
        assert client.flushEvents() == 0
        assert client.flushEvents() == 0
        assert [each["data"]["currentCount"] for each in client.told(2)] == [1, 3]
        page.wait_for_function("seen.length === 2")
        counts = [json.loads(data)["data"]["currentCount"] for _, _, data in page.evaluate("seen")]
        assert counts == [1, 3]
        page.evaluate("end()")
