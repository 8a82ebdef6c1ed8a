"""The secret that signs tokens: changed without a break, and refused when it is none."""

import json

import pytest
from starlette.testclient import TestClient
from tests.serving import environment, laurels

from laurels import settings, wiring

OLD, NEW, NEXT = ("old " * 8, "new " * 8, "next" * 8)
APP = "an app secret of thirty-two chars"
EVENT = {"userId": "ann", "name": "x", "payload": {}, "timestamp": 1}
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALKZD0nEffqM1ACuak0bijtqE2QrI/Kl
-----END PUBLIC KEY-----"""


class Start:
    """One start of a server on the same store, with these secrets in its environment."""

    def __init__(self, store, secret, previous=""):
        environment = {
            "LAURELS_JWT_SECRET": secret,
            "LAURELS_JWT_SECRET_PREVIOUS": previous,
            "LAURELS_BOOTSTRAP_APP_SECRET": APP,
        }
        read = settings.read(environment).settings
        wiring.bootstrap(store.registry, read, 0)
        self.client = TestClient(wiring.build(read, store).app)

    def mint(self):
        body = {"appId": "demo", "appSecret": APP, "userId": "ann"}
        return self.client.post("/v1/auth/token", json=body).json()["token"]

    def revoke(self, token):
        """Ask for what only a good token can: to be revoked. Its body tells why not."""
        reply = self.client.post("/v1/auth/revoke", headers={"Authorization": f"Bearer {token}"})
        return reply.status_code, json.loads(reply.content or "{}").get("message", "")


@pytest.fixture
def store(tmp_path):
    store = wiring.open_store(f"sqlite:{tmp_path / 'laurels.db'}")
    yield store
    store.close()


def test_a_secret_is_changed_without_a_break_and_retired_for_good(store):
    before = Start(store, OLD)
    old = [before.mint() for _ in range(3)]

    overlap = Start(store, NEW, OLD)
    assert overlap.revoke(old[0]) == (204, "")
    new = overlap.mint()
    assert "signature" in before.revoke(new)[1], "the new secret signs"
    assert overlap.revoke(new) == (204, "")

    after = Start(store, NEXT, NEW)
    assert after.revoke(overlap.mint()) == (204, "")
    for token in old:
        assert after.revoke(token) == (401, "The token's signature is wrong.")
    alone = Start(store, NEXT)
    assert alone.revoke(overlap.mint()) == (401, "The token's signature is wrong.")
    assert alone.revoke(after.mint()) == (204, "")


def test_what_was_revoked_stays_so_while_secrets_change(store):
    before = Start(store, OLD)
    token = before.mint()
    before.revoke(token)

    assert Start(store, NEW, OLD).revoke(token) == (401, "The token was revoked.")


@pytest.mark.parametrize("name", ["LAURELS_JWT_SECRET", "LAURELS_JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize("secret", ["s" * 31, PUBLIC_KEY, "ssh-rsa " + "A" * 40], ids=len)
def test_a_start_refuses_a_secret_that_is_none(tmp_path, name, secret):
    run = laurels("serve", "--port", 0, cwd=tmp_path, env=environment(**{name: secret}))

    assert run.returncode == 2
    assert f"{name} must be at least 32 bytes of text that nobody can guess" in run.stderr
    assert secret not in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())
