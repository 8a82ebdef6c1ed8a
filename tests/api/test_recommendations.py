"""`GET /v1/recommendations`: what comes back, and whom a server asks before it answers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from starlette.testclient import TestClient
from tests.advice.test_language_model import a_model, http, spoken
from tests.api.stub import House, create_app
from tests.house import APP_ID, APP_SECRET, LIVE_KEY
from tests.serving import Running, environment

from laurels import wiring
from laurels.advice.call import endpoint
from laurels.advice.language_model import LanguageModel
from laurels.core.change import Recommended
from laurels.core.compile import compile_rulebook
from laurels.core.rulebook import Rulebook
from laurels.core.state import State
from laurels.engine.answers import Met
from laurels.engine.recommend.advice import Advice
from laurels.engine.recommend.recommender import Recommender
from laurels.settings import SettingRefused, Settings

PATH = "/v1/recommendations"


class Sage:
    def __init__(self, *advice):
        self.advice = list(advice)

    async def advise(self, question):
        return self.advice.pop(0)


def asked(house):
    return house.call("GET", PATH, headers=house.token(), key=None)


def test_a_newcomer_is_shown_where_to_begin_and_the_same_again():
    house = House()

    first, again = asked(house).json, asked(house).json

    assert list(first) == ["missionIds", "reason", "cached", "count"]
    assert (len(first["missionIds"]), first["cached"]) == (first["count"], False)
    assert first["count"] > 0
    assert again == first | {"cached": True}


def test_without_a_token_nobody_is_told_anything():
    assert House().call("GET", PATH).status == 401


def test_fallback_is_told_only_when_advice_was_asked_for_in_vain():
    house = House()
    own = asked(house).json
    sage = Sage(None, Advice(("fitness",), "Go."))
    house.edge.recommender = Recommender(house.stub, house.stub, house.clock, sage)
    house.app = create_app(house.edge)

    assert asked(house).json == own | {"fallback": True}
    assert asked(house).json == {
        "missionIds": ["fitness"],
        "reason": "Go.",
        "cached": False,
        "count": 1,
    }
    assert asked(house).json["cached"] is True


def test_where_no_mission_is_open_there_is_a_reason_and_nothing_else():
    house = House()
    house.stub.participant = lambda *_: Met(State(), compile_rulebook(Rulebook(), 1))

    assert asked(house).json == {
        "missionIds": [],
        "reason": "There is nothing open for you right now.",
        "cached": False,
        "count": 0,
    }


def test_a_model_needs_a_name(tmp_path):
    with pytest.raises(SettingRefused, match="LAURELS_RECOMMENDER_MODEL"):
        wiring.adviser_of(Settings(recommender_url="http://localhost/v1"))
    with pytest.raises(SettingRefused, match="LAURELS_RECOMMENDER_URL is no address"):
        wiring.adviser_of(Settings(recommender_url="http://x:99999", recommender_model="m"))
    assert wiring.adviser_of(Settings()) is None


RULEBOOK = """
challenges:
  - {id: welcome, title: Welcome, claim: manual, objectives: [{id: o, event: hello, count: 1}]}
  - {id: buyer, title: Big spender, objectives: [{id: o, event: purchase, count: 5}]}
  - {id: runner, title: Runner, objectives: [{id: o, event: run, count: 5}]}
"""


def mission(client, bearer):
    return client.post("/v1/missions/welcome/claim", headers=bearer)


def challenge(client, _):
    body = {"participant_id": "ann"}
    path = "/api/v1/gamify/challenges/welcome/claim"
    return client.post(path, json=body, headers={"X-API-Key": LIVE_KEY})


@pytest.mark.parametrize("claim", [mission, challenge])
def test_a_claim_by_any_route_renews_the_list_and_the_journal_tells(house, claim):
    wiring.apply_rulebook(house.store.registry, "demo", wiring.WORLDS, RULEBOOK, 1)
    with TestClient(house.app) as client:
        minted = {"appId": APP_ID, "appSecret": APP_SECRET, "userId": "ann"}
        token = client.post("/v1/auth/token", json=minted).json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        before = client.get(PATH, headers=bearer).json()
        assert before["missionIds"][0] == "welcome"
        hello = {"userId": "ann", "name": "hello", "payload": {}, "timestamp": 1_716_100_000_000}
        assert client.post("/v1/events", json=hello, headers=bearer).status_code == 200

        assert claim(client, bearer).status_code == 200

        told = eventually(lambda: recommended(house))
        assert told.challenges == ("buyer", "runner")
        kept = {"missionIds": ["buyer", "runner"], "reason": told.why, "cached": True, "count": 2}
        assert client.get(PATH, headers=bearer).json() == kept


def recommended(house):
    entries = house.store.queries.journal("demo/live", after=0, count=100)
    changes = [change for entry in entries for change in entry.changes]
    return next((change for change in changes if isinstance(change, Recommended)), None)


def eventually(ask):
    give_up = time.monotonic() + 10
    while (found := ask()) is None:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return found


def a_server(folder, model):
    (folder / "rulebook.yaml").write_text(RULEBOOK, "utf-8")
    settings = environment(
        LAURELS_RECOMMENDER_URL=model.url,
        LAURELS_RECOMMENDER_MODEL="llama",
        LAURELS_RULEBOOK="rulebook.yaml",
        LAURELS_PORT="0",
    )
    return Running("serve", cwd=folder, env=settings)


def bearer(running, who="secret_person"):
    secret = running.secrets()["LAURELS_BOOTSTRAP_APP_SECRET"]
    body = {"appId": "demo", "appSecret": secret, "userId": who}
    minted = urllib3.request("POST", running.url + "/v1/auth/token", json=body).json()
    return {"Authorization": f"Bearer {minted['token']}"}


def test_a_server_asks_the_model_it_was_told_of_and_tells_it_little(tmp_path):
    answer = {"ids": ["runner", "nobody"], "reason": "Run, it is sunny."}
    with a_model(http(spoken(answer))) as model, a_server(tmp_path, model) as running:
        headers = bearer(running)
        event = {
            "userId": "secret_person",
            "name": "purchase",
            "payload": {"card": "4111 1111 1111 1111"},
            "timestamp": 1_716_100_000_000,
        }
        urllib3.request("POST", running.url + "/v1/events", json=event, headers=headers)

        replies = [
            urllib3.request("GET", running.url + PATH, headers=headers).json() for _ in range(2)
        ]

        made = {"missionIds": ["runner"], "reason": "Run, it is sunny.", "cached": False}
        assert replies == [made | {"count": 1}, made | {"count": 1, "cached": True}]
        (request,) = model.requests
        assert b"4111 1111" not in request
        assert b"secret_person" not in request
        told = json.loads(json.loads(request.partition(b"\r\n\r\n")[2])["messages"][1]["content"])
        assert told["recentEvents"] == [{"name": "purchase", "count": 1}]
        progress = {goal["id"]: goal["progress"] for goal in told["goals"]}
        assert progress == {"welcome": 0, "buyer": 20, "runner": 0}


def test_many_requests_of_one_user_are_one_question_to_the_model(tmp_path):
    answer = http(spoken({"ids": ["runner"], "reason": "Run."}))
    with a_model(answer, drip_s=0.01) as model, a_server(tmp_path, model) as running:
        headers = bearer(running)

        def ask(_):
            return urllib3.request("GET", running.url + PATH, headers=headers).json()

        with ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(ask, range(20)))

        assert {tuple(reply["missionIds"]) for reply in replies} == {("runner",)}
        assert not [reply for reply in replies if "fallback" in reply]
        assert len(model.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[{"message":{"content":"\xff\xfe"}}]}',
        b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b',"choices":[]}',
        spoken({"ids": ["nobody"], "reason": "Go."}),
    ],
    ids=["no_utf_8", "too_deep", "not_open"],
)
def test_a_models_nonsense_is_a_reply_of_our_own_and_a_line_in_the_log(body, caplog):
    house = House()
    own = asked(house).json
    with a_model(http(body)) as model:
        sage = LanguageModel(endpoint(model.url), "llama")
        house.edge.recommender = Recommender(house.stub, house.stub, house.clock, sage)
        house.app = create_app(house.edge)

        assert asked(house).json == own | {"fallback": True}

    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_slow_model_does_not_hold_up_the_end_of_a_server(tmp_path):
    with a_model(b"HTTP/1.1 200 OK\r\n" * 1_000, drip_s=0.02) as model:
        running = a_server(tmp_path, model)
        with running, urllib3.PoolManager() as pool:
            headers = bearer(running)
            with pytest.raises(urllib3.exceptions.TimeoutError):
                pool.request("GET", running.url + PATH, headers=headers, timeout=0.5, retries=False)
            assert model.asked.is_set()
            began = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - began < 8
