"""Demo accounts begin anew; nobody else does, and nobody where the server does not allow it."""

import pytest
from starlette.testclient import TestClient
from tests.house import a_house


@pytest.fixture
def demo_house(tmp_path):
    with a_house(tmp_path, demo_accounts="on") as house:
        yield house
        assert list(house.store.verify()) == []


def token(client, house, user, kind="demo"):
    body = {"appId": house.app_id, "appSecret": house.app_secret, "userId": user, "kind": kind}
    minted = client.post("/v1/auth/token", json=body).json()["token"]
    return {"authorization": f"Bearer {minted}"}


def buy(client, headers, user, key="k"):
    return client.post(
        "/v1/events",
        json={
            "userId": user,
            "name": "walked",
            "payload": {"km": 3},
            "timestamp": 1_716_100_000_000,
            "idempotencyKey": key,
        },
        headers=headers,
    )


def seen(client, headers):
    paths = ("/v1/balance", "/v1/missions/first_steps")
    return [client.get(path, headers=headers).json() for path in paths]


def test_a_demo_account_begins_anew_as_often_as_it_likes(demo_house):
    with TestClient(demo_house.app) as client:
        headers = token(client, demo_house, "demo_1")
        untouched = seen(client, headers)
        for _ in range(3):
            first = buy(client, headers, "demo_1")
            assert "x-idempotent-replay" not in first.headers
            assert first.json()["missionsUpdated"] == ["first_steps"]
            assert seen(client, headers) != untouched

            reset = client.post("/v1/demo/reset", headers=headers, content=b"junk")

            assert (reset.status_code, reset.json()) == (200, {"ok": True})
            assert seen(client, headers) == untouched


@pytest.mark.parametrize(
    ("user", "kind"), [("demo_1", "admin"), ("demo_1", None), ("usr_1", "demo"), ("Demo_1", "demo")]
)
def test_nobody_else_is_reset(demo_house, user, kind):
    with TestClient(demo_house.app) as client:
        headers = token(client, demo_house, user, kind)
        buy(client, headers, user)
        before = seen(client, headers)

        reset = client.post("/v1/demo/reset", headers=headers)

        assert (reset.status_code, reset.json()["error"]) == (403, "not_demo_user")
        assert seen(client, headers) == before


def test_it_is_off_unless_the_server_allows_it(house):
    with TestClient(house.app) as client:
        headers = token(client, house, "demo_1")

        assert client.post("/v1/demo/reset", headers=headers).status_code == 403


def test_a_reset_wants_a_token(demo_house):
    with TestClient(demo_house.app) as client:
        assert client.post("/v1/demo/reset").status_code == 401
