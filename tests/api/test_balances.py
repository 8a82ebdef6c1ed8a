"""When a balance last moved, currency by currency."""

import pytest
from starlette.testclient import TestClient
from tests.api.test_demo import token

from laurels.api.questkit import balances

TIME = 1_716_100_000_000


@pytest.fixture
def client(house):
    with TestClient(house.app) as client:
        client.headers.update(token(client, house, "ann", "none"))
        yield client


def tell(client, name):
    event = {"userId": "ann", "name": name, "payload": {}, "timestamp": TIME}
    assert client.post("/v1/events", json=event).status_code == 200


def seen(client):
    listed = client.get("/v1/balance").json()["balances"]
    for each in listed:
        assert client.get(f"/v1/balance/{each['currency']}").json() == {"balance": each}
    return {each["currency"]: (each["amount"], each["updatedAt"]) for each in listed}


def test_a_balance_moves_with_its_own_postings_alone(client):
    assert client.get("/v1/balance/gem").json()["balance"]["updatedAt"] == 0
    tell(client, "lesson_completed")
    gem = seen(client)["gem"]
    tell(client, "quiz_completed")

    balance = seen(client)

    assert balance["gem"] == gem
    assert balance["points"][1] >= gem[1]
    assert client.get("/v1/balance/gem").json()["balance"]["amount"] == 1


def test_one_that_moved_long_ago_did_so_before_the_oldest_posting_that_is_read(client, monkeypatch):
    tell(client, "lesson_completed")
    gem = seen(client)["gem"]
    monkeypatch.setattr(balances, "POSTINGS_READ_MAX", 2)
    for _ in range(3):
        tell(client, "quiz_completed")

    amount, at = seen(client)["gem"]

    assert amount == 1
    assert gem[1] <= at <= seen(client)["points"][1]
